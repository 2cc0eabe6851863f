import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predict } from '../../../model/analytic/predict.ts';
import { loadDit } from '../../../model/dit/load.ts';
import type { UserError } from '../../../model/input/userError.ts';
import type { BlockRun } from '../../../model/plan/planDocument.ts';
import { openPlan, planOf, planText } from '../../../model/plan/planFile.ts';
import { planLine, planNames } from '../../../model/plan/planLines.ts';
import { FROM_FILE } from '../../../model/plan/recipe.ts';
import { makePlan } from '../../../model/presets/presets.ts';
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
    assert.equal(read, { ...plan, recipe: FROM_FILE });
    assert.is(planText(read, workload()), planText(plan, workload()));
    assert.equal(predict(workload(), system, read), predict(workload(), system, plan));
  });
}

test('blocks that are alike are one run; the first ones are copied as long before as the others', () => {
  const runs = (text: string) => openPlan(written('runs.json', text)).document.blocks;
  const weightBytes = workload().blocks[0]!.weightBytes;
  assert.equal(runs('none'), [{ times: 30, residentBytes: weightBytes, ahead: 0, windowBytes: [] }]);
  assert.equal(runs('chunked'), [{ times: 30, residentBytes: 0, ahead: 1, windowBytes: [weightBytes] }]);
  assert.equal(
    runs('layerwise,resident-layers=10').map(({ times, ahead }) => [times, ahead]),
    [
      [10, 0],
      [1, 10],
      [19, 1],
    ],
  );
  const plan = readFileSync(written('lines.json', 'layerwise,resident-layers=10'), 'utf8');
  assert.is(plan.split('\n').length, 20);
});

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

/** What a prediction says of the size that was asked for: at others a preset deals its chunks anew, and a plan's file stays as it is. */
function hereOf(printed: string) {
  const document = JSON.parse(printed) as { plans: { verdict: string }[] };
  const plans = document.plans.map(({ verdict, ...plan }) => ({
    ...plan,
    breakEven: null,
    verdict: verdict.replace(/; hidden from .*/, ''),
  }));
  return { ...document, plans };
}

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
  assert.equal(hereOf(again.stdout), hereOf(saved.stdout));
  for (const [args, why] of [
    [['--plan', 'yield', '--plan', 'none', '--save-plan', file], /holds one plan, and there are 2/],
    [['--plan', 'yield', '--save-plan', join(folder, 'plan.txt')], /ends in \.json, or \.jsonl/],
    [['--plan', 'yield', '--save-plan', join(folder, 'nowhere', 'x.json')], /choose a folder that exists/],
  ] as const) {
    const { code, stderr } = await runCli(['predict', ...scenario, ...args]);
    assert.is(code, 2);
    assert.match(stderr, why);
  }
});

test('a saved plan names its transport so that every machine understands the same one', async () => {
  const file = join(folder, 'portable.json');
  const scenario = ['--model', 'wan2.1-t2v-1.3b', '--size', '832x480x17', '--sp', '2'];
  const made = ['--machine', 'h100-sxm-x2', '--transport', 'staged-sm', '--plan', 'yield'];
  const saved = await runCli(['predict', ...scenario, ...made, '--save-plan', file]);
  assert.is(saved.code, 0, saved.stderr);
  assert.is(JSON.parse(readFileSync(file, 'utf8')).transport, 'staged-sm:2');
});

const first = (plan: string, change: (run: BlockRun) => void) => {
  const document = JSON.parse(plan);
  change(document.blocks[0]);
  return JSON.stringify(document, null, 1);
};

for (const [what, change, why] of [
  [
    'another model',
    (p) => p.replace('wan2.1-t2v-1.3b', 'flux.1-dev'),
    /broken\.json:4:\d+: model: the plan is for flux\.1-dev, not for wan/,
  ],
  ['an unknown key', (p) => p.replace('"paceS"', '"pace"'), /pace: unknown key; did you mean "paceS"/],
  ['another schema', (p) => p.replace('plan@2', 'plan@3'), /schema: .*chunkflow\/plan@2/],
  [
    'the schema before',
    (p) => p.replace('plan@2', 'plan@1'),
    /:2:\d+: schema: chunkflow\/plan@1 has a line for each block, .*@2 has runs of them; write the plan anew/,
  ],
  ['a block too few', (p) => first(p, (run) => (run.times -= 1)), /blocks: the plan has 29, .* has 30 here/],
  [
    'no block at all',
    (p) => p.replace(/\[\n[\s\S]*\n \]/, '[]'),
    /blocks: .*expected array to have >=1 items/,
  ],
  [
    'bytes that are lost',
    (p) => first(p, (run) => run.windowBytes.pop()),
    /blocks\.0: resident and streamed bytes are \d+ together, block 0 of/,
  ],
  [
    'half a page that stays',
    (p) =>
      first(p, (run) => {
        run.residentBytes += 1 << 20;
        run.windowBytes[0]! -= 1 << 20;
      }),
    /blocks\.0\.residentBytes: expected whole pages of 2097152 bytes, or all \d+, got 1048576/,
  ],
  [
    "a block's own copy, which it waits for, behind its collectives",
    (p) => first(p, (run) => (run.ahead = 0)),
    /blocks\.0\.windowBytes: a block's own copy is issued at once, got \d windows/,
  ],
  [
    'a copy issued a pass before its block',
    (p) => first(p, (run) => (run.ahead = 30)),
    /blocks\.0\.ahead: expected from 0 to 29, got 30/,
  ],
  [
    'a copy issued after its block',
    (p) => first(p, (run) => (run.ahead = -1)),
    /blocks\.0\.ahead: .*, got -1/,
  ],
  [
    'a window too many',
    (p) => first(p, (run) => run.windowBytes.push(0, 0, 0)),
    /blocks\.0\.windowBytes: block 29, which runs when block 0 is copied, has \d windows/,
  ],
  ['too few slots', (p) => p.replace('"slots": 2', '"slots": 1'), /slots: with 1 a block would be fetched/],
  [
    'more slots than streamed blocks',
    (p) => p.replace('"slots": 2', '"slots": 32'),
    /slots: expected at most 31, one more than streamed blocks, got 32/,
  ],
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
      (error: UserError) => {
        assert.match(error.message, why);
        assert.is(error.place?.file, file);
        assert.ok(error.place!.line! >= 1);
        return true;
      },
    );
  });
}

test('a plan with collectives does not run on one rank', () => {
  const file = written('ranks.json', 'yield');
  assert.throws(() => makePlan(file, workload(1), system), /one rank has no collectives|windows/);
});

function lines(name: string, ...texts: string[]): string {
  const file = join(folder, name);
  writeFileSync(file, texts.map((text) => planLine(makePlan(text, workload(), system), workload())).join(''));
  return file;
}

test('a file of many plans holds one a line, taken by its name', () => {
  const texts = ['none', 'yield,slots=3', 'chunked,resident=0.5,chunk=8MiB'];
  const file = lines('many.jsonl', ...texts);
  assert.is(readFileSync(file, 'utf8').split('\n').length, 4);
  assert.equal(planNames(file), texts);
  for (const text of texts) {
    const plan = makePlan(text, workload(), system);
    assert.equal(makePlan(`${file}#${text}`, workload(), system), { ...plan, recipe: FROM_FILE });
  }
  assert.is(makePlan(lines('one.jsonl', 'yield'), workload(), system).name, 'yield');
});

const [none, chunked, paced] = ['none', 'chunked', 'paced'].map((text) =>
  planLine(makePlan(text, workload(), system), workload()),
) as [string, string, string];
for (const [what, text, pick, why] of [
  [
    'several plans and no name',
    none + chunked,
    '',
    /x\.jsonl: holds 2 plans; take one of them as .*x\.jsonl#none/,
  ],
  [
    'a name that is not there',
    none + chunked,
    '#chunk',
    /x\.jsonl: holds no plan "chunk"; nearest: chunked none/,
  ],
  ['a name twice', none + chunked + none, '#none', /x\.jsonl:3: name: "none" is also the plan of line 1/],
  ['a line without a name', `${none}{"schema":1}\n`, '#none', /x\.jsonl:2: name: expected the plan's name/],
  ['a line that is cut off', none + chunked.slice(0, 90), '#none', /x\.jsonl:2: is not JSON: /],
  ['no line', '\n', '#none', /x\.jsonl:1: holds no plan/],
  [
    'a line that does not fit the format',
    none + paced.replace('"paceS"', '"pace"'),
    '#paced',
    /x\.jsonl:2:\d\d+: pace: unknown key; did you mean "paceS"/,
  ],
  [
    'a line that does not fit the workload',
    none + chunked.replace('"times":30', '"times":7'),
    '#chunked',
    /x\.jsonl:2:\d\d+: blocks: the plan has 7, .* has 30 here/,
  ],
  [
    'the schema before',
    chunked.replace('plan@2', 'plan@1'),
    '',
    /x\.jsonl:1:\d+: schema: chunkflow\/plan@1 has a line/,
  ],
] as const) {
  test(`${what}: refused, with the line`, () => {
    const file = join(folder, 'x.jsonl');
    writeFileSync(file, text);
    assert.throws(() => makePlan(`${file}${pick}`, workload(), system), why);
  });
}

test('a file of plans that is not there is named', () => {
  assert.throws(
    () => makePlan(join(folder, 'nowhere.jsonl#x'), workload(), system),
    /nowhere\.jsonl: cannot be read \(ENOENT\)/,
  );
});

test('a document that is no file of its own is named by its plan', () => {
  const { document } = openPlan(written('document.json', 'yield'));
  const source = { document: { ...document, slots: 1 }, place: () => undefined };
  assert.throws(() => planOf(source, workload(), system), /^plan yield: slots: with 1 a block would be/);
});

test('--plan takes a line beside presets, --save-plan writes several', async () => {
  const file = join(folder, 'saved.jsonl');
  const scenario = [
    '--model',
    'wan2.1-t2v-1.3b',
    '--machine',
    'h100-pcie-x2',
    '--size',
    '832x480x17',
    '--json',
  ];
  const presets = ['--plan', 'chunked', '--plan', 'yield,resident=0.5'];
  const saved = await runCli(['predict', ...scenario, ...presets, '--save-plan', file]);
  assert.is(saved.code, 0, saved.stderr);
  const picked = ['--plan', `${file}#chunked`, '--plan', `${file}#yield,resident=0.5`];
  const again = await runCli(['predict', ...scenario, ...picked]);
  assert.equal(hereOf(again.stdout), hereOf(saved.stdout));
});

test.run();
