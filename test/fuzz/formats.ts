import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { readCalibration } from '../../studies/calibration/calibrationFile.ts';
import { readingsOf } from '../../studies/calibration/readings.ts';
import { cellProgram } from '../../studies/grid/cellProgram.ts';
import { cellsOf, readExperiment } from '../../studies/grid/experimentFile.ts';
import { ggufHeader } from '../model/dit/checkpoint/ggufFile.ts';
import { kinetoText } from '../studies/imports/traces/madeTrace.ts';
import { runLines } from '../support/measurementFixture.ts';
import { runCli } from '../support/runCli.ts';
import type { Draws } from './mutations.ts';

/** A format that some command reads, with a good text of it. */
export interface Format {
  name: string;
  good: string;
  /** Where a damaged text is written; null for text that is an argument. */
  file: string | null;
  /** Names of further files that the input consists of: a refusal may name a line of one of them instead. */
  beside?: readonly string[];
  /** What reads it: a command line, or a reader called as its command calls it. */
  read: (text: string, draws: Draws) => readonly string[] | (() => unknown);
  /** How a text becomes a file, where not as it is. */
  bytes?: (text: string, draws: Draws) => Uint8Array;
}

const TINY = join(packageRoot, 'experiments', 'tiny', 'tiny-joint.yaml');
const packaged = (...path: string[]) => readFileSync(join(packageRoot, ...path), 'utf8');
const fixture = (name: string) => packaged('test', 'studies', 'imports', 'fixtures', name);

const EXPERIMENT = `name: fuzz
split: held-out
machine: h200-x1
measure: [--rounds, "2"]
workloads:
  - {model: ${TINY}, blocks: 2, sizes: [64x64]}
arms:
  - {sp: 2, plans: [none, yield]}
`;

const MACHINE_OF_A_CARD = `id: mine
card: 2xrtx-4090,pcie=4x8,topology=shared-root
gpu:
  memory: {is: 23 GiB, from: measured, source: nvidia-smi}
tree:
  gpu1: {down: {is: 12 GB/s, from: measured}}
host: {memory: {is: 96 GB, from: measured}}
`;

/** All formats, with the files that they need beside them under a folder. */
export async function formatsIn(folder: string): Promise<Format[]> {
  const at = (...path: string[]) => join(folder, ...path);
  const write = (text: string | Uint8Array, ...path: string[]) => {
    mkdirSync(dirname(at(...path)), { recursive: true });
    writeFileSync(at(...path), text);
    return at(...path);
  };
  const experiment = write(EXPERIMENT, 'good.yaml');
  const [cell] = cellsOf(readExperiment(experiment));
  const { manifest } = cellProgram(cell!);
  const results = `${runLines({ program: cell!.id, fingerprint: manifest.fingerprint }).join('\n')}\n`;
  const manifestText = `${JSON.stringify(manifest, null, 1)}\n`;
  const resultsFile = write(results, 'bundle', 'results', 'good.jsonl');
  await succeed(['experiment', 'collect', experiment, '--results', resultsFile, '--out', at('steps.jsonl')]);
  const timelineOf = ['experiment', 'timeline', experiment, '--results', resultsFile, '--cell', cell!.id];
  await succeed([...timelineOf, '--plan', 'yield', '--out', at('timeline.json')]);
  const tiny = ['predict', '--model', TINY, '--size', '64x64', '--sp', '2', '--machine', 'h200-x1'];
  await succeed([...tiny, '--plan', 'yield', '--plan', 'chunked', '--save-plan', at('plans.jsonl')]);
  await succeed([...tiny, '--plan', 'yield', '--save-plan', at('plan.json')]);
  const read = (name: string) => readFileSync(at(name), 'utf8');
  const calibration = join(packageRoot, 'experiments', 'h200-calibration');
  const cases = packaged('experiments', 'h200-calibration', 'copies-and-collectives.jsonl');
  const [run, ...records] = cases.split('\n');
  const few = run!.replace(/"cases":\[[^\]]*\]/, '"cases":[0,1,2,3]');
  const caseResults = `${[few, ...records.slice(0, 12), '{"record":"end","ok":true,"wallS":1}'].join('\n')}\n`;
  write(caseResults, 'cal', 'cases.jsonl');
  write(packaged('experiments', 'h200-calibration', 'segments.jsonl'), 'cal', 'segments.jsonl');
  const calibrationYaml = readFileSync(join(calibration, 'h200-calibration.yaml'), 'utf8').replace(
    'copies-and-collectives.jsonl',
    'cases.jsonl',
  );
  write('machine: h200-x1\nsplit: sha256-even\ncases: [fuzzed.jsonl]\n', 'cal', 'fuzzed-cases.yaml');

  const predict = (file: string) => ['predict', '--model', file, '--machine', 'h200-x1', '--plan', 'none'];
  const plan = (file: string) => [...tiny, '--plan', file];
  const profile = join(packageRoot, 'experiments', 'profile', 'synthetic-dit.profile.json');
  const profiled = ['predict', '--profile', profile, '--machine', 'h200-x1'];
  await succeed([...profiled, '--plan', 'yield', '--save-plan', at('profiled.json')]);
  const traced = ['--weight-bytes', '1MB', '--outside-bytes', '1MB', '--activation-bytes', '1MB'];
  const imported = (name: string, good: string): Format => ({
    ...{ name, good, file: at('imported.txt') },
    read: () => ['import', at('imported.txt')],
  });
  return [
    {
      name: 'model YAML',
      good: packaged('experiments', 'tiny', 'tiny-joint.yaml'),
      file: at('m.yaml'),
      read: () => predict(at('m.yaml')),
    },
    {
      ...{
        name: 'catalogue YAML',
        good: packaged('model', 'catalogue', 'wan2.1-t2v-1.3b.yaml'),
        file: at('c.yaml'),
      },
      read: () => predict(at('c.yaml')),
    },
    {
      ...{ name: 'machine YAML', good: packaged('model', 'systems', 'h200-x2.yaml'), file: at('s.yaml') },
      read: () => ['predict', '--model', TINY, '--machine', at('s.yaml'), '--plan', 'yield'],
    },
    {
      ...{ name: 'machine YAML of a card', good: MACHINE_OF_A_CARD, file: at('k.yaml') },
      read: () => ['predict', '--model', TINY, '--machine', at('k.yaml'), '--plan', 'yield'],
    },
    {
      ...{ name: 'experiment YAML', good: EXPERIMENT, file: at('e.yaml') },
      read: () => ['experiment', 'list', at('e.yaml')],
    },
    { name: 'plan', good: read('plan.json'), file: at('p.json'), read: () => plan(at('p.json')) },
    {
      ...{ name: 'plan lines', good: read('plans.jsonl'), file: at('p.jsonl') },
      read: (_, draws) => plan(`${at('p.jsonl')}${draws.one(['', '#yield', '#chunked'])}`),
    },
    {
      ...{ name: 'results', good: results, file: at('results', 'x.jsonl') },
      read: (_, draws) =>
        draws.one([
          [
            'experiment',
            'collect',
            experiment,
            '--results',
            at('results', 'x.jsonl'),
            '--out',
            at('o.jsonl'),
          ],
          ['measure', '--from', at('results')],
        ]),
    },
    {
      ...{ name: 'manifest', good: manifestText, file: at('bundle', 'programs', 'x', 'manifest.json') },
      read: (_, draws) =>
        draws.one([
          ['measure', '--from', at('bundle'), '--trace', at('trace.json')],
          ['experiment', 'collect', experiment, '--results', at('bundle'), '--out', at('o.jsonl')],
        ]),
    },
    {
      ...{ name: 'dataset', good: read('steps.jsonl'), file: at('d.jsonl') },
      read: (_, draws) =>
        draws.one([
          ['validate', at('d.jsonl')],
          ['experiment', 'parquet', at('d.jsonl'), '--out', at('o.parquet')],
        ]),
    },
    {
      ...{ name: 'timeline', good: read('timeline.json'), file: at('t.json') },
      read: () => ['plot', 'timeline', at('t.json'), '--block', '0', '--out', at('t.svg')],
    },
    {
      ...{ name: 'timeline, traced', good: read('timeline.json'), file: at('tt.json') },
      read: () => ['trace', at('tt.json'), '--out', at('trace.json')],
    },
    {
      ...{ name: 'calibration', good: calibrationYaml, file: at('cal', 'c.yaml') },
      beside: ['cases.jsonl', 'segments.jsonl'],
      read: () => () => readingsOf(readCalibration(at('cal', 'c.yaml'))),
    },
    {
      ...{ name: 'calibration results', good: caseResults, file: at('cal', 'fuzzed.jsonl') },
      read: () => () => readingsOf(readCalibration(at('cal', 'fuzzed-cases.yaml'))),
    },
    {
      ...{ name: 'safetensors', good: checkpointHeader(), file: at('w.safetensors') },
      read: () => predict(at('w.safetensors')),
      bytes: safetensorsOf,
    },
    {
      ...{ name: 'GGUF', good: ggufText(), file: at('w.gguf') },
      read: () => predict(at('w.gguf')),
      bytes: (text, draws) =>
        Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(draws.below(16) === 0 ? 10 : 200_000)]),
    },
    {
      ...{ name: 'configuration', good: CONFIG, file: at('transformer', 'config.json') },
      read: () => predict(at('transformer', 'config.json')),
    },
    {
      ...{
        name: 'index of shards',
        good: indexOf(write, checkpointHeader()),
        file: at('shards', 'w.index.json'),
      },
      read: () => predict(at('shards', 'w.index.json')),
    },
    {
      ...{ name: 'profile', good: readFileSync(profile, 'utf8'), file: at('f.json') },
      read: () => ['predict', '--profile', at('f.json'), '--machine', 'h200-x1', '--plan', 'yield'],
    },
    {
      ...{ name: 'plan of a profile', good: read('profiled.json'), file: at('pp.json') },
      read: () => [...profiled, '--plan', at('pp.json')],
    },
    {
      ...{ name: 'trace', good: fuzzedTrace(), file: at('trace.json') },
      read: () => ['import', at('trace.json'), '--as', 'profile', ...traced],
    },
    imported('nvbandwidth', fixture('nvbandwidth.json')),
    imported('nvbandwidth text', fixture('nvbandwidth.txt')),
    imported('nccl-tests', fixture('alltoall.txt')),
    imported('nccl-tests JSON', fixture('all-gather.json')),
    imported('nccl-tests behind a launcher', fixture('two-programs.txt').replaceAll(/^/gm, '[1,0]<stdout>:')),
    imported('NCCL topology', fixture('topology.xml')),
    imported('nvidia-smi topology', fixture('smi-nvlink.txt')),
    {
      ...{ name: "fit of other tools' files", good: fixture('nvbandwidth.txt'), file: at('fit.txt') },
      read: () => ['fit', at('fit.txt'), '--machine', 'h100-sxm-x2'],
    },
    {
      ...{ name: '--set', good: 'gpu.copyEngine.h2d=30.5 GB/s', file: null },
      read: (text) => [...tiny, '--plan', 'yield', '--set', text],
    },
    {
      ...{ name: '--plan', good: 'yield,resident=0.25,prefetch=2,chunk=16MiB,slots=3,pace=20us', file: null },
      read: (text) => [...tiny, '--plan', text],
    },
    {
      ...{ name: 'flags', good: '64x64 2 1 4 16GiB', file: null },
      read: (text) => {
        const [size = '', sp = '', tp = '', rows = '', chunk = ''] = text.split(' ');
        const where = ['predict', '--model', TINY, '--machine', 'h200-x1', '--plan', 'chunked'];
        return [...where, '--size', size, '--sp', sp, '--tp', tp, '--text-rows', rows, '--chunk', chunk];
      },
    },
  ];
}

/** Two passes of two blocks with an exchange each. */
function fuzzedTrace(): string {
  const exchange = { kernel: 'ncclDevKernel_SendRecv()', name: 'all_to_allv', elements: 1000, us: 50 };
  const block = (index: number) => ({
    range: `nn.Module: Block_${index}`,
    ...{ windowsUs: [[30], [40]], collectives: [exchange] },
  });
  const pass = [block(0), block(1)];
  return kinetoText({ passes: [pass, pass], outsideUs: 100, ranks: 2 });
}

async function succeed(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runCli(args);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
}

function checkpointHeader(): string {
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (let layer = 0; layer < 3; layer += 1) {
    for (const [name, shape] of [
      ['attn.to_q.weight', [64, 64]],
      ['attn.to_k.weight', [64, 64]],
      ['attn.norm_q.weight', [16]],
      ['ff.proj.weight', [256, 64]],
    ] as const) {
      const bytes = 2 * shape.reduce((product: number, side) => product * side, 1);
      header[`blocks.${layer}.${name}`] = { dtype: 'BF16', shape, data_offsets: [offset, offset + bytes] };
      offset += bytes;
    }
  }
  return JSON.stringify(header);
}

const CONFIG = JSON.stringify(
  {
    ...{
      _class_name: 'WanTransformer3DModel',
      num_attention_heads: 12,
      attention_head_dim: 128,
      ffn_dim: 8960,
    },
    ...{ in_channels: 16, num_layers: 3, text_dim: 4096, patch_size: [1, 2, 2] },
  },
  null,
  1,
);

/** A header of GGUF with a character for each byte. */
function ggufText(): string {
  const tensors = [0, 1, 2].flatMap((layer) =>
    ['attn_q', 'attn_k', 'ffn_up'].map((name) => ({
      ...{ name: `blocks.${layer}.${name}.weight`, shape: [64, 64], type: 'Q8_0' },
    })),
  );
  return ggufHeader(tensors).toString('latin1');
}

/** Mostly with the length that the header has: then the header itself is read. */
function safetensorsOf(text: string, draws: Draws): Uint8Array {
  const header = Buffer.from(text);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(draws.below(8) === 0 ? BigInt(draws.below(2 ** 31)) : BigInt(header.length));
  return Buffer.concat([prefix, header, Buffer.alloc(draws.below(16) === 0 ? 10 : 200_000)]);
}

function indexOf(write: (text: Uint8Array, ...path: string[]) => string, header: string): string {
  const shard = Buffer.concat([Buffer.alloc(8), Buffer.from(header), Buffer.alloc(200_000)]);
  shard.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  write(shard, 'shards', 'a.safetensors');
  const names = Object.keys(JSON.parse(header));
  return JSON.stringify(
    { weight_map: Object.fromEntries(names.map((name) => [name, 'a.safetensors'])) },
    null,
    1,
  );
}
