import { copyRates } from '../model/program/copyRates.ts';
import { kindOf } from '../model/program/labels.ts';
import type { Interval, LinkSeries, Timeline } from '../model/program/timeline.ts';
import { blockSpans, type Thread, Tracks } from './traceTracks.ts';

/** A step as one process of a trace. */
export interface TracedStep {
  /** Such as `simulated: h200-x2, yield`. */
  name: string;
  timeline: Timeline;
}

type Fields = Record<string, string | number | object>;

/**
 * Steps as a Chrome trace (JSON object format), which Perfetto opens: one process per step, all from the moment their step starts.
 *
 * A process has a track `step` with the step and its blocks, and one track per rank and stream or copy engine; counters in GB/s of
 * what copy engines moved, and of each simulated link; a flow from each chunk to the first kernel of the block that waited for it.
 * A slice has the name of its operation, the same in simulated and measured steps; pass, block, chunk and piece are in its arguments, as
 * `label` and `position`. Times are microseconds with three decimals.
 *
 * Yields the document line by line, without line ends; the same steps always give the same lines.
 *
 * @example for (const line of traceEvents([{ name: 'simulated', timeline }])) file.write(`${line}\n`);
 */
export function* traceEvents(steps: readonly TracedStep[]): Generator<string> {
  const other = JSON.stringify({
    tool: 'chunkflow',
    steps: steps.map(({ name, timeline }) => ({ name, stepTimeMs: round(timeline.stepTimeS * 1e3, 6) })),
  });
  yield `{"displayTimeUnit":"ms","otherData":${other},"traceEvents":[`;
  let previous: string | undefined;
  for (const event of events(steps)) {
    if (previous !== undefined) yield `${previous},`;
    previous = event;
  }
  if (previous !== undefined) yield previous;
  yield ']}';
}

function* events(steps: readonly TracedStep[]): Generator<string> {
  const ranks = new Set(steps.flatMap(({ timeline }) => timeline.intervals.map(({ rank }) => rank)));
  let flow = 0;
  for (const [index, { name, timeline }] of steps.entries()) {
    // Perfetto keeps process 0 for the idle one.
    const pid = index + 1;
    const tracks = new Tracks(pid, steps.length + 1, timeline.intervals, ranks.size > 1);
    yield JSON.stringify({ ph: 'M', name: 'process_name', pid, args: { name } });
    yield JSON.stringify({ ph: 'M', name: 'process_sort_index', pid, args: { sort_index: pid } });
    yield* trackNames(tracks);
    // Slices go first: a viewer binds a flow to the slice that it already knows at that time.
    yield* stepSlices(tracks.step, timeline);
    for (const [thread, intervals] of tracks.threads) yield* slices(thread, intervals);
    for (const arrival of timeline.arrivals) {
      flow += 1;
      yield* arrow(flow, tracks.threadOf(arrival.chunk), tracks.threadOf(arrival.block), arrival);
    }
    for (const series of copyRates(timeline.intervals)) yield* counter(series.name, series, pid);
    for (const link of timeline.links) yield* counter(linkName(link), link, pid);
  }
}

function* trackNames(tracks: Tracks): Generator<string> {
  for (const { pid, tid, name } of [tracks.step, ...tracks.threads.keys()]) {
    yield JSON.stringify({ ph: 'M', name: 'thread_name', pid, tid, args: { name } });
    yield JSON.stringify({ ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: tid } });
  }
}

/** The step, and in it its blocks on rank 0: from the start of the first kernel to the end of the last, collectives included. */
function* stepSlices(thread: Thread, { stepTimeS, intervals }: Timeline): Generator<string> {
  const stepNs = nanoseconds(stepTimeS);
  const fields = { cat: 'step', pid: thread.pid, tid: thread.tid };
  yield event({ ph: 'X', name: 'step', ...fields }, 0, stepNs);
  for (const { position, label, startS, endS } of blockSpans(intervals)) {
    const startNs = nanoseconds(startS);
    const endNs = Math.max(startNs, Math.min(nanoseconds(endS), stepNs));
    const args = { position, ...(label !== '' && { label }) };
    yield event({ ph: 'X', name: 'block', ...fields, args }, startNs, endNs - startNs);
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

/** From a chunk to the block that waited for it. */
function* arrow(
  id: number,
  from: Thread,
  to: Thread,
  { chunk, block }: Timeline['arrivals'][number],
): Generator<string> {
  const fields = { name: 'arrival', cat: 'arrival', id };
  // A slice does not contain its own end, so the arrow leaves one nanosecond before it.
  const leavesNs = Math.max(nanoseconds(chunk.startS), nanoseconds(chunk.endS) - 1);
  const landsNs = nanoseconds(block.startS);
  // No viewer draws back in time: a chunk that came too late has no arrow, and its block's output is wrong.
  if (landsNs < leavesNs) return;
  yield event({ ph: 's', ...fields, pid: from.pid, tid: from.tid }, leavesNs);
  yield event({ ph: 'f', bp: 'e', ...fields, pid: to.pid, tid: to.tid }, landsNs);
}

function linkName({ name, capacityBytesPerS }: LinkSeries): string {
  const capacity = Number.isFinite(capacityBytesPerS) ? ` of ${round(capacityBytesPerS / 1e9, 1)}` : '';
  return `link ${name}${capacity}`;
}

/** Viewers put the unit, which is the argument's name, behind the counter's. */
function* counter(name: string, { timeS, bytesPerS }: LinkSeries, pid: number): Generator<string> {
  for (const [index, time] of timeS.entries()) {
    const timeNs = nanoseconds(time);
    const next = timeS[index + 1];
    // Of several values at one time only the last one holds.
    if (next !== undefined && nanoseconds(next) === timeNs) continue;
    yield event({ ph: 'C', name, pid, args: { 'GB/s': round(bytesPerS[index]! / 1e9, 3) } }, timeNs);
  }
}

function event(fields: Fields, startNs: number, durationNs?: number): string {
  const duration = durationNs === undefined ? '' : `,"dur":${microseconds(durationNs)}`;
  return `${JSON.stringify(fields).slice(0, -1)},"ts":${microseconds(startNs)}${duration}}`;
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
