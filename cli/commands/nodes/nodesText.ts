import type { ComparedKind, NodeComparison, NodeFinding } from '../../../studies/nodes/compareNodes.ts';
import type { ComparedNode, ComparedQuantity } from '../../../studies/nodes/compareReadings.ts';
import { type Layout, toned } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraph } from '../../text/wrap.ts';

/** Each kind's quantities, what its nodes differ in, and which node stands out. */
export function nodesText(comparison: NodeComparison, layout: Layout): string {
  return [
    ...comparison.kinds.map((kind) => kindText(kind, layout)),
    ...(comparison.kinds.length > 1
      ? [
          paragraph(
            `${comparison.kinds.length} kinds of nodes, which are not compared with each other`,
            layout,
          ),
        ]
      : []),
    verdictText(comparison, layout),
  ].join('\n');
}

function kindText({ name, nodes, quantities, differences }: ComparedKind, layout: Layout): string {
  const count = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`;
  return [
    toned(paragraph(`${count} of ${name}: ${nodes.join(', ')}`, layout), 'title', layout),
    ...differences.map((difference) => paragraph(difference, layout)),
    ...(quantities.length > 0 ? [formatTable(COLUMNS, quantities, layout)] : [nothingText(nodes, layout)]),
  ].join('');
}

function nothingText(nodes: readonly string[], layout: Layout): string {
  return paragraph(
    nodes.length === 1
      ? 'nothing to compare it with'
      : 'nothing to compare: no two of them measured the same',
    layout,
  );
}

const percent = (header: string, of: (row: ComparedQuantity) => number | null): Column<ComparedQuantity> => ({
  header,
  value: (row) => {
    const share = of(row);
    return share === null ? null : share * 100;
  },
  digits: 1,
});

const COLUMNS: readonly Column<ComparedQuantity>[] = [
  { header: 'quantity', value: ({ quantity }) => quantity.name },
  { header: 'GPU', value: ({ rank }) => rank },
  { header: 'nodes', value: ({ nodes }) => new Set(nodes.map(({ node }) => node)).size },
  { header: 'median', value: ({ median }) => median, digits: 2 },
  { header: 'unit', value: ({ quantity }) => quantity.unit },
  percent('spread %', ({ spread }) => spread),
  percent('usual %', ({ usual }) => usual),
  percent('noise %', ({ noise }) => noise),
  { header: 'farthest', value: (row) => farthest(row).node },
  percent('off %', (row) => Math.expm1(farthest(row).apart)),
  { header: 'z', value: (row) => farthest(row).z, digits: 1 },
];

function farthest({ nodes }: ComparedQuantity): ComparedNode {
  return nodes.reduce((far, node) => (Math.abs(node.z) > Math.abs(far.z) ? node : far));
}

function verdictText({ findings, falseAlarms, comparisons }: NodeComparison, layout: Layout): string {
  const level = `${(falseAlarms * 100).toFixed(0)} of 100 sound fleets`;
  const why = `${comparisons} comparisons; chance alone would name a node in at most ${level}`;
  if (comparisons + findings.length === 0) return paragraph('nothing was compared', layout);
  if (findings.length === 0) return toned(paragraph(`no node stands out (${why})`, layout), 'best', layout);
  const lines = findings.map((finding) =>
    toned(paragraph(findingText(finding), layout), finding.standing === 'ill' ? 'refused' : null, layout),
  );
  return [...lines, paragraph(why, layout)].join('');
}

/** @example 'ill: node-3, GPU 0000:18:00.0 (rank 1, GPU-5f...): H2D, 2 GPUs at once, 49.3 % below the other nodes: slow (z -22.7, chance ends at 7.1)' */
function findingText({ standing, node, gpu, quantity, direction, apart, statistics }: NodeFinding): string {
  const which =
    gpu === null ? '' : `, GPU ${gpu.pciBus} (rank ${gpu.rank}${gpu.uuid === null ? '' : `, ${gpu.uuid}`})`;
  const head = `${standing}: ${node}${which}: ${quantity}`;
  if (statistics === null) return `${head}, as the driver says: ${direction}`;
  const { z, leastZ } = statistics;
  const far = `${(Math.abs(apart) * 100).toFixed(1)} % ${apart < 0 ? 'below' : 'above'} the other nodes`;
  return `${head}, ${far}: ${direction} (z ${z.toFixed(1)}, chance ends at ${leastZ.toFixed(1)})`;
}
