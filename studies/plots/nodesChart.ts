import { UserError } from '../../model/input/userError.ts';
import type { ComparedKind, NodeComparison, NodeFinding } from '../nodes/compareNodes.ts';
import type { ComparedQuantity } from '../nodes/compareReadings.ts';
import { type Chart, type Group, name, number } from './chart.ts';
import { role, seriesRole } from './theme.ts';

const STANDINGS = ['sound', 'stands out', 'differs', 'ill'] as const;
/** A node farther off than this lies on the edge of the picture, and its tooltip says how far. */
const MOST_PERCENT = 60;
const LEAST_PERCENT = 6;
const STRIP_PX = 20;

/**
 * Nodes of one kind beside each other: a line for each quantity with a point for each node, as far from the others' median as it is; a
 * grey bar goes as far as sound nodes usually lie apart, to both sides twice its standard deviation. Nodes that stand out are named.
 *
 * @param places that the nodes were read from, for messages.
 */
export function nodesChart({ kinds, findings, ...level }: NodeComparison, places: readonly string[]): Chart {
  const compared = kinds.filter(({ quantities }) => quantities.length > 0);
  if (compared.length === 0)
    throw new UserError(
      `${places.join(', ')}: no two nodes of one kind measured the same; give calibrations or datasets of several`,
    );
  const rows = compared.flatMap((kind) => kind.quantities.flatMap((of) => quantityRows(kind, of, findings)));
  const widest =
    1.06 *
    Math.max(
      LEAST_PERCENT,
      ...rows.map(({ shownPercent, usualPercent }) => Math.max(Math.abs(shownPercent), usualPercent)),
    );
  const shown = STANDINGS.filter((standing) => rows.some((row) => row.standing === standing));
  return {
    title: `${new Set(rows.map(({ node }) => node)).size} nodes, compared with the others of their kind`,
    subtitle: [
      `${level.comparisons} comparisons; chance alone would name a node in at most ${level.falseAlarms * 100} of 100 sound fleets`,
    ],
    columns: 1,
    groups: compared.map((kind) => panel(kind, widest, shown)),
    rows,
    guides: { middle: [{ off: 0 }] },
    legend: shown,
  };
}

function lineOf({ quantity, rank }: ComparedQuantity): string {
  return rank === null ? quantity.name : `${quantity.name}, GPU ${rank}`;
}

function quantityRows(
  { name: kind }: ComparedKind,
  compared: ComparedQuantity,
  findings: readonly NodeFinding[],
) {
  const { quantity, nodes, usual } = compared;
  return nodes.map(({ node, gpu, value, apart, z, noise }) => {
    const offPercent = Math.expm1(apart) * 100;
    const found = findings.find(
      (finding) =>
        finding.node === node && finding.quantity === quantity.name && finding.gpu?.pciBus === gpu?.pciBus,
    );
    const standing = found?.standing ?? 'sound';
    return {
      ...{
        kind,
        line: lineOf(compared),
        node,
        gpu: gpu?.pciBus ?? '',
        value,
        unit: quantity.unit,
        z,
        standing,
      },
      ...{ offPercent, noisePercent: noise === null ? null : noise * 100 },
      shownPercent: Math.max(-MOST_PERCENT, Math.min(MOST_PERCENT, offPercent)),
      usualPercent: 200 * usual,
      label: found === undefined ? '' : node,
    };
  });
}

function panel(kind: ComparedKind, widest: number, shown: readonly string[]): Group {
  const scale = { domain: [-widest, widest], nice: false };
  const off = (field: string) => number(field, "off the other nodes' median (%)", { scale });
  const y = name('line', null, { sort: kind.quantities.map(lineOf) });
  const own = { data: { name: 'rows' }, transform: [{ filter: { field: 'kind', equal: kind.name } }] };
  const usual = {
    ...own,
    transform: [...own.transform, { calculate: '-datum.usualPercent', as: 'lowPercent' }],
  };
  const palette: Record<(typeof STANDINGS)[number], string> = {
    ...{ sound: seriesRole(0), 'stands out': seriesRole(2), differs: seriesRole(3), ill: seriesRole(1) },
  };
  const colours = {
    domain: shown,
    range: shown.map((standing) => palette[standing as keyof typeof palette]),
  };
  return {
    heading: `${kind.nodes.length} nodes of ${kind.name}`,
    views: [
      {
        height: { step: STRIP_PX },
        layer: [
          {
            ...usual,
            mark: { type: 'bar', size: 12, color: role('band') },
            encoding: { x: off('lowPercent'), x2: { field: 'usualPercent' }, y },
          },
          {
            data: { name: 'middle' },
            mark: { type: 'rule', color: role('line'), strokeWidth: 0.8 },
            encoding: { x: off('off') },
          },
          {
            ...own,
            mark: { type: 'point', size: 30, strokeWidth: 1.3, opacity: 0.9 },
            encoding: {
              x: off('shownPercent'),
              y,
              color: name('standing', 'node', { scale: colours }),
              shape: name('standing', 'node', {
                scale: {
                  domain: shown,
                  range: shown.map((standing) => SHAPES[standing as keyof typeof SHAPES]),
                },
              }),
              tooltip: TOOLTIP,
            },
          },
          {
            ...own,
            mark: { type: 'text', align: 'left', dx: 7, fontSize: 10 },
            encoding: { x: off('shownPercent'), y, text: { field: 'label', type: 'nominal' } },
          },
        ],
      },
    ],
  };
}

const SHAPES = { sound: 'circle', 'stands out': 'diamond', differs: 'triangle-up', ill: 'square' } as const;

const TOOLTIP = [
  ...[name('node', 'node'), name('gpu', 'GPU'), name('line', 'quantity')],
  number('value', 'measured', { format: '.4~g' }),
  name('unit', 'unit'),
  number('offPercent', 'off (%)', { format: '+.1f' }),
  number('noisePercent', 'noise within it (%)', { format: '.1f' }),
  number('z', 'z', { format: '+.1f' }),
];
