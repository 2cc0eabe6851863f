import type { LinkSeries, Timeline } from '../../model/program/timeline.ts';
import { type Bar, blockBars, blockTime, TRACK_PX, trackView } from './blockBars.ts';
import { type Chart, name, number } from './chart.ts';
import { SERIES, seriesRole } from './theme.ts';

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
  title: string,
  subtitle: readonly string[],
): Chart {
  const drawn = steps.map(({ plan, timeline }) => {
    const { bars, fromS, toS } = blockBars(timeline, block);
    return {
      plan,
      bars,
      lastsMs: (toS - fromS) * 1e3,
      rates: timeline.links.flatMap((link) => ratesIn(link, fromS, toS)),
    };
  });
  const longestMs = Math.max(...drawn.map(({ lastsMs }) => lastsMs));
  const links = [...new Set(drawn.flatMap(({ rates }) => rates.map(({ link }) => link)))];
  return {
    title,
    subtitle,
    columns: 1,
    groups: drawn.map(({ plan, lastsMs }) => ({
      heading: `${plan}: ${lastsMs.toFixed(2)} ms`,
      views: [
        {
          ...trackView({ and: [{ field: 'plan', equal: plan }, 'isValid(datum.track)'] }, longestMs),
          height: { step: TRACK_PX },
        },
        useView(plan, links, longestMs),
      ],
    })),
    rows: drawn.flatMap(({ plan, bars, rates }) => [
      ...bars.map((bar: Bar) => ({ plan, ...bar })),
      ...rates.map((rate) => ({ plan, ...rate })),
    ]),
    legend: [...new Set([...drawn.flatMap(({ bars }) => bars.map(({ category }) => category)), ...links])],
    resolve: { scale: { color: 'independent' } },
  };
}

/** A link's rate from one change to the next, milliseconds from the block's start. */
interface Rate {
  link: string;
  fromMs: number;
  toMs: number;
  gbPerS: number;
  usePercent: number;
}

/** Rates of a link while the block runs; none of a link without a capacity, or that nothing uses. */
function ratesIn(
  { name: link, capacityBytesPerS, timeS, bytesPerS }: LinkSeries,
  fromS: number,
  toS: number,
): Rate[] {
  if (!Number.isFinite(capacityBytesPerS)) return [];
  const pieces = timeS
    .map((startS, index) => ({
      startS: Math.max(startS, fromS),
      endS: Math.min(timeS[index + 1] ?? toS, toS),
      bytesPerS: bytesPerS[index]!,
    }))
    .filter(({ startS, endS }) => endS > startS);
  const merged = meanOfShort(pieces, SHORTEST * (toS - fromS));
  if (merged.every((piece) => piece.bytesPerS === 0)) return [];
  return merged.map((piece) => ({
    link: linkTitle(link),
    fromMs: (piece.startS - fromS) * 1e3,
    toMs: (piece.endS - fromS) * 1e3,
    gbPerS: piece.bytesPerS / 1e9,
    usePercent: (100 * piece.bytesPerS) / capacityBytesPerS,
  }));
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

/** @example linkTitle('memory memory') // 'host memory' */
function linkTitle(link: string): string {
  return link.replace(/ memory$/, '') === 'memory' ? 'host memory' : link;
}

function useView(plan: string, links: readonly string[], longestMs: number) {
  return {
    height: 110,
    data: { name: 'rows' },
    transform: [{ filter: { and: [{ field: 'plan', equal: plan }, 'isValid(datum.link)'] } }],
    mark: { type: 'line', interpolate: 'step-after', strokeWidth: 1.4 },
    encoding: {
      x: blockTime('fromMs', longestMs),
      y: number('usePercent', 'in use (%)', { scale: { domain: [0, 100] } }),
      color: name('link', null, {
        scale: { domain: [...links], range: links.map((_, index) => seriesRole(index % SERIES)) },
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
