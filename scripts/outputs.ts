import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { generateAttached } from '../codegen/attach/generateAttached.ts';
import { readProfiledPlan } from '../codegen/attach/readProfiledPlan.ts';
import { generateCalibration } from '../codegen/calibration/generateCalibration.ts';
import type { GeneratedFile } from '../codegen/generate.ts';
import { SCHEMA_NAMES } from '../documents/names.ts';
import { catalogueIds, loadDit } from '../model/dit/load.ts';
import { formatSize } from '../model/dit/tokens.ts';
import { UserError } from '../model/input/userError.ts';
import { loadSystem, systemIds } from '../model/system/load.ts';
import { ALONE, GOLDEN, generateScenario, SHARED, type TinyScenario } from '../test/codegen/scenarios.ts';
import { runCli } from '../test/support/runCli.ts';

/**
 * `npx tsx scripts/outputs.ts [--only PATTERN] [--check FILE | --texts]`: one line `sha256 name` for each of some 560 outputs that a
 * change which only moves or renames code must leave byte for byte as they are:
 *
 *   - exit code, answer and notes of `predict`, `simulate` (some with their trace) and `plan` over scenarios that are drawn over models,
 *     sizes, machines, ranks, layouts, transports and plans; a scenario that is refused counts by its message
 *   - `schema`, `models`, `machines`, `validate` and `fit` on committed datasets
 *   - sources and manifests of generated programs, of calibrations and of an attached plan, by file
 *
 * With --check, prints the names whose hash is not the one in FILE, and ends with 1 where there are any. With --texts, prints the
 * outputs themselves. Left out are lines of progress, which come by the clock; the temporary folder of traces
 * and saved plans reads FOLDER. The draw depends on the names of the catalogue and of the machines alone. About a minute of one core.
 */
const { values } = parseArgs({
  options: { check: { type: 'string' }, only: { type: 'string' }, texts: { type: 'boolean' } },
});
const only = new RegExp(values.only ?? '');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-outputs-'));

const PREDICTIONS = 120;
const SIMULATIONS = 120;
/** Of the simulations, one in so many writes its trace. */
const TRACED = 4;

const SIZES = {
  image: ['512x512', '1024x1024', '1536x1024', '2048x2048'],
  video: ['480x320x17', '832x480x33', '832x480x81', '1280x704x49'],
} as const;
const PLANS = [
  'none',
  'sequential',
  'layerwise',
  'layerwise-strided,resident-layers=0.5',
  'layerwise-drain',
  'chunked,chunk=8MiB',
  'paced,chunk=16MiB',
  'chunkflow-paper,chunk=16MB',
  'yield,chunk=16MiB',
  'yield,chunk=4MiB,resident=0.5',
  'yield,chunk=32MiB,slots=3,prefetch=2',
];
const LAYOUTS = [
  [],
  ['--exchange', 'separate'],
  ['--exchange', 'kv-gather'],
  ['--cfg', 'sequential'],
  ['--cfg', 'none', '--text-rows', '64'],
  ['--batch', '2'],
  ['--blocks', '6'],
];

interface Output {
  name: string;
  /** Texts by name; most outputs have one. */
  make: () => Promise<Map<string, string>> | Map<string, string>;
}

/** Numbers from 0 up to a bound that are the same in every run (a linear congruential generator, its high bits). */
function drawing(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** A model on a machine at a size, with what else its command line says. */
function drawnScenario(draw: (bound: number) => number): { args: string[]; plans: string[] } {
  const pick = <T>(items: readonly T[]): T => items[draw(items.length)]!;
  const model = loadDit(pick(catalogueIds()));
  const machine = loadSystem(pick(systemIds()));
  const most = machine.peer === 'real' ? machine.gpus.length : 4;
  const sp = pick([1, 2, 2, 4, 8].filter((ranks) => ranks <= most));
  const tensorParallel = sp > 1 && draw(6) === 0;
  const layout = pick(LAYOUTS);
  const args = [
    ...[
      '--model',
      model.id,
      '--machine',
      machine.id,
      '--size',
      pick([...SIZES[model.modality], formatSize(model.referenceSize)]),
    ],
    ...(tensorParallel ? ['--sp', '1', '--tp', String(sp)] : ['--sp', String(sp)]),
    ...(tensorParallel || (sp === 1 && layout[0] === '--exchange') ? [] : layout),
    ...(sp > 1 ? ['--transport', pick(machine.transports).name] : []),
    ...(draw(5) === 0 ? ['--set', 'gpu.copyEngine.h2d=30 GB/s'] : []),
  ];
  const drained = /drain|paper/;
  const plans = PLANS.filter((plan) => sp > 1 || !drained.test(plan));
  return { args, plans: [pick(plans), pick(plans)] };
}

function* drawnOutputs(): Generator<Output> {
  const draw = drawing(1);
  for (let index = 0; index < PREDICTIONS; index += 1) {
    const { args, plans } = drawnScenario(draw);
    // Every other one takes the usual plans.
    yield command(['predict', ...args, ...(index % 2 === 0 ? planFlags(plans) : [])]);
  }
  for (let index = 0; index < SIMULATIONS; index += 1) {
    const { args, plans } = drawnScenario(draw);
    if (index % TRACED > 0) yield command(['simulate', ...args, ...planFlags(plans)]);
    else
      yield command(
        ['simulate', ...args, '--plan', plans[0]!, '--trace', join(folder, 'trace.json')],
        ['trace.json'],
      );
  }
}

function planFlags(plans: readonly string[]): string[] {
  return plans.flatMap((plan) => ['--plan', plan]);
}

/** Lines that say how far a command is. */
const PROGRESS = /^.* \d+\/\d+ \(\d+ %\).*\n/gm;

/** Exit code, answer and notes of a command line with --json, and files that it writes into the temporary folder. */
function command(args: readonly string[], written: readonly string[] = [], json = true): Output {
  const own = (text: string) => text.replaceAll(folder, 'FOLDER');
  return {
    name: own(args.join(' ')),
    make: async () => {
      const { code, stdout, stderr } = await runCli(json ? [...args, '--json'] : args);
      const texts = new Map([['', own(`${code}\n${stdout}\n${stderr.replace(PROGRESS, '')}`)]]);
      if (code !== 2)
        for (const file of written) texts.set(` ${file}`, own(readFileSync(join(folder, file), 'utf8')));
      return texts;
    },
  };
}

const SEARCHES: readonly string[] = [
  '--model wan2.1-t2v-1.3b --machine h200-x2 --explain',
  '--model wan2.1-t2v-14b --machine h200-x2-fitted --size 832x480x33 --gpu-memory 24GiB',
  '--model wan2.1-t2v-14b --machine h100-sxm-x2 --size 480x320x17 --transport staged-copy --gpu-memory 16GiB --explain',
  '--model flux.1-dev --machine h100-sxm-x1 --size 1024x1024 --explain',
  '--model flux.1-dev --machine rtx5090-x2 --size 1024x1024 --front 4',
  '--model dit-xl-2 --machine host-x2 --size 256x256 --explain',
  '--model sd3.5-large --machine a100-pcie-x2 --nominal --host-memory 64GiB --gpu-memory 12GiB',
  '--model hunyuanvideo-13b --machine h100-sxm-x4 --size 512x320x17 --gpu-memory 20GiB --uncertain link=0.9..1.05,compute=0.95..1.02',
  ...['sglang', 'diffusers', 'vllm-omni', 'comfyui'].map(
    (tool) =>
      `--model wan2.1-t2v-14b --machine h100-sxm-x1 --size 480x320x33 --gpu-memory 20GiB --for ${tool}`,
  ),
];
/** With the machine that each was measured on, where its records do not name one of ours. */
const DATASETS: readonly string[] = [
  'experiments/h200-steps/one-rank.jsonl',
  'experiments/pair/host-b/pair-steps.jsonl --machine experiments/pair/host-b/host-b-pcie.yaml',
  'experiments/four/host-c/four-steps.jsonl --machine experiments/four/host-c/host-c.yaml',
  'published',
];
const PROFILE = 'experiments/profile/synthetic-dit.profile.json';

function* commands(): Generator<Output> {
  for (const name of SCHEMA_NAMES) yield command(['schema', name], [], false);
  yield command(['models']);
  yield command(['machines']);
  for (const machine of systemIds()) yield command(['machines', machine]);
  for (const args of SEARCHES) yield command(['plan', ...args.split(' ')]);
  for (const args of DATASETS) yield command(['validate', ...args.split(' ')]);
  yield command(['fit', 'experiments/pair/host-e/calibration.yaml']);
  const profiled = ['--profile', PROFILE, '--machine', 'h100-sxm-x1'];
  yield command(['simulate', ...profiled]);
  yield command(['plan', ...profiled, '--gpu-memory', '20GiB', '--explain']);
  yield command(
    ['predict', ...profiled, '--plan', 'layerwise', '--save-plan', join(folder, 'plan.json')],
    ['plan.json'],
  );
}

const PROGRAMS: readonly TinyScenario[] = [
  GOLDEN,
  { model: 'tiny-joint', machine: 'host-x1', size: '64x64', plans: ALONE },
  { model: 'tiny-joint', machine: 'host-x2', size: '128x128', plans: SHARED, layout: { sp: 2 } },
  { model: 'tiny-cross', machine: 'host-x2', size: '128x128x5', plans: SHARED, layout: { sp: 2 } },
  { model: 'tiny-joint', machine: 'host-x2', size: '128x128', plans: SHARED, layout: { tp: 2 } },
  {
    ...{ model: 'tiny-cross', machine: 'host-x2', size: '128x128x5', plans: ['none', 'yield,chunk=1MiB'] },
    layout: { sp: 2, exchange: 'kv-gather' },
  },
  ...[
    'flux.1-dev',
    'qwen-image-20b',
    'sd3.5-large',
    'dit-xl-2',
    'pixart-xl-2',
    'z-image-6b',
    'flux.2-dev',
  ].map((model) => ({
    model,
    machine: 'h200-x2',
    size: '1024x1024',
    blocks: 4,
    plans: ['none', 'layerwise'],
  })),
  ...[
    'wan2.1-t2v-14b',
    'hunyuanvideo-13b',
    'cogvideox-5b',
    'ltx-video-13b',
    'cosmos-1.0-7b',
    'mochi-1-10b',
  ].flatMap((model) =>
    (['h200-x1', 'h200-x2'] as const).map((machine) => ({
      ...{ model, machine, size: '832x480x33', blocks: 4, layout: { sp: 2 } },
      plans: ['none', 'yield,chunk=16MiB', 'none,transport=staged-sm', 'none,transport=staged-copy'],
    })),
  ),
];

function* sources(): Generator<Output> {
  for (const scenario of PROGRAMS) {
    const { model, machine, layout = {} } = scenario;
    yield {
      name: `generate ${model} on ${machine} ${JSON.stringify(layout)}`,
      make: () => textsOf(() => generateScenario(scenario).files),
    };
  }
  for (const machine of ['h200-x1', 'h200-x2', 'h100-sxm-x4', 'host-x1', 'host-x2', 'h200-x1-colocated']) {
    const ranks = Math.max(2, loadSystem(machine).gpus.length);
    for (const groupSize of new Set([1, ranks]))
      yield {
        name: `calibration of ${machine} by ${groupSize}`,
        make: () =>
          textsOf(() => generateCalibration(loadSystem(machine), groupSize, { commit: null }).files),
      };
  }
  for (const transport of ['staged-copy', 'staged-sm', 'shm'])
    yield { name: `generate --attach over ${transport}`, make: () => attachedSource(transport) };
}

/** Source of the library that drives a profiled model by a plan whose collectives go over a transport, or its refusal. */
async function attachedSource(transport: string): Promise<Map<string, string>> {
  const plan = join(folder, 'plan.json');
  const profiled = ['--profile', PROFILE, '--machine', 'h200-x2', '--transport', transport];
  await runCli(['predict', ...profiled, '--plan', 'yield,chunk=16MiB', '--save-plan', plan]);
  return textsOf(() => {
    const { workload, plan: read, model } = readProfiledPlan(plan);
    return [generateAttached(workload, read, model).file];
  });
}

/** Texts of files by name, or the message of a refusal. */
function textsOf(make: () => readonly GeneratedFile[]): Map<string, string> {
  try {
    return new Map(make().map(({ name, text }) => [` ${name}`, text]));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return new Map([['', error.message.replaceAll(folder, 'FOLDER')]]);
  }
}

const hashes = new Map<string, string>();
for (const output of [...drawnOutputs(), ...commands(), ...sources()]) {
  if (!only.test(output.name)) continue;
  for (const [part, text] of await output.make()) {
    const name = `${output.name}${part}`;
    hashes.set(name, createHash('sha256').update(text).digest('hex'));
    if (values.texts === true) console.log(`${name}\n${text}`);
  }
}
rmSync(folder, { recursive: true });

if (values.check !== undefined) process.exitCode = showDifferences(readFileSync(values.check, 'utf8'));
else if (values.texts !== true) for (const [name, hash] of hashes) console.log(`${hash} ${name}`);

/** Names whose hash a saved list has otherwise, or not, or alone. Returns the exit code. */
function showDifferences(list: string): number {
  const lines = list.trimEnd().split('\n');
  const saved = new Map(lines.map((line) => [line.slice(65), line.slice(0, 64)]));
  const names = [...new Set([...saved.keys(), ...hashes.keys()])].filter((name) => only.test(name));
  const differing = names.filter((name) => saved.get(name) !== hashes.get(name));
  for (const name of differing) console.log(name);
  console.log(`${differing.length} of ${names.length} outputs differ`);
  return differing.length > 0 ? 1 : 0;
}
