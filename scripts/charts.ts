/** Draws the pictures of the documentation anew, each as a command line says it: `npx tsx scripts/charts.ts [name...]`. */
import { join } from 'node:path';
import { processOutput } from '../cli/output.ts';
import { run } from '../cli/program.ts';
import { packageRoot } from '../model/input/packageFiles.ts';

const PAIR = 'experiments/pair/host-b/pair-';
const WAN = '--model wan2.1-t2v-14b --size 832x480x81 --machine h200-x2-fitted --transport shm';

/** Command lines behind `chunkflow plot` by the picture that they draw. */
export const PICTURES: Readonly<Record<string, string>> = {
  pair: `predicted-vs-measured ${PAIR}steps.jsonl ${PAIR}nvlink.jsonl ${PAIR}full-depth.jsonl --machine h200-x2-fitted`,
  four: 'predicted-vs-measured experiments/four/host-c/four-steps.jsonl --machine experiments/four/host-c/host-c.yaml',
  front: `front experiments/h100-headlines/h100-headlines.yaml experiments/h100-headlines/first.jsonl experiments/h100-headlines/again.jsonl --cell wan2.1-t2v-14b-832x480x17-sp2-cfg-none`,
  'published-steps': 'published-steps',
  errors: `errors ${PAIR}steps.jsonl ${PAIR}nvlink.jsonl ${PAIR}full-depth.jsonl --machine h200-x2-fitted`,
  timeline: 'timeline experiments/h200-steps/timeline-yield.json --machine h200-x1-fitted',
  block: `block ${WAN}`,
  tokens: `tokens ${WAN}`,
  memory: `memory ${WAN}`,
  sensitivity: `sensitivity ${WAN} --plan layerwise --plan yield`,
  roofline: 'roofline --model wan2.1-t2v-14b --size 832x480x81 --machine h200-x2-fitted',
  nodes: 'nodes experiments/pair experiments/four/host-c',
  contention:
    'contention experiments/pair/host-d/calibration.yaml --machine experiments/pair/host-d/host-d.yaml',
  'link-rate':
    'sweep out/link-rate --x set_gpu_copyEngine_h2dBytesPerS --y versusNone --by plan --facet size --log xy',
};

/** What has to be run before, behind `chunkflow`, by picture. */
const BEFORE: Readonly<Record<string, string>> = {
  'link-rate': 'sweep experiments/sweeps/link-rate.sweep.yaml --results out/link-rate',
};

const asked = process.argv.slice(2);
process.chdir(packageRoot);
for (const [name, words] of Object.entries(PICTURES)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const before = BEFORE[name];
  if (before !== undefined) await run(before.split(' '), processOutput);
  const code = await run(['plot', ...words.split(' '), '--out', join('docs', `${name}.svg`)], processOutput);
  if (code !== 0) process.exitCode = code;
}
