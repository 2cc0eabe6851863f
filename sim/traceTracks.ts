import { grouped } from '../model/input/grouped.ts';
import type { Interval } from '../model/program/timeline.ts';

/** Tracks in the order in which a reader wants them; others follow by name. */
const TRACK_ORDER = ['compute', 'waits', 'collective', 'h2d', 'd2h', 'copy', 'stage-in', 'stage-out', 'host'];

/** A track of a trace, as its format numbers it. */
export interface Thread {
  pid: number;
  tid: number;
  name: string;
}

/** The tracks of one step: that of the step and its blocks, then those of its streams and copy engines, rank by rank. */
export class Tracks {
  readonly step: Thread;
  readonly threads = new Map<Thread, Interval[]>();
  readonly #byInterval = new Map<Interval, Thread>();

  /**
   * @param firstTid number of the first track, above those of all processes: a viewer takes the track with its process's number for
   * the main thread.
   * @param severalRanks whether a track's name says its rank.
   */
  constructor(pid: number, firstTid: number, intervals: readonly Interval[], severalRanks: boolean) {
    this.step = { pid, tid: firstTid, name: 'step' };
    for (const [rank, ofRank] of [...grouped(intervals, ({ rank }) => rank)].sort(([a], [b]) => a - b)) {
      const byTrack = [...grouped(ofRank, ({ track }) => track)].sort(([a], [b]) => byTrackOrder(a, b));
      for (const [track, ofTrack] of byTrack) {
        const name = severalRanks ? `rank ${rank} ${track}` : track;
        const thread = { pid, tid: firstTid + 1 + this.threads.size, name };
        this.threads.set(thread, ofTrack.sort(byStart));
        for (const interval of ofTrack) this.#byInterval.set(interval, thread);
      }
    }
  }

  /** @throws Error for an interval that is not of this step. */
  threadOf(interval: Interval): Thread {
    const thread = this.#byInterval.get(interval);
    if (thread === undefined) throw new Error(`${interval.name} is no interval of the step`);
    return thread;
  }
}

/** When a block ran. */
export interface BlockSpan {
  position: number;
  /** Pass and block, where the intervals say them; empty otherwise. */
  label: string;
  startS: number;
  endS: number;
}

/** The blocks of rank 0 in the order of their starts; each ends where the next one starts at the latest. */
export function blockSpans(intervals: readonly Interval[]): BlockSpan[] {
  const own = intervals.filter(
    ({ rank, category, position }) =>
      rank === 0 && position >= 0 && (category === 'compute' || category === 'collective'),
  );
  const spans = [...grouped(own, ({ position }) => position)].map(([position, ofBlock]) => ({
    position,
    label: /^(?:pass \d+ )?block \d+/.exec(ofBlock[0]!.name)?.[0] ?? '',
    startS: ofBlock.reduce((least, { startS }) => Math.min(least, startS), Number.POSITIVE_INFINITY),
    endS: ofBlock.reduce((most, { endS }) => Math.max(most, endS), 0),
  }));
  spans.sort((a, b) => a.startS - b.startS);
  return spans.map((span, index) => ({
    ...span,
    endS: Math.min(span.endS, spans[index + 1]?.startS ?? span.endS),
  }));
}

function byTrackOrder(a: string, b: string): number {
  const place = (name: string) => {
    const index = TRACK_ORDER.indexOf(name);
    return index < 0 ? TRACK_ORDER.length : index;
  };
  return place(a) - place(b) || (a < b ? -1 : 1);
}

function byStart(a: Interval, b: Interval): number {
  return a.startS - b.startS || a.endS - b.endS;
}
