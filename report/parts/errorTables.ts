import type { ErrorStatistics } from '../../studies/heldOut/errorStatistics.ts';
import { type NodeErrorReport, type NodeErrors, nodeBiasLines } from '../../studies/heldOut/errorsByNode.ts';
import type { PlanOrder } from '../../studies/heldOut/planOrder.ts';
import type { ClassErrors } from '../../studies/heldOut/report.ts';
import type { Part, TablePart } from '../report.ts';
import { type Column, percentColumn, tablePart } from './table.ts';

const errorColumns = <Row>(of: (row: Row) => ErrorStatistics): Column<Row>[] => [
  { header: 'n', value: (row) => of(row).n },
  percentColumn('MAPE %', (row) => of(row).mape),
  percentColumn('bias %', (row) => of(row).bias),
  percentColumn('median %', (row) => of(row).median),
  percentColumn('p95 %', (row) => of(row).p95),
  percentColumn('largest %', (row) => of(row).largest),
];

const CLASS: Column<ClassErrors> = { header: 'steps', value: ({ name }) => name };

/** Errors of both roads by class of steps, as `validate` prints them. */
export function classTables(
  { classes, all }: { classes: readonly ClassErrors[]; all: ClassErrors },
  { prefix, command }: { prefix: string; command: string },
): TablePart[] {
  const rows = [...classes, all];
  const simulated: Column<ClassErrors>[] = [
    CLASS,
    ...errorColumns<ClassErrors>((row) => row.simulated),
    percentColumn('within 5 %, %', ({ within5Percent }) => within5Percent),
    percentColumn('in interval %', ({ covered }) => covered),
    percentColumn('noise floor %', ({ noise }) => noise),
  ];
  const closedForm = [CLASS, ...errorColumns<ClassErrors>((row) => row.closedForm)];
  return [
    tablePart(`${prefix}-simulated`, 'Errors of the simulation, by class of steps', simulated, rows, {
      command,
    }),
    tablePart(`${prefix}-closed-form`, 'Errors of the closed form, by class of steps', closedForm, rows, {
      ...{ command, isFolded: true },
    }),
  ];
}

/** Errors of the simulation by node, and what is said of nodes whose steps stand out; nothing for a single one. */
export function nodeParts(errors: NodeErrorReport, command: string): Part[] {
  if (errors.nodes.length < 2) return [];
  const columns: Column<NodeErrors>[] = [
    { header: 'node', value: ({ name }) => name },
    ...errorColumns<NodeErrors>((row) => row.simulated),
    { header: "Kendall's tau", value: ({ kendallTau }) => kendallTau, digits: 3 },
    percentColumn('noise floor %', ({ noise }) => noise),
  ];
  const caption = 'Errors of the simulation, by node';
  return [
    tablePart('errors-by-node', caption, columns, errors.nodes, { command }),
    { kind: 'notes', notes: nodeBiasLines(errors) },
  ];
}

/** Errors of several quantities, a row each; those that were not measured have none. */
export function quantityTable(
  id: string,
  quantities: readonly { what: string; errors: ErrorStatistics | null }[],
  command: string,
): TablePart[] {
  const rows = quantities.flatMap(({ what, errors }) => (errors === null ? [] : [{ what, errors }]));
  if (rows.length === 0) return [];
  const columns: Column<(typeof rows)[number]>[] = [
    { header: 'quantity', value: ({ what }) => what },
    ...errorColumns<(typeof rows)[number]>(({ errors }) => errors),
  ];
  return [tablePart(id, 'Errors of what is predicted beside the step', columns, rows, { command })];
}

/** How well the plans of each workload are ordered. */
export function orderTable(id: string, orders: readonly PlanOrder[], command: string): TablePart {
  const columns: Column<PlanOrder>[] = [
    { header: 'workload', value: ({ cell }) => cell },
    { header: 'pairs right', value: ({ right }) => right },
    { header: 'wrong', value: ({ wrong }) => wrong },
    { header: 'no order', value: ({ withoutOrder }) => withoutOrder },
    { header: "Kendall's tau", value: ({ kendallTau }) => kendallTau, digits: 3 },
    { header: 'tau-b of all pairs', value: ({ tauOfAllPairs }) => tauOfAllPairs, digits: 3 },
  ];
  const caption =
    'Order of the plans of each workload; a pair that measures within 1 %, or within the noise of both, has none';
  return tablePart(id, caption, columns, orders, { command, isFolded: orders.length > 12 });
}
