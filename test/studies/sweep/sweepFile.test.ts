import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { columnsOf } from '../../../studies/sweep/columns.ts';
import { readSweep } from '../../../studies/sweep/sweep.ts';
import { numbersOf, valueTexts } from '../../../studies/sweep/valueList.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-sweep-'));
const written = (lines: readonly string[]) => {
  const file = join(folder, 'one.yaml');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
};
const read = (...grid: string[]) =>
  readSweep(
    written(['sweep: one', 'grids:', ...grid.map((line, index) => `${index ? '   ' : '  -'} ${line}`)]),
  );
const MODEL = 'models: [flux.1-dev]';
const MACHINE = 'machines: [2xrtx-4090]';
const PLANS = 'plans: [none, yield]';

const test = suite("a sweep's file");
test.after(() => rmSync(folder, { recursive: true, force: true }));

const MISTAKES: readonly (readonly [what: string, grid: string[], message: RegExp])[] = [
  [
    'a misspelt model',
    ['models: [flux.1-dv]', MACHINE, PLANS],
    /:3:14: grids\.0\.models\.0: model "flux\.1-dv": not in the catalogue; near are flux\.1-dev/,
  ],
  [
    'a misspelt machine',
    [MODEL, 'machines: [h200-x2, h20-x3]', PLANS],
    /:4:25: grids\.0\.machines\.1: machine "h20-x3" is not known/,
  ],
  [
    'a misspelt preset',
    [MODEL, MACHINE, 'plans: [none, yeild]'],
    /:5:19: grids\.0\.plans\.1: --plan "yeild": is no preset/,
  ],
  [
    "a preset's misspelt setting",
    [MODEL, MACHINE, 'plans: [{preset: yield, residnt: [0.5]}]'],
    /:5:\d+: grids\.0\.plans\.0: --plan yield,residnt=0\.5/,
  ],
  [
    "a tool's misspelt setting",
    [MODEL, MACHINE, 'plans: ["sglang,prefech=2"]'],
    /:5:13: grids\.0\.plans\.0: .*prefech/,
  ],
  ['a plan file that is not there', [MODEL, MACHINE, 'plans: [best.json]'], /best\.json: cannot be read/],
  ['a size that is none', [MODEL, MACHINE, PLANS, 'sizes: [1024x1024, 1024]'], /:6:24: grids\.0\.sizes\.1: /],
  [
    'a dtype that is none',
    [MODEL, MACHINE, PLANS, 'dtype: [fp9]'],
    /:6:13: grids\.0\.dtype\.0: expected one of bf16/,
  ],
  [
    "a machine's number that no machine has",
    [MODEL, MACHINE, PLANS, 'set: {gpu.copyEngin.h2d: [1 GB/s]}'],
    /:6:30: grids\.0\.set\.gpu\.copyEngin\.h2d: --set gpu\.copyEngin\.h2d: there is no "copyEngin" here/,
  ],
  [
    'a number of the wrong kind',
    [MODEL, MACHINE, PLANS, 'set: {gpu.copyEngine.h2d: [10 s]}'],
    /:6:31: .*expected a rate/,
  ],
  [
    'a transport that no machine has',
    [MODEL, MACHINE, PLANS, 'transport: [ring]'],
    /:6:17: grids\.0\.transport\.0: transport "ring" is not one of/,
  ],
  ['a key that is none', [MODEL, MACHINE, PLANS, 'batches: [1]'], /:6:14: grids\.0\.batches: unknown key/],
  ['a value twice', [MODEL, MACHINE, PLANS, 'sp: [1, 2, 1]'], /grids\.0: sp: 1 is there twice/],
  ['no model', [MACHINE, PLANS], /:3:5: grids\.0: expected models or profiles, got neither/],
  ['no plan', [MODEL, MACHINE], /grids\.0\.plans: expected at least one, such as yield, for ask: predict/],
  [
    'plans for a search',
    [MODEL, MACHINE, PLANS, 'ask: plan'],
    /:5:12: grids\.0\.plans: a search makes its own/,
  ],
  [
    'a front of predictions',
    [MODEL, MACHINE, PLANS, 'front: true'],
    /:6:12: grids\.0\.front: is of ask: plan/,
  ],
  [
    'ends of two units',
    [MODEL, MACHINE, PLANS, 'gpuMemory: {from: 8 GiB, to: 16 GB, steps: 3}'],
    /:6:5: grids\.0\.gpuMemory: from "8 GiB", to "16 GB": expected both with one unit/,
  ],
  [
    'a logarithm from 0',
    [MODEL, MACHINE, PLANS, 'set: {gpu.copyEngine.h2d: {from: 0 GB/s, to: 8 GB/s, steps: 3, log: true}}'],
    /:6:\d+: .*log: expected ends above 0/,
  ],
  [
    'a cap that is no size',
    [MODEL, MACHINE, PLANS, 'gpuMemory: [12]'],
    /:6:\d+: grids\.0\.gpuMemory: .*expected a size/,
  ],
];

for (const [what, grid, message] of MISTAKES)
  test(`${what} is refused with its place`, () => {
    assert.throws(
      () => read(...grid),
      (error: Error) => {
        assert.is(error.name, 'UserError');
        assert.match(error.message, message);
        return true;
      },
    );
  });

test('ranges are written as people would write their values', () => {
  assert.equal(valueTexts({ from: '10 GB/s', to: '40 GB/s', steps: 3, log: true }), [
    '10 GB/s',
    '20 GB/s',
    '40 GB/s',
  ]);
  assert.equal(valueTexts({ from: 0, to: 0.3, steps: 4, log: false }), ['0', '0.1', '0.2', '0.3']);
  assert.equal(valueTexts([1, '16MiB']), ['1', '16MiB']);
});

test('columns of numbers end in their unit', () => {
  assert.equal(numbersOf(['10 GB/s', '500 MB/s']), { suffix: 'BytesPerS', numbers: [10e9, 5e8] });
  assert.equal(numbersOf(['2 us']), { suffix: 'S', numbers: [2e-6] });
  assert.equal(numbersOf(['0.5', '1']), { suffix: '', numbers: [0.5, 1] });
  assert.is(numbersOf(['shm', '1']), null);
  const { grids } = read(MODEL, MACHINE, PLANS, 'set: {gpu.copyEngine.h2d: [10 GB/s], peer: [real]}');
  const set = columnsOf(grids).filter(({ name }) => name.startsWith('set_'));
  assert.equal(
    set.map(({ name, type }) => [name, type]),
    [
      ['set_gpu_copyEngine_h2dBytesPerS', 'DOUBLE'],
      ['set_peer', 'STRING'],
    ],
  );
});

test('all combinations of a preset are plans, and sizes are of their models', () => {
  const { grids } = read(
    'models: [{model: flux.1-dev, sizes: [512x512, 1024x1024]}, z-image-6b]',
    ...[
      MACHINE,
      'sizes: [768x768]',
      'plans: [none, {preset: yield, resident: [0, 0.5], chunk: [4 MiB, 16MiB]}]',
    ],
  );
  const valuesOf = (name: string) => grids[0]!.axes.find((axis) => axis.name === name)!.values;
  assert.equal(valuesOf('plan'), [
    ...['none', 'yield,resident=0,chunk=4MiB', 'yield,resident=0,chunk=16MiB'],
    ...['yield,resident=0.5,chunk=4MiB', 'yield,resident=0.5,chunk=16MiB'],
  ]);
  assert.equal(valuesOf('source'), [
    { model: 'flux.1-dev', size: '512x512' },
    { model: 'flux.1-dev', size: '1024x1024' },
    { model: 'z-image-6b', size: '768x768' },
  ]);
  assert.is(grids[0]!.points, 15);
});

test.run();
