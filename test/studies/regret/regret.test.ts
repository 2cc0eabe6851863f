import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryNeed } from '../../../model/physics/memory.ts';
import { recipeOfText } from '../../../model/presets/recipeOfText.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { type StepRun, stepLines } from '../../../studies/dataset/stepRecords.ts';
import { cellScenario } from '../../../studies/grid/cellScenario.ts';
import { type Cell, cellsOf, readExperiment } from '../../../studies/grid/experimentFile.ts';
import { recordedCell } from '../../../studies/grid/recordedCell.ts';
import { measuredCurve } from '../../../studies/regret/efficientPlans.ts';
import { type MeasuredPlan, measuredCells } from '../../../studies/regret/measuredCells.ts';
import { regretOf } from '../../../studies/regret/regret.ts';
import { type RegretReport, regretReport } from '../../../studies/regret/report.ts';
import { runCli } from '../../support/runCli.ts';
import { stepRun } from '../dataset/stepRun.ts';

const near = (value: number | null, expected: number) =>
  assert.ok(value !== null && Math.abs(value - expected) < 1e-9, `expected ${expected}, got ${value}`);

const rules = suite('regret of a choice');

const plan = (name: string, gpuBytes: number, stepS: number, noise: number | null = 0): MeasuredPlan => ({
  ...{ plan: name, recipe: recipeOfText(name), transport: 'staged-copy', stepS, visitS: [stepS], noise },
  ...{ gpuBytes, claimedBytes: gpuBytes },
});
// Bytes and seconds of a made-up cell: the fast ones take much memory.
const PLANS = [
  plan('none', 100, 1),
  plan('layerwise', 60, 1.5),
  plan('layerwise-drain', 60, 1.62),
  plan('wide', 60, 1.2),
  plan('narrow', 30, 1.6),
  plan('poor', 30, 1.7),
];

for (const [what, choice, capBytes, best, regret, competitors] of [
  ['the best within its cap', 'narrow', 30, 'narrow', 0, 1],
  ['one that another beats', 'poor', 30, 'narrow', 1.7 / 1.6 - 1, 1],
  ['a cap that lets more compete', 'narrow', 60, 'wide', 1.6 / 1.2 - 1, 4],
  ['a cap just below them', 'narrow', 59, 'narrow', 0, 1],
  ['no cap', 'wide', Number.POSITIVE_INFINITY, 'none', 1.2 / 1 - 1, 5],
] as const) {
  rules(what, () => {
    const found = regretOf({ plan: choice, capBytes }, PLANS)!;
    assert.is(found.best.plan, best);
    near(found.regret, regret);
    assert.is(found.competitors, competitors);
  });
}

rules('without a competitor there is no regret, and none of 0', () => {
  const found = regretOf({ plan: 'narrow', capBytes: 40 }, PLANS.slice(0, 5))!;
  assert.equal([found.regret, found.competitors, found.best.plan], [null, 0, 'narrow']);
});

rules('a choice that was not measured has none', () => {
  assert.is(regretOf({ plan: 'lost', capBytes: 40 }, PLANS), null);
});

rules('of equally fast plans the choice is the best', () => {
  const found = regretOf({ plan: 'b', capBytes: 9 }, [plan('a', 5, 1), plan('b', 5, 1)])!;
  assert.equal([found.regret, found.best.plan], [0, 'b']);
});

rules('noise is that of both plans; of one where the choice is the best; unknown without rounds', () => {
  const noisy = [plan('a', 5, 1, 0.01), plan('b', 5, 1.015, 0.007)];
  near(regretOf({ plan: 'b', capBytes: 9 }, noisy)!.noise, 0.017);
  near(regretOf({ plan: 'a', capBytes: 9 }, noisy)!.noise, 0.01);
  const once = noisy.map((own) => ({ ...own, noise: null }));
  assert.is(regretOf({ plan: 'b', capBytes: 9 }, once)!.noise, null);
});

rules('baselines count with as much memory as the choice or more, whatever the cap', () => {
  const slower = (name: string, plans = PLANS) => regretOf({ plan: name, capBytes: 60 }, plans)!.slowerThan;
  assert.equal(slower('narrow'), ['layerwise']);
  assert.equal(slower('poor'), ['layerwise', 'layerwise-drain']);
  assert.equal(slower('wide'), []);
  // Within the noise of both nobody is slower.
  assert.equal(
    slower(
      'narrow',
      PLANS.map((own) => ({ ...own, noise: 0.04 })),
    ),
    [],
  );
  // With less memory a baseline would be no excuse.
  assert.equal(slower('poor', [plan('layerwise', 20, 1.1), plan('poor', 30, 1.7)]), []);
});

rules('the curve: all plans by memory, those that nothing beats marked', () => {
  const points = measuredCurve([...PLANS, plan('twin', 30, 1.6)]);
  assert.equal(
    points.map((point) => [point.plan, point.efficient]),
    [
      ['narrow', true],
      ['twin', true],
      ['poor', false],
      ['wide', true],
      ['layerwise', false],
      ['layerwise-drain', false],
      ['none', true],
    ],
  );
});

rules.run();

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-regret-'));
const reports = suite('regret of an experiment');
reports.after(() => rmSync(folder, { recursive: true, force: true }));

const NAMES = ['none', 'layerwise', 'chunked', 'yield', 'yield,slots=3'];
const GiB = 2 ** 30;

/** An experiment of the tiny model's cell alone. */
function experimentOf(choices: string, beside = ''): string {
  const file = join(folder, 'own.yaml');
  writeFileSync(
    file,
    `name: own
split: held-out
${beside}
machine: h200-x1
measure: []
cells:
  - model: experiments/tiny/tiny-joint.yaml
    size: 64x64
    blocks: 4
    sp: 2
    plans: [${NAMES.map((name) => `"${name}"`).join(', ')}]
    choices: [${choices}]
`,
  );
  return file;
}

const [cell] = cellsOf(readExperiment(experimentOf('{cap: 1 TiB, plan: none}'))) as [Cell];
const { workload, system, plans } = cellScenario(cell);
const needs = plans.map((own) => memoryNeed(workload, system, own).gpuPeakBytes);
const cap = needs[NAMES.indexOf('yield')]!;
/** One choice for a cap that neither `none` nor a third slot keeps, and one for everything. */
const CHOICES = `{cap: ${cap / GiB} GiB, plan: yield}, {cap: 1 TiB, plan: none}`;

/** Steps of the plans in the order of their names, ms; two rounds, 1 % apart. */
function steps(ms: readonly number[], fields: Partial<StepRun> = {}): StepRun[] {
  return ms.map((step, index) => {
    const stepS = step / 1e3;
    return stepRun({
      ...{ experiment: 'own', split: 'held-out', cell: recordedCell(cell, workload), plan: NAMES[index]! },
      ...{ stepS, visitS: [stepS * 0.995, stepS * 1.005], stepProgram: `${index}`.padStart(16, '0') },
      ...fields,
    });
  });
}

const reportOf = (runs: readonly StepRun[], choices = CHOICES, modes: StepRun['mode'][] = ['eager']) =>
  regretReport(readExperiment(experimentOf(choices)), runs, modes);

reports('what the made-up plans need', () => {
  const [none, layerwise, chunked, yielding, three] = needs as [number, number, number, number, number];
  assert.ok(three > none && none > yielding, needs.join(' '));
  assert.equal([layerwise, chunked], [yielding, yielding]);
});

reports('choices against what was measured within their caps', () => {
  const { regrets, largest, compared, withinNoise, problems, notes } = reportOf(
    steps([10, 14, 12, 12.6, 11]),
  );
  const [tight, loose] = regrets as [RegretReport['regrets'][0], RegretReport['regrets'][0]];
  assert.equal(
    [tight.cell, tight.mode, tight.best.plan, tight.competitors],
    [cell.id, 'eager', 'chunked', 2],
  );
  near(tight.regret, 0.05);
  near(tight.noise, 0.01);
  assert.equal(tight.slowerThan, []);
  assert.equal([loose.regret, loose.competitors, loose.best.plan], [0, 4, 'none']);
  assert.is(largest!.choice.plan, 'yield');
  assert.equal([compared, withinNoise, problems, notes], [2, 1, [], []]);
});

reports('a tie within the noise is said to be one', () => {
  const { regrets, withinNoise } = reportOf(steps([10, 14, 12, 12.06, 11]));
  near(regrets[0]!.regret, 0.005);
  assert.is(withinNoise, 2);
});

reports('plans that were measured twice count once, by the median of all visits', () => {
  const runs = [...steps([10, 14, 12, 12.6, 11]), ...steps([10, 14, 13, 12.6, 11])];
  const [measured] = measuredCells(runs);
  assert.is(measured!.plans.length, NAMES.length);
  const chunked = measured!.plans[2]!;
  assert.is(chunked.visitS.length, 4);
  // 11.94, 12.06, 12.935 and 13.065 ms.
  near(chunked.stepS, (12.06e-3 + 12.935e-3) / 2);
  near(chunked.noise, (12.935 - 11.94) / 2 / 12.4975);
  near(reportOf(runs).regrets[0]!.regret, 12.6 / 12.4975 - 1);
});

reports('one disturbed round decides nothing', () => {
  const disturbed = steps([10, 14, 12, 12.6, 11]);
  // Its own medians would say 16 ms, and their mean 14.
  disturbed.push({ ...disturbed[2]!, stepS: 16e-3, visitS: [11.97e-3, 20e-3] });
  const chunked = measuredCells(disturbed)[0]!.plans[2]!;
  near(chunked.stepS, (11.97e-3 + 12.06e-3) / 2);
  near(chunked.noise, (0.045 + 0.075) / 2 / 12.015);
  near(reportOf(disturbed).regrets[0]!.regret, 12.6 / 12.015 - 1);
});

reports('modes are rows of their own', () => {
  const runs = [...steps([10, 14, 12, 12.6, 11]), ...steps([9, 13, 11.8, 11, 10], { mode: 'graph' })];
  assert.is(reportOf(runs).regrets.length, 2);
  const both = reportOf(runs, CHOICES, ['eager', 'graph']);
  assert.equal(
    both.regrets.map(({ mode, best }) => [mode, best.plan]),
    [
      ['eager', 'chunked'],
      ['eager', 'none'],
      ['graph', 'yield'],
      ['graph', 'none'],
    ],
  );
});

reports('what has no answer is a problem, a line each', () => {
  const some = steps([10, 14, 12, 12.6, 11]).filter(({ plan: name }) => name !== 'yield');
  assert.equal(reportOf(some).problems, [
    `${cell.id}, eager: the choice yield for ${(cap / GiB).toFixed(3)} GiB was not measured`,
  ]);
  const above = reportOf(steps([10, 14, 12, 12.6, 11]), `{cap: ${cap / GiB} GiB, plan: none}`);
  assert.match(above.problems.join('\n'), /the choice none takes .* GiB, more than its cap of/);
  assert.equal(above.regrets, []);
});

reports('plans that compute other bits do not compete; lines of other experiments are left out', () => {
  const runs = steps([10, 14, 12, 12.6, 11]);
  runs[2] = { ...runs[2]!, sameOutput: false };
  const { regrets, notes } = reportOf([...runs, stepRun()]);
  assert.equal([regrets[0]!.best.plan, regrets[0]!.competitors], ['yield', 1]);
  assert.equal(notes, [
    '1 steps are of other experiments or of cells without choices: left out',
    `${cell.id}, chunked: computed other bits than the first plan of its run: left out`,
  ]);
});

reports(
  'plans that another experiment measured of the same cell compete where the experiment names it',
  () => {
    const own = steps([10, 14, 12, 12.6, 11]).filter(({ plan: name }) => name === 'yield');
    const theirs = steps([10, 14, 12, 12.6, 11], { experiment: 'presets' });
    const made = { ...recordedCell(cell, workload), machine: 'h200-x1-fitted' };
    const elsewhere = steps([1, 1, 1, 1, 1], { experiment: 'presets', cell: made });
    const beside = (text: string) =>
      regretReport(
        readExperiment(experimentOf(CHOICES.split(', {')[0]!, text)),
        [...own, ...theirs, ...elsewhere],
        ['eager'],
      );
    assert.equal([beside('').regrets[0]!.competitors, beside('').regrets[0]!.regret], [0, null]);
    const [row] = beside('beside: [presets]').regrets;
    assert.equal([row!.competitors, row!.best.plan, row!.choice.visitS.length], [2, 'chunked', 4]);
    near(row!.regret, 0.05);
  },
);

reports('caps are of the memory of the machine that is named', () => {
  const runs = steps([10, 14, 12, 12.6, 11]);
  const larger = loadSystem('h200-x1', ['host.deviceReserve=2.06 GB']);
  const own = larger.host.deviceReserveBytes - system.host.deviceReserveBytes;
  const choices = (bytes: number) => readExperiment(experimentOf(`{cap: ${bytes} B, plan: yield}`));
  assert.match(regretReport(choices(cap), runs, ['eager'], larger).problems[0]!, /more than its cap/);
  const { regrets, problems } = regretReport(choices(cap + own), runs, ['eager'], larger);
  assert.equal(problems, []);
  assert.is(regrets[0]!.choice.gpuBytes, cap + own);
  assert.is(regrets[0]!.competitors, 2);
});

reports('what is refused', () => {
  const runs = steps([10, 14, 12, 12.6, 11]);
  assert.throws(() => reportOf(runs, ''), /own: has no choices; give its cells some/);
  assert.throws(() => reportOf([stepRun()]), /hold no eager step of a cell of own/);
  const other = steps([10], { stepProgram: 'f'.repeat(16) });
  assert.throws(
    () => reportOf([...runs, ...other]),
    /, none: 2 different programs were measured under this name/,
  );
});

const command = (dataset: string, ...flags: string[]) =>
  runCli(['regret', join(folder, 'own.yaml'), dataset, ...flags]);

function written(runs: readonly StepRun[]): string {
  const dataset = join(folder, 'steps.jsonl');
  writeFileSync(dataset, stepLines(runs));
  return dataset;
}

reports('the command: a table, the curve, the largest regret last; its limit', async () => {
  experimentOf(CHOICES);
  const dataset = written(steps([10, 14, 12, 12.6, 11]));
  const { code, stdout, stderr } = await command(dataset);
  assert.is(code, 0, stderr);
  assert.match(
    stdout,
    /^cell +depth +place +mode +cap GiB +over +choice +GiB +step ms +best +step ms +regret % +noise % +comp/,
  );
  assert.match(stdout, /eager .* any +yield .* 12\.60 +chunked +12\.00 +5\.00 +1\.00 +2 +-\n/);
  assert.match(stdout, /\nof 5 measured plans, those that no other beats in memory and time\n/);
  const last = stdout.trimEnd().split('\n').at(-1)!;
  assert.match(
    last,
    /^largest regret 5\.00 %: .*, eager, yield within .* GiB; mean 2\.50 % of 2 choices \(2 distinct plans\), 1 of them within their noise; programs of 4 of 5 blocks$/,
  );
  for (const [limit, expected] of [
    ['0.06', 0],
    ['5.1%', 0],
    ['3%', 1],
    ['x', 2],
  ] as const) {
    assert.is((await command(dataset, '--fail-above', limit)).code, expected, limit);
  }
  const json = JSON.parse((await command(dataset, '--json')).stdout) as RegretReport;
  near(json.largest!.regret, 0.05);
  assert.equal(
    json.curves[0]!.points.filter(({ efficient }) => efficient).map((point) => point.plan),
    ['chunked', 'none'],
  );
});

reports('the command: no competitor breaks a limit, a missing choice fails', async () => {
  experimentOf(CHOICES);
  const alone = written(steps([10]));
  const missing = await command(alone);
  assert.is(missing.code, 1);
  assert.match(missing.stderr, /^error: .*: the choice yield for .* GiB was not measured\n$/);
  assert.match(missing.stdout, /largest regret: none, no choice has a competitor\n$/);
  experimentOf('{cap: 1 TiB, plan: none}');
  assert.is((await command(alone)).code, 0);
  const limited = await command(alone, '--fail-above', '3%');
  assert.is(limited.code, 1);
  assert.match(limited.stderr, /error: no choice has a competitor, and the limit is 3\.00 %/);
});

reports.run();
