import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSystem } from '../../../model/system/load.ts';
import { simulate } from '../../../sim/simulate.ts';
import { type StepRun, stepLines } from '../../../studies/dataset/stepRecords.ts';
import { readExperiment } from '../../../studies/grid/experimentFile.ts';
import { type HeadlineReport, headlineReport } from '../../../studies/regret/headlines.ts';
import { runCli } from '../../support/runCli.ts';
import { stepRun } from '../dataset/stepRun.ts';
import { chosenExperiment, DEVICE, MACHINE, PLANS } from './chosenExperiment.ts';

const near = (value: number | null, expected: number) =>
  assert.ok(value !== null && Math.abs(value - expected) < 1e-9, `expected ${expected}, got ${value}`);

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-headlines-'));
const headlines = suite('what choices gain');
headlines.after(() => rmSync(folder, { recursive: true, force: true }));

const { file, cell, workload, system, plans, gpuBytes, steps } = chosenExperiment(folder);
/** In the order of the plans. */
const MS = [10, 15, 16, 10.4, 9, 8.8, 14];

const reportOf = (runs: readonly StepRun[], fields: Partial<Parameters<typeof headlineReport>[2]> = {}) =>
  headlineReport(readExperiment(file), runs, {
    ...{ modes: ['eager'], against: 'staged-sm:2', machine: null },
    ...fields,
  });
const simulatedS = (index: number, on = system) =>
  simulate(workload, on, plans[index]!, { breakEven: false }).report.stepTimeS;

headlines('each choice against each baseline: memory, step, noise of both, the predicted ratio', () => {
  const { cells, ratioErrors, problems, notes } = reportOf(steps(MS));
  assert.equal([problems, notes], [[], []]);
  const [{ rows, ...where }] = cells as [HeadlineReport['cells'][0]];
  assert.equal(
    [where.cell, where.mode, where.place, where.device, where.machine],
    [cell.id, 'eager', 'mirrored', DEVICE, MACHINE],
  );
  // Not the one with three slots, nor that of another transport.
  assert.equal(
    where.baselines.map(({ baseline, measured }) => [baseline, measured.plan]),
    [
      ['none', PLANS[0]],
      ['layerwise', PLANS[1]],
      ['layerwise-drain', PLANS[2]],
    ],
  );
  assert.equal(
    rows.map(({ choice, transport }) => [choice.plan, transport]),
    [
      [PLANS[3], 'staged-sm:2'],
      [PLANS[4], null],
      [PLANS[4], null],
    ],
  );
  for (const [row, plan] of [
    [0, 3],
    [1, 4],
  ] as const) {
    near(rows[row]!.savedShare, 1 - gpuBytes[plan]! / gpuBytes[0]!);
    near(rows[row]!.predictedS, simulatedS(plan));
    for (const [index, gain] of rows[row]!.gains.entries()) {
      near(gain.measuredRatio, MS[plan]! / MS[index]!);
      near(gain.noise, 0.02);
      near(gain.predictedRatio, simulatedS(plan) / simulatedS(index));
    }
  }
  const errors = rows.flatMap(({ gains }) =>
    gains.map((gain) => gain.predictedRatio! / gain.measuredRatio - 1),
  );
  near(ratioErrors!.mape, errors.reduce((sum, error) => sum + Math.abs(error), 0) / 9);
});

headlines('another transport to compare with, another machine to predict with', () => {
  const machine = loadSystem('h200-x1');
  const [only] = reportOf(steps(MS), { against: 'staged-copy', machine }).cells;
  assert.is(only!.machine, 'h200-x1');
  assert.equal(
    only!.baselines.map(({ measured }) => measured.plan),
    [PLANS[5]],
  );
  near(only!.rows[0]!.gains[0]!.predictedRatio, simulatedS(3, machine) / simulatedS(5, machine));
  near(only!.rows[0]!.gains[0]!.measuredRatio, 10.4 / 8.8);
});

headlines('modes and devices are cells of their own', () => {
  const runs = [
    ...steps(MS),
    ...steps(
      MS.map((ms) => 2 * ms),
      { mode: 'graph' },
    ),
    ...steps(MS, { device: { name: 'NVIDIA H200', driver: '580.95', cuda: '13.0' } }),
  ];
  assert.equal(
    reportOf(runs, { modes: ['eager', 'graph'] }).cells.map(({ mode, device }) => [mode, device]),
    [
      ['eager', DEVICE],
      ['graph', DEVICE],
      ['eager', 'NVIDIA H200'],
    ],
  );
});

headlines('a plan that lowers to other operations now is measured and not predicted', () => {
  const runs = steps(MS);
  runs[1] = { ...runs[1]!, stepProgram: '0'.repeat(16) };
  const { cells, notes } = reportOf(runs);
  assert.equal(
    cells[0]!.rows[0]!.gains.map(({ predictedRatio }) => predictedRatio === null),
    [false, true, false],
  );
  near(cells[0]!.rows[0]!.gains[1]!.measuredRatio, 10.4 / 15);
  assert.equal(notes, [
    `${cell.id}, eager, ${PLANS[1]}: lowers to other operations now than when it was measured: not predicted`,
  ]);
});

headlines('what has no answer is a problem, and single rounds have no noise', () => {
  const without = steps(MS).filter(({ plan }) => plan === PLANS[3] || plan === PLANS[4]);
  const report = reportOf(without);
  assert.equal(report.problems, [
    `${cell.id}, eager: none of none, layerwise, layerwise-drain was measured over staged-sm:2`,
  ]);
  assert.equal([report.cells[0]!.rows[0]!.savedShare, report.ratioErrors], [null, null]);
  assert.match(
    reportOf(steps(MS.slice(0, 4))).problems.join('\n'),
    /the choice yield,.*-copy for .* was not measured/,
  );
  const once = reportOf(steps(MS).map((run) => ({ ...run, visitS: [run.stepS] })));
  assert.is(once.cells[0]!.rows[0]!.gains[0]!.noise, null);
  assert.throws(() => reportOf([stepRun()]), /hold no eager step of a cell of chosen/);
});

const command = (runs: readonly StepRun[], ...flags: string[]) => {
  const dataset = join(folder, 'steps.jsonl');
  writeFileSync(dataset, stepLines(runs));
  return runCli(['headlines', file, dataset, ...flags]);
};

headlines('the command: a table for each cell that names what measured and what predicts', async () => {
  const { code, stdout, stderr } = await command(steps(MS));
  assert.is(code, 0, stderr);
  const [measuredBy, against, , header] = stdout.split('\n');
  assert.is(
    measuredBy,
    `${cell.id} (4 of 5 blocks), eager: measured on ${DEVICE}, mirrored; predicted for ${MACHINE}`,
  );
  assert.match(
    against!,
    /^against staged-sm:2: none 10\.00 ms in .* GiB, layerwise 15\.00 ms in .*, layerwise-drain/,
  );
  assert.match(
    header!,
    /^ *cap GiB +over +choice +GiB +saved % +step ms +predicted +\/ none +\+- +predicted/,
  );
  assert.match(stdout, / 10\.40 .* 1\.040 +0\.021 .* 0\.693 +0\.014 /);
  assert.match(stdout, /\nratios, predicted against measured: MAPE .* %, bias .* %, largest .* %, n 9\n$/);
});

headlines('the command: JSON, and the exit code without an answer', async () => {
  const json = JSON.parse((await command(steps(MS), '--json')).stdout) as HeadlineReport;
  near(json.cells[0]!.rows[0]!.gains[0]!.measuredRatio, 1.04);
  const other = await command(steps(MS), '--against', 'shm');
  assert.is(other.code, 1);
  assert.match(other.stderr, /^error: .* was measured over shm\n$/);
  assert.match(other.stdout, /against shm: nothing that was measured\n(.*\n)+ratios: none is predicted\n$/);
});

headlines.run();
