import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Plan } from '../../../model/plan/plan.ts';
import { planText } from '../../../model/plan/planFile.ts';
import { planLine } from '../../../model/plan/planLines.ts';
import { FROM_FILE, makerOf } from '../../../model/plan/recipe.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { readSteps, stepLines } from '../../../studies/dataset/stepRecords.ts';
import { bundleExperiment } from '../../../studies/grid/bundleExperiment.ts';
import { cellProgram } from '../../../studies/grid/cellProgram.ts';
import { cellScenario } from '../../../studies/grid/cellScenario.ts';
import { collectSteps } from '../../../studies/grid/collectSteps.ts';
import { type Cell, cellsOf, readExperiment } from '../../../studies/grid/experimentFile.ts';
import { compareSteps, recipeOfRun } from '../../../studies/heldOut/compareSteps.ts';
import { runLines } from '../../support/measurementFixture.ts';
import { writeStubRuntime } from '../../support/stubProgram.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-cell-plans-'));
const test = suite('plans of cells');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const TINY = 'experiments/tiny/tiny-joint.yaml';
/** The tiny model without guidance, which needs no two passes. */
const cell: Cell = {
  ...{ id: 'tiny', model: TINY, size: '64x64', blocks: 3, sp: 2, tp: 1, cfg: 'none' },
  ...{ machine: 'h200-x1', plans: [] },
};
const { workload, system } = cellScenario(cell);
const plan = (name: string, text: string): Plan => ({ ...makePlan(text, workload, system), name });
const tight = plan('tight', 'yield,chunk=64KiB,transport=staged-copy');
const loose = plan('a/b,c', 'chunked,transport=staged-sm:2');

mkdirSync(join(folder, 'plans'));
writeFileSync(
  join(folder, 'plans', 'tiny.jsonl'),
  [tight, loose].map((own) => planLine(own, workload)).join(''),
);
writeFileSync(join(folder, 'plans', 'one.json'), planText(plan('one', 'chunked'), workload));

function experimentOf(rest: string, name = 'own.yaml') {
  const file = join(folder, name);
  const head = 'name: own\nsplit: held-out\nmachine: h200-x1\nmeasure: [--rounds, "2"]\n';
  writeFileSync(file, head + rest);
  return readExperiment(file);
}

const own = (rest: string) =>
  `cells:\n  - {model: ${TINY}, size: 64x64, blocks: 3, sp: 2, cfg: none, ${rest}}\n`;

test('a cell has plans of its own, from presets and files beside the experiment', () => {
  const [made] = cellsOf(
    experimentOf(own('plans: [none, "plans/tiny.jsonl#a/b,c", plans/one.json], planFiles: []')),
  );
  assert.is(made!.id, 'tiny-joint-64x64-b3-sp2-cfg-none');
  assert.equal(made!.plans, ['none', 'a/b,c', 'one']);
  const scenario = cellScenario(made!);
  assert.is(scenario.workload.passes, 1);
  assert.equal(scenario.workload, workload);
  assert.equal(scenario.plans[1], { ...loose, recipe: FROM_FILE });
  assert.equal(
    cellProgram(made!).manifest.plans.map(({ name }) => name),
    made!.plans,
  );
});

test("other tools' settings are plans of a cell, over each transport", () => {
  const [made] = cellsOf(
    experimentOf(
      own('plans: [none, "sglang,resident=1"], transports: ["staged-sm:2", "staged-sm:4"], planFiles: []'),
    ),
  );
  assert.equal(made!.plans.slice(1, 2), ['sglang,resident=1,transport=staged-sm:2']);
  const tools = cellScenario(made!).plans.filter(({ recipe }) => recipe.by === 'tool');
  assert.equal(
    tools.map(({ transport }) => transport),
    ['staged-sm:2', 'staged-sm:4'],
  );
  assert.equal(
    made!.plans.map((text) => makerOf(recipeOfRun({ plan: text }))),
    ['none', 'sglang', 'none', 'sglang'],
  );
});

test('all plans of a file, and choices among them', () => {
  const [made] = cellsOf(
    experimentOf(
      own(
        'planFiles: [plans/tiny.jsonl, plans/one.json], choices: [{cap: 2 GiB, plan: tight}, {cap: 2 GiB, plan: tight, transport: staged-copy}]',
      ),
    ),
  );
  assert.equal(made!.plans, ['tight', 'a/b,c', 'one']);
  assert.equal(made!.choices, [
    { capBytes: 2 ** 31, plan: 'tight' },
    { capBytes: 2 ** 31, plan: 'tight', transport: 'staged-copy' },
  ]);
});

test('presets are measured with each transport, plans of files with theirs', () => {
  const grid = `workloads:\n  - {model: ${TINY}, blocks: 3, sizes: [64x64, 128x64]}\n`;
  const cells = cellsOf(
    experimentOf(
      `${grid}arms:\n  - {sp: 2, transports: [staged-sm:2, staged-copy], plans: [none, plans/one.json], planFiles: [plans/tiny.jsonl]}\n`,
    ),
  );
  assert.equal(
    cells.map(({ id }) => id),
    ['tiny-joint-64x64-sp2', 'tiny-joint-128x64-sp2'],
  );
  const names = ['none,transport=staged-sm:2', 'one', 'none,transport=staged-copy', 'tight', 'a/b,c'];
  for (const { plans } of cells) assert.equal(plans, names);
});

const one = 'plans: [none]';
for (const [what, rest, why] of [
  [
    'a plan that no line has',
    own('plans: [plans/tiny.jsonl#tigth]'),
    /tiny\.jsonl: holds no plan "tigth"; nearest: tight/,
  ],
  [
    'a file that is not there',
    own('planFiles: [plans/x.jsonl]'),
    /plans\/x\.jsonl: cannot be read \(ENOENT\)/,
  ],
  [
    'two plans of one name',
    own('plans: ["plans/tiny.jsonl#tight"], planFiles: [plans/tiny.jsonl]'),
    /own\.yaml:6:\d+: two plans are called "tight"; leave one out or rename it/,
  ],
  [
    'a cell without plans',
    own('choices: []'),
    /own\.yaml:6:\d+: cells\.0: expected plans or planFiles, got neither/,
  ],
  [
    'a choice that is no plan',
    own(`${one}, choices: [{cap: 1 GiB, plan: best}]`),
    /own\.yaml:6:\d+: cells\.0\.choices\.0\.plan: best is no plan of the cell/,
  ],
  [
    'a cap without a unit',
    own(`${one}, choices: [{cap: "3", plan: none}]`),
    /own\.yaml:6:\d+: cap: expected a number of bytes such as "16 MiB", got "3"/,
  ],
  ['two cells of one name', own(one) + own(one).replace('cells:\n', ''), /own: .*-cfg-none is there twice/],
  ['neither cells nor a grid', '', /expected workloads and arms, or cells, got neither/],
  ['half a grid', `arms:\n  - {sp: 1, ${one}}\n`, /workloads and arms: expected both or neither/],
] as const) {
  test(`${what}: refused`, () => {
    assert.throws(() => cellsOf(experimentOf(rest)), why);
  });
}

test('a program of such plans is packed like any other', async () => {
  const experiment = experimentOf(own('planFiles: [plans/tiny.jsonl]'));
  const runtime = writeStubRuntime(join(folder, 'runtime'));
  const { out } = await bundleExperiment(experiment, cellsOf(experiment), {
    out: join(folder, 'all'),
    runtime,
  });
  const manifest = join(out, 'programs', 'tiny-joint-64x64-b3-sp2-cfg-none', 'manifest.json');
  const { plans } = JSON.parse(readFileSync(manifest, 'utf8')) as { plans: { name: string }[] };
  assert.equal(
    plans.map(({ name }) => name),
    ['tight', 'a/b,c'],
  );
});

/** The two plans of a cell as the fixture's records measure them. */
function measured(made: Cell): string {
  const { fingerprint } = cellProgram(made).manifest;
  const place = join(folder, `${made.id}.jsonl`);
  const lines = runLines({ program: made.id, fingerprint }).join('\n');
  writeFileSync(place, `${lines.replaceAll('"yield"', '"tight"')}\n`);
  return place;
}

test('a measured line holds the plan of a file, and is predicted from that alone', () => {
  const experiment = experimentOf(own('plans: [none, "plans/tiny.jsonl#tight"]'));
  const [made] = cellsOf(experiment);
  const { runs } = collectSteps(experiment, [measured(made!)]);
  const dataset = join(folder, 'steps.jsonl');
  writeFileSync(dataset, stepLines(runs));
  // Elsewhere the plan files are not there.
  rmSync(join(folder, 'plans', 'tiny.jsonl'));
  const read = readSteps([dataset]);
  assert.equal(
    read.map(({ plan, planFile, cell: { cfg } }) => [plan, planFile?.name, cfg]),
    [
      ['none', undefined, 'none'],
      ['tight', 'tight', 'none'],
    ],
  );
  assert.equal(
    read.map((run) => makerOf(recipeOfRun(run))),
    ['none', 'file'],
  );
  const steps = compareSteps(read, null);
  assert.is(steps.length, 2);
  assert.ok(steps.every(({ simulatedS }) => simulatedS > 0));
});

test.run();
