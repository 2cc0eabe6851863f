import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../../model/dit/load.ts';
import { predict } from '../../../model/hiding/predict.ts';
import { planText } from '../../../model/plan/planFile.ts';
import { makePlan } from '../../../model/plan/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { runCli } from '../../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-plan-'));
const test = suite('plan files');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const system = loadSystem('h100-pcie-x2');
const workload = (sp = 2, frames = 17) =>
  bindWorkload(loadDit('wan2.1-t2v-1.3b'), { size: { width: 832, height: 480, frames }, sp });

function written(name: string, text: string, change = (plan: string) => plan): string {
  const file = join(folder, name);
  writeFileSync(file, change(planText(makePlan(text, workload(), system), workload())));
  return file;
}

for (const text of [
  'none',
  'layerwise,prefetch=2',
  'chunked,resident=0.25,chunk=8MiB',
  'yield,slots=3',
  'paced,pace=40us',
]) {
  test(`${text}: what was written is read again, and costs the same`, () => {
    const plan = makePlan(text, workload(), system);
    const read = makePlan(written('same.json', text), workload(), system);
    assert.equal(read, { ...plan, preset: 'file' });
    assert.equal(predict(workload(), system, read), predict(workload(), system, plan));
  });
}

test('a plan is good for every size of its model', () => {
  const file = written('sizes.json', 'yield,resident=0.25');
  const { windowS } = predict(workload(2, 81), system, makePlan(file, workload(2, 81), system));
  assert.ok(windowS > 3 * predict(workload(), system, makePlan(file, workload(), system)).windowS);
});

test('--plan takes a file beside presets, and no settings are added to it', async () => {
  const file = written('cli.json', 'chunked,chunk=8MiB');
  const { code, stdout, stderr } = await runCli([
    ...['predict', '--model', 'wan2.1-t2v-1.3b', '--machine', 'h100-pcie-x2', '--size', '832x480x17'],
    ...['--plan', file, '--plan', 'yield', '--resident', '0.5', '--json'],
  ]);
  assert.is(code, 0, stderr);
  const { plans } = JSON.parse(stdout) as { plans: { plan: string }[] };
  assert.equal(
    plans.map(({ plan }) => plan),
    ['chunked,chunk=8MiB', 'yield,resident=0.5'],
  );
});

test('--save-plan writes what --plan takes, and holds one plan', async () => {
  const file = join(folder, 'saved.json');
  const scenario = ['--model', 'wan2.1-t2v-1.3b', '--machine', 'h100-pcie-x2', '--size', '832x480x17'];
  const saved = await runCli([
    'predict',
    ...scenario,
    '--plan',
    'yield,resident=0.5',
    '--save-plan',
    file,
    '--json',
  ]);
  assert.is(saved.code, 0, saved.stderr);
  const again = await runCli(['predict', ...scenario, '--plan', file, '--json']);
  assert.equal(JSON.parse(again.stdout), JSON.parse(saved.stdout));
  for (const [args, why] of [
    [['--plan', 'yield', '--plan', 'none', '--save-plan', file], /holds one plan, and there are 2/],
    [['--plan', 'yield', '--save-plan', join(folder, 'plan.txt')], /ends in \.json/],
    [['--plan', 'yield', '--save-plan', join(folder, 'nowhere', 'x.json')], /choose a folder that exists/],
  ] as const) {
    const { code, stderr } = await runCli(['predict', ...scenario, ...args]);
    assert.is(code, 2);
    assert.match(stderr, why);
  }
});

const first = (
  plan: string,
  change: (block: { residentBytes: number; issueAt: number; windowBytes: number[] }) => void,
) => {
  const document = JSON.parse(plan);
  change(document.blocks[1]);
  return JSON.stringify(document, null, 1);
};

for (const [what, change, why] of [
  [
    'another model',
    (p) => p.replace('wan2.1-t2v-1.3b', 'flux.1-dev'),
    /:4:\d+: model: the plan is for flux\.1-dev/,
  ],
  ['an unknown key', (p) => p.replace('"paceS"', '"pace"'), /pace: unknown key; did you mean "paceS"/],
  ['another schema', (p) => p.replace('plan@1', 'plan@2'), /schema: .*chunkflow\/plan@1/],
  ['a block cut off', (p) => p.replace(/,\n {2}\{[^\n]*\n \]/, '\n ]'), /blocks: the plan has 29, .* has 30/],
  [
    'bytes that are lost',
    (p) => first(p, (b) => b.windowBytes.pop()),
    /blocks\.1: resident and streamed bytes are \d+ together/,
  ],
  [
    'a copy issued after its block',
    (p) => first(p, (b) => (b.issueAt = 2)),
    /blocks\.1\.issueAt: expected from -28 to 1, got 2/,
  ],
  [
    'a window too many',
    (p) => first(p, (b) => b.windowBytes.push(0, 0, 0)),
    /blocks\.1\.windowBytes: block 0, which runs then, has \d windows/,
  ],
  ['too few slots', (p) => p.replace('"slots": 2', '"slots": 1'), /slots: with 1 a block would be fetched/],
  [
    'an unknown transport',
    (p) => p.replace('"transport": "shm"', '"transport": "smoke"'),
    /transport: .*smoke/,
  ],
] as [string, (plan: string) => string, RegExp][]) {
  test(`${what} is refused, with its place`, () => {
    const file = written('broken.json', 'yield', change);
    assert.throws(
      () => makePlan(file, workload(), system),
      (error: Error & { place?: { file: string; line: number } }) => {
        assert.match(
          `${error.place?.file}:${error.place?.line}:1: ${error.message}`,
          why.source.startsWith(':') ? /plan is for/ : why,
        );
        assert.is(error.place?.file, file);
        assert.ok(error.place!.line >= 1);
        return true;
      },
    );
  });
}

test('a plan with collectives does not run on one rank', () => {
  const file = written('ranks.json', 'yield');
  assert.throws(() => makePlan(file, workload(1), system), /one rank has no collectives|windows/);
});

test.run();
