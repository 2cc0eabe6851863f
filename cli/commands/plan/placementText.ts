import type { PlanChoice } from '../../../documents/planChoice.ts';
import { MiB } from '../../../model/input/byteUnits.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';

/** More runs than this are for the plan's file. */
const MOST_ROWS = 16;

type Run = PlanChoice['plan']['blocks'][number];

/** The runs of blocks that are planned alike: how much of each stays, and what of it is copied when. */
export function placementTable({ blocks }: PlanChoice['plan'], layout: Layout): string {
  const starts = blocks.map((_, index) => blocks.slice(0, index).reduce((sum, { times }) => sum + times, 0));
  const rows = blocks.map((run, index) => ({ ...run, first: starts[index]! }));
  const columns: readonly Column<Run & { first: number }>[] = [
    {
      header: 'blocks',
      value: ({ first, times }) => (times === 1 ? `${first}` : `${first} to ${first + times - 1}`),
    },
    { header: 'each MiB', value: (run) => (run.residentBytes + streamedBytes(run)) / MiB, digits: 1 },
    { header: 'stays MiB', value: ({ residentBytes }) => residentBytes / MiB, digits: 1 },
    { header: 'streamed MiB', value: (run) => streamedBytes(run) / MiB, digits: 1 },
    { header: 'ahead', value: (run) => (streamedBytes(run) > 0 ? run.ahead : null) },
    {
      header: 'windows MiB',
      value: ({ windowBytes }) =>
        windowBytes.length > 0 ? windowBytes.map((bytes) => (bytes / MiB).toFixed(1)).join(' / ') : null,
    },
  ];
  const more =
    rows.length > MOST_ROWS ? `and ${rows.length - MOST_ROWS} more runs; --save-plan writes all\n` : '';
  return formatTable(columns, rows.slice(0, MOST_ROWS), layout) + more;
}

function streamedBytes({ windowBytes }: Run): number {
  return windowBytes.reduce((sum, bytes) => sum + bytes, 0);
}
