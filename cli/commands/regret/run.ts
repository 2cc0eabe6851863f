import { GiB } from '../../../model/input/byteUnits.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { depthRange, depthText } from '../../../studies/dataset/programDepth.ts';
import { readSteps, type StepRun } from '../../../studies/dataset/stepRecords.ts';
import { readExperiment } from '../../../studies/grid/experimentFile.ts';
import { type RegretReport, regretReport } from '../../../studies/regret/report.ts';
import type { Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraph } from '../../text/wrap.ts';
import type { RegretFlags } from './command.ts';

type Row = RegretReport['regrets'][number];
type Point = { cell: string; mode: string } & RegretReport['curves'][number]['points'][number];

/** Shows how far choices are from the best that was measured. Returns the exit code: 1 above the limit, or without an answer. */
export function run(file: string, datasets: readonly string[], flags: RegretFlags, output: Output): number {
  const limit = flags.failAbove === undefined ? null : shareOf(flags.failAbove);
  const modes: StepRun['mode'][] = flags.mode === 'both' ? ['eager', 'graph'] : [flags.mode];
  const machine = flags.machine === undefined ? null : loadSystem(flags.machine);
  const report = regretReport(readExperiment(file), readSteps(datasets), modes, machine);
  if (flags.json) output.result(`${JSON.stringify(report, null, 1)}\n`);
  else print(report, output);
  for (const note of report.notes) output.diagnostic(`note: ${note}\n`);
  for (const problem of report.problems) output.diagnostic(`error: ${problem}\n`);
  return report.problems.length > 0 || isBroken(report, limit, output) ? 1 : 0;
}

function isBroken({ largest }: RegretReport, limit: number | null, output: Output): boolean {
  if (limit === null) return false;
  if (largest !== null && largest.regret <= limit) return false;
  const is = largest === null ? 'no choice has a competitor' : `regret is ${percent(largest.regret)}`;
  output.diagnostic(`error: ${is}, and the limit is ${percent(limit)}\n`);
  return true;
}

const COLUMNS: readonly Column<Row>[] = [
  { header: 'cell', value: ({ cell }) => cell },
  { header: 'depth', value: ({ depth }) => depthText(depth) },
  { header: 'place', value: ({ place }) => place },
  { header: 'mode', value: ({ mode }) => mode },
  { header: 'cap GiB', value: ({ capBytes }) => capBytes / GiB, digits: 2 },
  { header: 'over', value: ({ transport }) => transport ?? 'any' },
  { header: 'choice', value: ({ choice }) => choice.plan },
  { header: 'GiB', value: ({ choice }) => choice.gpuBytes / GiB, digits: 2 },
  { header: 'step ms', value: ({ choice }) => choice.stepS * 1e3, digits: 2 },
  { header: 'best', value: ({ best, choice }) => (best === choice ? 'the choice' : best.plan) },
  { header: 'step ms', value: ({ best }) => best.stepS * 1e3, digits: 2 },
  { header: 'regret %', value: (row) => (row.regret === null ? null : row.regret * 100), digits: 2 },
  { header: 'noise %', value: ({ noise }) => (noise === null ? null : noise * 100), digits: 2 },
  { header: 'competitors', value: ({ competitors }) => competitors },
  { header: 'slower than', value: ({ slowerThan }) => slowerThan.join(' ') || null },
];

const CURVE_COLUMNS: readonly Column<Point>[] = [
  { header: 'cell', value: ({ cell }) => cell },
  { header: 'mode', value: ({ mode }) => mode },
  { header: 'GPU GiB', value: ({ gpuBytes }) => gpuBytes / GiB, digits: 2 },
  { header: 'step ms', value: ({ stepS }) => stepS * 1e3, digits: 2 },
  { header: 'plan', value: ({ plan }) => plan },
];

function print(report: RegretReport, output: Output): void {
  output.result(formatTable(COLUMNS, report.regrets, output.layout));
  const efficient = report.curves.flatMap(({ cell, mode, points }) =>
    points.filter((point) => point.efficient).map((point): Point => ({ ...point, cell, mode })),
  );
  const all = report.curves.reduce((sum, { points }) => sum + points.length, 0);
  output.result(
    `\nof ${all} measured plans, those that no other beats in memory and time\n${formatTable(CURVE_COLUMNS, efficient, output.layout)}\n`,
  );
  output.result(paragraph(summary(report), output.layout));
}

function summary({ regrets, largest, mean, compared, distinct, withinNoise }: RegretReport): string {
  if (largest === null || mean === null) return 'largest regret: none, no choice has a competitor';
  const { cell, mode, capBytes, choice } = largest;
  return (
    `largest regret ${percent(largest.regret)}: ${cell}, ${mode}, ${choice.plan} within ${(capBytes / GiB).toFixed(2)} GiB; ` +
    `mean ${percent(mean)} of ${compared} choices (${distinct} distinct plans), ${withinNoise} of them within their noise; ` +
    `programs of ${depthRange(regrets.map(({ depth }) => depth))}`
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

/** A share as `0.03` or `3%`. */
function shareOf(text: string): number {
  const number = Number(text.replace(/%$/, ''));
  if (text.replace(/%$/, '').trim() === '' || !(number >= 0))
    throw new UserError(`--fail-above ${shown(text)}: expected a share such as 0.03 or 3%`);
  return text.endsWith('%') ? number / 100 : number;
}
