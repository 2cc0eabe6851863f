import type { PlanChoice } from '../../../documents/planChoice.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';

type Point = NonNullable<PlanChoice['front']>[number];

const COLUMNS: readonly Column<Point & { name: string }>[] = [
  { header: 'point', value: ({ name }) => name },
  { header: 'GPU GiB', value: ({ gpuPeakBytes }) => gpuPeakBytes / 2 ** 30, digits: 2 },
  { header: 'step ms', value: ({ stepTimeS }) => stepTimeS * 1e3, digits: 1 },
  { header: 'vs none', value: ({ versusNone }) => versusNone, digits: 3 },
  { header: 'bound ms', value: ({ boundS }) => boundS * 1e3, digits: 1 },
  { header: 'gap %', value: ({ gap }) => 100 * gap, digits: 1 },
  { header: 'plan', value: ({ plan }) => plan },
];

/** What a point of the front is called in tables and in files of plans. */
export function pointName(index: number): string {
  return `front-${index + 1}`;
}

/** The trade of GPU memory for time, a row for each plan that no other beats in both. */
export function frontText(front: readonly Point[], layout: Layout): string {
  const rows = front.map((point, index) => ({ ...point, name: pointName(index) }));
  return `\nThe best plans by the GPU memory that they take:\n\n${formatTable(COLUMNS, rows, layout)}`;
}
