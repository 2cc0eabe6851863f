import type { ErrorStatistics } from '../../../studies/heldOut/errorStatistics.ts';
import type { NodeErrorReport, NodeErrors } from '../../../studies/heldOut/errorsByNode.ts';
import { brokenLimits, type LimitedReport } from '../../../studies/heldOut/limits.ts';
import { orderSummary, type Spread } from '../../../studies/heldOut/planOrder.ts';
import type { ClassErrors, HeldOutReport } from '../../../studies/heldOut/report.ts';
import type { Output } from '../../output.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';
import type { ValidateFlags } from './command.ts';

/** 1 where a limit of `--fail-above` is broken, with a line of each. */
export function exitCode(report: LimitedReport, flags: ValidateFlags, output: Output): number {
  const broken = brokenLimits(report, flags.failAbove ?? []);
  for (const line of broken) output.diagnostic(`error: ${line}\n`);
  return broken.length === 0 ? 0 : 1;
}

const percent = (header: string, value: (row: ClassErrors) => number | null): Column<ClassErrors> => ({
  header,
  value: (row) => {
    const share = value(row);
    return share === null ? null : share * 100;
  },
  digits: 1,
});

const CLASS_COLUMN: Column<ClassErrors> = { header: 'steps', value: ({ name }) => name };

const errorColumns = (of: (row: ClassErrors) => ErrorStatistics): Column<ClassErrors>[] => [
  { header: 'n', value: (row) => of(row).n },
  percent('MAPE %', (row) => of(row).mape),
  percent('bias %', (row) => of(row).bias),
  percent('median %', (row) => of(row).median),
  percent('p95 %', (row) => of(row).p95),
  percent('largest %', (row) => of(row).largest),
];

const SIMULATED_COLUMNS: readonly Column<ClassErrors>[] = [
  CLASS_COLUMN,
  ...errorColumns(({ simulated }) => simulated),
  percent('within 5 %', ({ within5Percent }) => within5Percent),
  percent('in interval %', ({ covered }) => covered),
  percent('noise floor %', ({ noise }) => noise),
];

const CLOSED_FORM_COLUMNS: readonly Column<ClassErrors>[] = [
  CLASS_COLUMN,
  ...errorColumns(({ closedForm }) => closedForm),
];

/** Both roads' errors, a table each. */
export function errorTables(
  { classes, all }: { classes: readonly ClassErrors[]; all: ClassErrors },
  layout: Layout,
): string {
  const rows = [...classes, all];
  return [
    `simulated\n${formatTable(SIMULATED_COLUMNS, rows, layout)}`,
    `closed form\n${formatTable(CLOSED_FORM_COLUMNS, rows, layout)}`,
  ].join('\n');
}

const NODE_COLUMNS: readonly Column<NodeErrors>[] = [
  { header: 'node', value: ({ name }) => name },
  ...errorColumns(({ simulated }) => simulated),
  { header: 'tau', value: ({ kendallTau }) => kendallTau, digits: 3 },
  percent('noise floor %', ({ noise }) => noise),
];

/** Errors of the simulation, a row for each node. */
export function nodeTable({ nodes }: NodeErrorReport, layout: Layout): string {
  return formatTable(NODE_COLUMNS, nodes, layout);
}

/** How well predictions order the plans of each workload: the pairs that measurements order, and all pairs. */
export function orderLines({ orders }: Pick<HeldOutReport, 'orders'>): string {
  const { decided, pairs, kendallTau, tauOfAllPairs } = orderSummary(orders);
  const what = "order of a workload's plans, simulated:";
  if (kendallTau === null) return `${what} no two of them measure apart`;
  // Of all pairs there is none where all of a workload's plans are predicted alike.
  const average = (tau: Spread | null) =>
    tau === null
      ? 'undefined, as all plans are predicted alike'
      : `${tau.mean.toFixed(3)} on average, ${tau.least.toFixed(3)} at the least`;
  return (
    `${what} Kendall's tau ${average(kendallTau)}, of pairs that measure further apart than 1 % and their noise ` +
    `(${decided} of ${pairs}); of all pairs tau-b is ${average(tauOfAllPairs)}`
  );
}

/** Figures of errors in one line. */
export function line(what: string, { mape, bias, p95, largest, n }: ErrorStatistics): string {
  const figures = [
    ['MAPE', mape],
    ['bias', bias],
    ['p95', p95],
    ['largest', largest],
  ] as const;
  return `${what}: ${figures.map(([name, value]) => `${name} ${(value * 100).toFixed(2)} %`).join(', ')}, n ${n}`;
}
