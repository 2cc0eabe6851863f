import type { LinkSeries, Timeline } from '../../model/program/timeline.ts';
import { type Bar, blockBars, blockTime, categoriesOf, TRACK_PX, trackView } from './blockBars.ts';
import { type Chart, name, number } from './chart.ts';
import { seriesRole } from './theme.ts';

/** Changes of a rate that last shorter than this share of the block are gaps between chunks: their mean is shown. */
const SHORTEST = 2e-3;

/** A simulated step of a plan. */
export interface SimulatedStep {
  plan: string;
  timeline: Timeline;
}

/**
 * One block of simulated steps on one time axis, rank 0: what each stream and engine does, and below it how much of each link and of
 * host memory is in use.
 *
 * @param block position in the step.
 * @throws UserError where a step has no such block.
 */
export function blockChart(
  steps: readonly SimulatedStep[],
  block: number,
  nodes: LinkNodes,
  title: string,
  subtitle: readonly string[],
): Chart {
  const drawn = steps.map(({ plan, timeline }) => {
    const { bars, fromS, toS } = blockBars(timeline, block);
    return {
      plan,
      bars,
      lastsMs: (toS - fromS) * 1e3,
      rates: timeline.links.flatMap((link) => ratesIn(link, nodes, fromS, toS)),
    };
  });
  const longestMs = Math.max(...drawn.map(({ lastsMs }) => lastsMs));
  const rates = drawn.flatMap((one) => one.rates);
  const namesOf = (of: Rate['of']) => [
    ...new Set(rates.flatMap((rate) => (rate.of === of ? [rate.link] : []))),
  ];
  const uses = (['link', 'host'] as const)
    .map((of) => ({ of, links: namesOf(of) }))
    .filter(({ links }) => links.length > 0);
  const categories = categoriesOf(drawn.flatMap(({ bars }) => bars));
  return {
    title,
    subtitle,
    columns: 1,
    groups: drawn.map(({ plan, lastsMs }) => ({
      heading: `${plan}: ${lastsMs.toFixed(2)} ms`,
      views: [
        {
          ...trackView(
            { and: [{ field: 'plan', equal: plan }, 'isValid(datum.track)'] },
            { longestMs, isLowest: uses.length === 0, categories },
          ),
          height: { step: TRACK_PX },
        },
        ...uses.map((use, index) => useView(plan, use, longestMs, index === uses.length - 1)),
      ],
      resolve: { scale: { color: 'independent' } },
    })),
    rows: drawn.flatMap(({ plan, bars, rates }) => [
      ...bars.map((bar: Bar) => ({ plan, ...bar })),
      ...rates.map((rate) => ({ plan, ...rate })),
    ]),
    legend: [...categories, ...uses.flatMap(({ links }) => links)],
    resolve: { scale: { color: 'independent' } },
  };
}

/** Nodes of the machine's tree that rank 0's bytes pass. */
export interface LinkNodes {
  links: readonly string[];
  memory: string;
}

/** A rate from one change to the next, milliseconds from the block's start. */
interface Rate {
  of: 'link' | 'host';
  link: string;
  fromMs: number;
  toMs: number;
  gbPerS: number;
  usePercent: number;
}

/** How a series of a timeline's links is shown; null for one that rank 0's bytes do not pass. @example 'gpu0 down' of gpu0 */
function shownLink(series: string, { links, memory }: LinkNodes): Pick<Rate, 'of' | 'link'> | null {
  if (series.startsWith(`${memory} `)) return { of: 'host', link: 'host memory' };
  const node = links.find((id) => series.startsWith(`${id} `));
  if (node === undefined) return null;
  const direction = series.slice(node.length + 1);
  return { of: 'link', link: `${node} ${DIRECTIONS[direction] ?? direction}` };
}

const DIRECTIONS: Readonly<Record<string, string>> = {
  down: 'down (H2D)',
  up: 'up (D2H)',
  duplex: 'both ways together',
};

/** Rates of a link while the block runs; none of a link without a capacity, or that nothing uses. */
function ratesIn(series: LinkSeries, nodes: LinkNodes, fromS: number, toS: number): Rate[] {
  const { capacityBytesPerS, timeS, bytesPerS } = series;
  const shown = shownLink(series.name, nodes);
  if (shown === null || !Number.isFinite(capacityBytesPerS)) return [];
  const pieces = timeS
    .map((startS, index) => ({
      startS: Math.max(startS, fromS),
      endS: Math.min(timeS[index + 1] ?? toS, toS),
      bytesPerS: bytesPerS[index]!,
    }))
    .filter(({ startS, endS }) => endS > startS);
  const merged = meanOfShort(pieces, SHORTEST * (toS - fromS));
  if (merged.every((piece) => piece.bytesPerS === 0)) return [];
  const rate = (startS: number, piece: Piece) => ({
    ...shown,
    fromMs: (startS - fromS) * 1e3,
    toMs: (piece.endS - fromS) * 1e3,
    gbPerS: piece.bytesPerS / 1e9,
    usePercent: (100 * piece.bytesPerS) / capacityBytesPerS,
  });
  const last = merged.at(-1)!;
  // A line of steps ends where its last point is.
  return [...merged.map((piece) => rate(piece.startS, piece)), rate(last.endS, last)];
}

interface Piece {
  startS: number;
  endS: number;
  bytesPerS: number;
}

/** Pieces that are no shorter than some time: shorter ones are put together with what follows, and carry as many bytes. */
function meanOfShort(pieces: readonly Piece[], shortestS: number): Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (last === undefined || last.endS - last.startS >= shortestS) {
      merged.push({ ...piece });
      continue;
    }
    const bytes = last.bytesPerS * (last.endS - last.startS) + piece.bytesPerS * (piece.endS - piece.startS);
    last.bytesPerS = bytes / (piece.endS - last.startS);
    last.endS = piece.endS;
  }
  return merged;
}

/** Series of one picture: rank 0's links, or its host memory. */
interface LinkUse {
  of: Rate['of'];
  links: readonly string[];
}

function useView(plan: string, { of, links }: LinkUse, longestMs: number, isLowest: boolean) {
  return {
    height: of === 'link' ? 100 : 60,
    data: { name: 'rows' },
    transform: [
      {
        filter: {
          and: [
            { field: 'plan', equal: plan },
            { field: 'of', equal: of },
          ],
        },
      },
    ],
    mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.4 },
    encoding: {
      x: blockTime('fromMs', longestMs, isLowest),
      y: number('usePercent', 'in use (%)', { scale: { domain: [0, 100] }, axis: { tickCount: 3 } }),
      color: name('link', null, {
        scale: { domain: [...links], range: links.map((_, index) => seriesRole(of === 'link' ? index : 7)) },
      }),
      tooltip: [
        name('link', 'link'),
        number('fromMs', 'from (ms)', { format: '.3f' }),
        number('toMs', 'to (ms)', { format: '.3f' }),
        number('gbPerS', 'rate (GB/s)', { format: '.1f' }),
        number('usePercent', 'in use (%)', { format: '.0f' }),
      ],
    },
  };
}
