import type { Op, StepProgram } from './stepProgram.ts';
import type { Interval } from './timeline.ts';

/** Gaps shorter than this lie between any two kernels; the clock of a GPU's events ticks in half microseconds. */
const SHORTEST_WAIT_S = 1e-6;

/**
 * Time in which a block's first kernel, or a collective that drains the copy stream, waited for its last chunk of weights: from the
 * end of the kernel or collective before it, since the chunk came later than that. A measurement records the chunk and the kernel;
 * the wait between them follows.
 *
 * @param intervals with collectives in one piece.
 * @param program that the intervals are of; its operations of rank 0 are every rank's.
 */
export function weightWaits(intervals: readonly Interval[], program: StepProgram): Interval[] {
  const waiting = program.ops.filter(
    (op) => op.rank === 0 && op.stream !== 'copy' && chunksOf(op, program).length > 0,
  );
  const ranks = [...new Set(intervals.map(({ rank }) => rank))];
  return ranks.flatMap((rank) => {
    const own = intervals.filter((interval) => interval.rank === rank);
    const busy = own.filter(({ category }) => category === 'compute' || category === 'collective');
    busy.sort((a, b) => a.startS - b.startS);
    const landedS = endsByOperation(own);
    return waiting.flatMap((op) => {
      const waiter = busy.find((interval) => isStartOf(interval, op, program));
      if (waiter === undefined) return [];
      // Clocks differ by a tick: what ends just behind the waiter's start was before it all the same; later ones are the next step's.
      const ends = chunksOf(op, program).flatMap((id) => landedS.get(id) ?? []);
      const chunkEndS = Math.max(0, ...ends.filter((endS) => endS <= waiter.startS + SHORTEST_WAIT_S));
      const readyS = Math.min(waiter.startS, lastEndBefore(waiter, busy));
      if (chunkEndS <= readyS || waiter.startS - readyS < SHORTEST_WAIT_S) return [];
      const name = `${op.label}: waits for weights`;
      const wait = { name, category: 'stall' as const, track: 'waits', bytes: 0, op: op.id };
      return [{ ...wait, rank, position: op.position, startS: readyS, endS: waiter.startS }];
    });
  });
}

/** Prefetch that an operation waits for, of this step or of the one before, whose last chunks may lie in this one. */
function chunksOf({ waits }: Op, { ops }: StepProgram): number[] {
  return waits.flatMap(({ op: id }) => {
    const op = ops[id]!;
    return op.kind === 'copy' && op.role === 'prefetch' ? [id] : [];
  });
}

/** Whether an interval is what begins with an operation: marks take no time themselves. */
function isStartOf(interval: Interval, op: Op, { ops }: StepProgram): boolean {
  if (op.kind !== 'mark') return interval.op === op.id;
  if (op.role === 'block-start') return interval.category === 'compute' && interval.position === op.position;
  const of = ops[interval.op];
  return op.role === 'collective-begin' && of?.kind === 'mark' && of.group === op.group;
}

function endsByOperation(intervals: readonly Interval[]): Map<number, number[]> {
  const ends = new Map<number, number[]>();
  for (const { op, endS } of intervals) {
    const known = ends.get(op);
    if (known === undefined) ends.set(op, [endS]);
    else known.push(endS);
  }
  return ends;
}

function lastEndBefore(waiter: Interval, busy: readonly Interval[]): number {
  let lastS = 0;
  for (const interval of busy) {
    if (interval.startS >= waiter.startS) return lastS;
    lastS = Math.max(lastS, interval.endS);
  }
  return lastS;
}
