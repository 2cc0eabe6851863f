import {
  type ComparedRecord,
  groupRecords,
  type RecordComparison,
  type RecordGroup,
  refusalCounts,
} from '../../../studies/published/steps/compareRecords.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';

const COLUMNS: readonly Column<ComparedRecord>[] = [
  { header: 'figure', value: ({ record }) => record.id },
  { header: 'card', value: ({ record }) => `${record.gpus} x ${record.card ?? 'open'}` },
  {
    header: 'published s',
    value: ({ published }) => Math.sqrt(published.lowS * published.highS),
    digits: 3,
  },
  { header: 'of', value: ({ published }) => (published.isUpperBound ? 'run / steps' : 'step') },
  { header: 'predicted s', value: ({ prediction }) => prediction.stepS, digits: 3 },
  { header: 'low s', value: ({ prediction }) => prediction.interval?.[0] ?? null, digits: 3 },
  { header: 'high s', value: ({ prediction }) => prediction.interval?.[1] ?? null, digits: 3 },
  { header: 'predicted / published', value: ({ ratio }) => ratio, digits: 2 },
  {
    header: 'of peak %',
    value: ({ peakShare }) => (peakShare === null ? null : peakShare * 100),
    digits: 0,
  },
  { header: 'held', value: ({ isCovered }) => (isCovered === null ? null : isCovered ? 'yes' : 'no') },
];

const GROUP_COLUMNS: readonly Column<RecordGroup>[] = [
  { header: 'by', value: (row) => row.kind },
  { header: 'of', value: (row) => row.name },
  { header: 'figures', value: (row) => row.count },
  { header: 'median ratio', value: (row) => row.medianRatio, digits: 2 },
  { header: 'median |error| %', value: (row) => row.medianAbsoluteError * 100, digits: 1 },
  { header: 'largest %', value: (row) => row.largestAbsoluteError * 100, digits: 1 },
  { header: 'held %', value: (row) => (row.coverage === null ? null : row.coverage * 100), digits: 0 },
  { header: 'high / low', value: (row) => row.medianWidth, digits: 2 },
];

/** Every figure beside its prediction, errors by group, and what could not be predicted by its reason. */
export function publishedStepsText(comparison: RecordComparison, layout: Layout): string {
  const { compared, refused } = comparison;
  const reasons = formatTable(
    [
      { header: 'not predicted', value: ({ reason }) => reason },
      { header: 'figures', value: ({ count }) => count },
    ],
    refusalCounts(comparison),
    layout,
  );
  return [
    `${compared.length} step times that others have published, predicted; ${refused.length} not\n`,
    formatTable(COLUMNS, compared, layout),
    ...(compared.length > 0 ? [formatTable(GROUP_COLUMNS, groupRecords(compared), layout)] : []),
    reasons,
  ].join('\n');
}
