import { kindOf } from '../model/program/labels.ts';
import type { Interval, LinkSeries, Timeline } from '../model/program/timeline.ts';

/** Tracks in the order in which a reader wants them; others follow by name. */
const TRACK_ORDER = ['compute', 'waits', 'collective', 'h2d', 'd2h', 'copy', 'stage-in', 'stage-out', 'host'];

type Fields = Record<string, string | number | object>;

/**
 * A timeline as a Chrome trace (JSON object format), which Perfetto opens: one process per rank with one
 * thread per track, link utilisation as counters in GB/s, and an arrow from each chunk to the block that
 * waited for it. A slice has the name of its operation; pass, block, chunk and piece are in its arguments, as `label` and
 * `position`. Times are microseconds with three decimals.
 *
 * Yields the document line by line, without line ends; the same timeline always gives the same lines.
 *
 * @example for (const line of traceEvents(timeline)) file.write(`${line}\n`);
 */
export function* traceEvents(timeline: Timeline): Generator<string> {
  const { source, stepTimeS } = timeline;
  const tracks = new Tracks(timeline.intervals);
  const other = JSON.stringify({ tool: 'chunkflow', source, stepTimeMs: round(stepTimeS * 1e3, 6) });
  yield `{"displayTimeUnit":"ms","otherData":${other},"traceEvents":[`;
  let previous: string | undefined;
  for (const event of events(timeline, tracks)) {
    if (previous !== undefined) yield `${previous},`;
    previous = event;
  }
  if (previous !== undefined) yield previous;
  yield ']}';
}

function* events(timeline: Timeline, tracks: Tracks): Generator<string> {
  yield* processNames(timeline, tracks);
  yield* tracks.names();
  // Slices go first: a viewer binds an arrow to the slice that it already knows at that time.
  for (const [thread, intervals] of tracks.threads) yield* slices(thread, intervals);
  yield* arrows(timeline, tracks);
  for (const link of timeline.links) yield* counter(link, tracks.linkProcess);
}

function* processNames(timeline: Timeline, tracks: Tracks): Generator<string> {
  const processes = tracks.ranks.map((rank) => ({ pid: rank, name: `rank ${rank} (${timeline.source})` }));
  if (timeline.links.length > 0) processes.push({ pid: tracks.linkProcess, name: 'links' });
  for (const { pid, name } of processes) {
    yield JSON.stringify({ ph: 'M', name: 'process_name', pid, args: { name } });
    yield JSON.stringify({ ph: 'M', name: 'process_sort_index', pid, args: { sort_index: pid } });
  }
}

interface Thread {
  pid: number;
  tid: number;
  name: string;
}

interface Slice {
  thread: Thread;
  interval: Interval;
}

/** The intervals by rank and track, with the thread number that each track gets. */
class Tracks {
  readonly threads = new Map<Thread, Interval[]>();
  readonly ranks: readonly number[];
  readonly #byOp = new Map<string, Slice[]>();
  /** Process number of the link counters: the one behind the last rank. */
  readonly linkProcess: number;

  constructor(intervals: readonly Interval[]) {
    this.ranks = [...new Set(intervals.map((interval) => interval.rank))].sort((a, b) => a - b);
    this.linkProcess = Math.max(-1, ...this.ranks) + 1;
    for (const rank of this.ranks) {
      const own = intervals.filter((interval) => interval.rank === rank);
      const names = [...new Set(own.map((interval) => interval.track))].sort(byTrackOrder);
      names.forEach((name, index) => {
        const thread = { pid: rank, tid: index + 1, name };
        const onTrack = own.filter((interval) => interval.track === name).sort(byStart);
        this.threads.set(thread, onTrack);
        for (const interval of onTrack) this.#index({ thread, interval });
      });
    }
  }

  /** Everything that an operation does on a rank; stalls are time without it. */
  slicesOf(rank: number, op: number): readonly Slice[] {
    return this.#byOp.get(`${rank}.${op}`) ?? [];
  }

  /** The first slice of a track at or after a time. */
  firstFrom(rank: number, track: string, timeS: number): Slice | undefined {
    for (const [thread, intervals] of this.threads) {
      if (thread.pid !== rank || thread.name !== track) continue;
      const interval = intervals.find(({ startS }) => nanoseconds(startS) >= nanoseconds(timeS));
      return interval && { thread, interval };
    }
    return undefined;
  }

  #index(slice: Slice): void {
    const { rank, op, category } = slice.interval;
    if (category === 'stall') return;
    const key = `${rank}.${op}`;
    const known = this.#byOp.get(key);
    if (known === undefined) this.#byOp.set(key, [slice]);
    else known.push(slice);
  }

  *names(): Generator<string> {
    for (const { pid, tid, name } of this.threads.keys()) {
      yield JSON.stringify({ ph: 'M', name: 'thread_name', pid, tid, args: { name } });
      yield JSON.stringify({ ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: tid } });
    }
  }
}

/** One track's slices. Viewers require that they do not overlap, so what would becomes an asynchronous pair. */
function* slices(thread: Thread, intervals: readonly Interval[]): Generator<string> {
  const { pid, tid } = thread;
  let busyUntilNs = Number.NEGATIVE_INFINITY;
  for (const [index, interval] of intervals.entries()) {
    const startNs = nanoseconds(interval.startS);
    const endNs = Math.max(startNs, nanoseconds(interval.endS));
    const fields = { name: sliceName(interval), cat: interval.category, pid, tid };
    if (startNs >= busyUntilNs) {
      yield event({ ph: 'X', ...fields, args: details(interval) }, startNs, endNs - startNs);
      busyUntilNs = endNs;
    } else {
      const id = `${pid}.${tid}.${index}`;
      yield event({ ph: 'b', ...fields, id, args: details(interval) }, startNs);
      yield event({ ph: 'e', ...fields, id }, endNs);
    }
  }
}

/** The same for every block and chunk, and for measured and simulated steps, so that a viewer can group slices by it. */
function sliceName({ name, category }: Interval): string {
  return kindOf(name) || category;
}

function details(interval: Interval): Fields {
  const { op, position, bytes, startS, endS } = interval;
  const fields: Fields = { op, position };
  // Says pass, block, chunk and piece.
  if (interval.name !== sliceName(interval)) fields.label = interval.name;
  if (bytes > 0) fields.bytes = bytes;
  if (bytes > 0 && endS > startS) fields['GB/s'] = round(bytes / (endS - startS) / 1e9, 3);
  return fields;
}

/** From the last chunk to the block that waited for it. An arrival without a slice at both ends has nothing to bind to. */
function* arrows({ arrivals }: Timeline, tracks: Tracks): Generator<string> {
  for (const [index, { rank, fromOp, fromS, toOp, toS }] of arrivals.entries()) {
    const from = nearest(tracks.slicesOf(rank, fromOp), ({ interval }) => interval.endS - fromS);
    // The start of a block takes no time itself; what the arrow shows is what it starts.
    const to =
      nearest(tracks.slicesOf(rank, toOp), ({ interval }) => interval.startS - toS) ??
      tracks.firstFrom(rank, 'compute', toS);
    if (from === undefined || to === undefined) continue;
    const fields = { name: 'arrival', cat: 'arrival', id: index + 1 };
    // A slice does not contain its own end, so the arrow leaves one nanosecond before it.
    const leavesNs = Math.max(nanoseconds(from.interval.startS), nanoseconds(from.interval.endS) - 1);
    const landsNs = nanoseconds(to.interval.startS);
    if (landsNs < leavesNs) continue;
    yield event({ ph: 's', ...fields, pid: from.thread.pid, tid: from.thread.tid }, leavesNs);
    yield event({ ph: 'f', bp: 'e', ...fields, pid: to.thread.pid, tid: to.thread.tid }, landsNs);
  }
}

function nearest(slices: readonly Slice[], distanceS: (slice: Slice) => number): Slice | undefined {
  let best: Slice | undefined;
  for (const slice of slices) {
    if (best === undefined || Math.abs(distanceS(slice)) < Math.abs(distanceS(best))) best = slice;
  }
  return best;
}

function* counter(link: LinkSeries, pid: number): Generator<string> {
  const capacity = Number.isFinite(link.capacityBytesPerS)
    ? ` of ${round(link.capacityBytesPerS / 1e9, 1)}`
    : '';
  const name = `${link.name} (GB/s${capacity})`;
  for (const [index, timeS] of link.timeS.entries()) {
    const timeNs = nanoseconds(timeS);
    const next = link.timeS[index + 1];
    // Of several values at one time only the last one holds.
    if (next !== undefined && nanoseconds(next) === timeNs) continue;
    yield event({ ph: 'C', name, pid, args: { 'GB/s': round(link.bytesPerS[index]! / 1e9, 3) } }, timeNs);
  }
}

function event(fields: Fields, startNs: number, durationNs?: number): string {
  const duration = durationNs === undefined ? '' : `,"dur":${microseconds(durationNs)}`;
  return `${JSON.stringify(fields).slice(0, -1)},"ts":${microseconds(startNs)}${duration}}`;
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

/** Whole nanoseconds, so that slices that meet still meet after rounding. */
function nanoseconds(seconds: number): number {
  return Math.round(seconds * 1e9);
}

function microseconds(ns: number): string {
  return (ns / 1e3).toFixed(3);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
