import { name } from './chart.ts';
import { SERIES, seriesRole } from './theme.ts';

/** Marks of series, as their colours: in grey print the shape is left. */
const SHAPES = [
  'circle',
  'square',
  'triangle-up',
  'diamond',
  'cross',
  'triangle-down',
  'triangle-right',
  'triangle-left',
] as const;

/** Dashes of lines, as their colours. */
const DASHES = [
  [1, 0],
  [7, 2],
  [3, 2],
  [9, 3, 2, 3],
  [5, 5],
  [2, 4],
  [1, 0],
  [1, 2],
];

/** Plans and transports look alike in every chart, so that one can be read beside another. */
const KNOWN: Readonly<Record<string, number>> = {
  yield: 0,
  layerwise: 1,
  'layerwise-drain': 2,
  chunked: 3,
  'chunkflow-paper': 4,
  none: 6,
  'staged-copy': 0,
  'staged-sm:2': 1,
  'staged-sm:16': 2,
  shm: 3,
  p2p: 5,
  nvlink: 4,
  'one rank': 6,
};

/** Place in the palette of each name: its own where it has one, and what is left for the others, in their order. */
function seriesOf(names: readonly string[]): number[] {
  const own = (of: string) => (Object.hasOwn(KNOWN, of) ? KNOWN[of]! : null);
  const taken = new Set(names.map(own));
  const free = Array.from({ length: SERIES }, (_, index) => index).filter((index) => !taken.has(index));
  const others = names.filter((of) => own(of) === null);
  return names.map((of) => own(of) ?? free[others.indexOf(of) % Math.max(1, free.length)] ?? 0);
}

export function seriesColours(names: readonly string[]) {
  return { domain: [...names], range: seriesOf(names).map(seriesRole) };
}

function seriesShapes(names: readonly string[]) {
  return { domain: [...names], range: seriesOf(names).map((index) => SHAPES[index]!) };
}

export function seriesDashes(names: readonly string[]): number[][] {
  return seriesOf(names).map((index) => DASHES[index]!);
}

/** Colour and shape of the series that a field names; with one title they are one legend. */
export function bySeries(
  field: string,
  title: string | null,
  names: readonly string[],
  legend: object | null = {},
) {
  return {
    color: name(field, title, { scale: seriesColours(names), legend }),
    shape: name(field, title, { scale: seriesShapes(names), legend }),
  };
}
