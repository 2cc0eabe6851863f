import type { ModelList } from '../../../documents/models.ts';
import { formatSize } from '../../../model/dit/tokens.ts';
import { GiB, MiB } from '../../../model/input/byteUnits.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraph } from '../../text/wrap.ts';

type Model = ModelList['models'][number];
type Kind = NonNullable<Model['kinds']>[number];

const KIND_COLUMNS: readonly Column<Kind>[] = [
  { header: 'blocks', value: ({ name }) => name },
  { header: 'so many', value: ({ count }) => count },
  { header: 'each MiB', value: ({ bytes }) => bytes / MiB, digits: 1 },
  { header: 'all GiB', value: ({ bytes, count }) => (count * bytes) / GiB, digits: 2 },
  { header: 'collectives', value: ({ exchanges }) => exchanges },
];

const SEGMENT_COLUMNS: readonly Column<{ kind: string; segment: Kind['segments'][number] }>[] = [
  { header: 'blocks', value: ({ kind }) => kind },
  { header: 'segment', value: ({ segment }) => segment.name },
  { header: 'does', value: ({ segment }) => segment.does },
  { header: 'weights MiB', value: ({ segment }) => segment.bytes / MiB, digits: 1 },
];

/** One model: its sizes in sentences, its kinds of blocks, and what each of these does in order. */
export function modelText(model: Model, kinds: readonly Kind[], layout: Layout): string {
  const { name, modality, parameters, weightBytes, experts, blocks, hidden, heads, evaluations, reference } =
    model;
  const ofExperts = experts > 1 ? ` in ${experts} experts` : '';
  const lines = [
    `${name} (${model.id}): ${(parameters / 1e9).toFixed(2)} G parameters in ${(weightBytes / GiB).toFixed(1)} GiB${ofExperts}, ${blocks} blocks a pass`,
    `makes ${modality}, usually ${formatSize(reference)} (${reference.tokens.toLocaleString('en-US')} tokens) by ${evaluations} evaluation${evaluations === 1 ? '' : 's'} a step; ${hidden.toLocaleString('en-US')} wide, ${heads} heads, which SP x TP divide`,
    ...(model.assumptions ?? []).map((assumption) => `assumed: ${assumption}`),
  ];
  const segments = kinds.flatMap((kind) => kind.segments.map((segment) => ({ kind: kind.name, segment })));
  return [
    ...lines.map((line) => paragraph(line, layout)),
    `\n${formatTable(KIND_COLUMNS, kinds, layout)}`,
    `\nWhat a block does, in order:\n\n${formatTable(SEGMENT_COLUMNS, segments, layout)}`,
  ].join('');
}
