import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBlocks } from '../../../model/dit/depth.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { kindOf } from '../../../model/program/labels.ts';
import { lower } from '../../../model/program/lower.ts';
import { likeSimulated } from '../../../model/program/measuredTimeline.ts';
import type { CopyOp, MarkOp, Op, StepProgram } from '../../../model/program/stepProgram.ts';
import type { Interval, Timeline } from '../../../model/program/timeline.ts';
import { segmentTotals } from '../../../model/program/timelineTotals.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { simulate } from '../../../sim/simulate.ts';
import { readTimelineWithPlaces } from '../../../studies/dataset/timelineRecord.ts';
import { stepTimelines } from '../../../studies/grid/stepTimelines.ts';

const test = suite('measured steps like simulated ones');

interface Simulated {
  timeline: Timeline;
  program: StepProgram;
}

function simulated(model: string, machine: string, ranks: number, size: string, plan: string): Simulated {
  const workload = bindWorkload(withBlocks(loadDit(model), 4), {
    ...{ size: parseSize(size), batch: 1, sp: ranks, tp: 1 },
  });
  const system = loadSystem(machine);
  const made = makePlan(plan, workload, system);
  return {
    timeline: simulate(workload, system, made, { timeline: true, breakEven: false }).timeline!,
    program: lower(workload, system, made),
  };
}

/**
 * What programs record of rank 0: kernels and collectives, staged ones as two marks, and copies by the first operation of their
 * statement, chunk by chunk. A chunk that the step's end cuts is recorded whole, where its step issued it.
 */
function asRecorded({ timeline, program }: Simulated): Timeline {
  const own = timeline.intervals.filter(({ rank, category }) => rank === 0 && category !== 'stall');
  const firstOf = new Map<string, number>();
  const intervals = own.flatMap((interval): Interval[] => {
    const op = program.ops[interval.op]!;
    const name = kindOf(interval.name);
    if (op.kind === 'compute' || op.kind === 'collective') return [{ ...interval, name }];
    if (op.kind === 'mark') {
      const begin = program.ops.find((other) => isBeginOf(other, op))!;
      return [
        { ...interval, name: `${name} begins`, op: begin.id, endS: interval.startS },
        { ...interval, name: `${name} ends`, startS: interval.endS },
      ];
    }
    if (op.kind === 'delay') return op.role === 'reduce' ? [{ ...interval, name }] : [];
    if (op.role === 'prefetch') return [];
    const statement = `${op.group} ${op.direction} ${op.phase}`;
    if (!firstOf.has(statement)) firstOf.set(statement, op.id);
    return [{ ...interval, name, op: firstOf.get(statement)!, bytes: 1 }];
  });
  const chunks = program.ops.flatMap((op) => {
    if (op.kind !== 'copy' || op.role !== 'prefetch' || op.rank !== 0) return [];
    const kernels = own.filter(
      ({ category, position }) => category === 'compute' && position === op.target!.position,
    );
    const firstKernelS = Math.min(...kernels.map(({ startS }) => startS));
    const parts = own.filter((interval) => interval.op === op.id);
    return wholeChunks(op, parts, timeline.stepTimeS, firstKernelS);
  });
  return {
    source: 'recorded',
    stepTimeS: timeline.stepTimeS,
    intervals: [...intervals, ...chunks],
    links: [],
    arrivals: [],
  };
}

function isBeginOf(other: Op, end: MarkOp): boolean {
  return (
    other.kind === 'mark' &&
    other.role === 'collective-begin' &&
    other.group === end.group &&
    other.rank === 0
  );
}

/** Puts the time slices of each chunk together; what a simulated step begins with is the end of a chunk that it ends with. */
function wholeChunks(
  op: CopyOp,
  parts: readonly Interval[],
  stepTimeS: number,
  firstKernelS: number,
): Interval[] {
  const isHead = ({ endS }: Interval) => op.target!.stepsAhead === 1 && endS <= firstKernelS;
  const inOrder = [
    ...parts.filter((part) => !isHead(part)),
    ...parts.filter(isHead).map((part) => ({
      ...part,
      startS: stepTimeS + part.startS,
      endS: stepTimeS + part.endS,
    })),
  ];
  const chunks: Interval[] = [];
  let moved = 0;
  for (const part of inOrder) {
    // Shares of a cut chunk are rounded to bytes.
    const begins = moved % op.chunkBytes < 2 || op.chunkBytes - (moved % op.chunkBytes) < 2;
    if (begins) chunks.push({ ...part, name: 'prefetch', position: op.position, bytes: 1 });
    else chunks[chunks.length - 1]!.endS = part.endS;
    moved += part.bytes;
  }
  return chunks;
}

const CASES: [model: string, machine: string, ranks: number, size: string, plan: string][] = [
  ['wan2.1-t2v-14b', 'h100-pcie-x2', 2, '832x480x17', 'layerwise'],
  ['wan2.1-t2v-14b', 'h100-pcie-x2', 2, '832x480x17', 'layerwise-drain'],
  ['wan2.1-t2v-14b', 'h100-sxm-x1', 1, '832x480x17', 'yield'],
  ['flux.1-dev', 'rtx5090-x2', 2, '1024x1024', 'yield'],
  ['flux.1-dev', 'h200-x2', 2, '1024x1024', 'layerwise,transport=staged-copy'],
  ['flux.1-dev', 'h200-x2', 2, '1024x1024', 'none'],
];
for (const [model, machine, ranks, size, plan] of CASES) {
  test(`${model} on ${machine}, ${plan}: what is not recorded follows from what is`, () => {
    const given = simulated(model, machine, ranks, size, plan);
    const back = likeSimulated(asRecorded(given), given.program);
    const own = given.timeline.intervals.filter(({ rank, op, category, startS }) => {
      const { kind, role } = given.program.ops[op] as { kind: string; role?: string };
      // What a step begins with waiting for is recorded in the step before.
      const isFirstWait = category === 'stall' && startS === 0;
      return rank === 0 && !isFirstWait && (category === 'stall' || kind !== 'delay' || role === 'reduce');
    });
    assert.equal(rowsOf(back.intervals), rowsOf(own));
    assert.equal(prefetched(back.intervals), prefetchedBy(given.program));
    assert.equal(landed(back.arrivals, given.program), landed(given.timeline.arrivals, given.program));
    assert.is(back.arrivals.length > 0, plan !== 'none');
  });
}

/** Everything but prefetch, whose chunks a simulated step cuts. */
function rowsOf(intervals: readonly Interval[]): string[] {
  return intervals
    .filter(({ category }) => category !== 'prefetch')
    .map(({ track, category, name, op, position, startS, endS, bytes }) => {
      const moved = category === 'staging' ? bytes : '';
      return [track, category, kindOf(name), op, position, startS, endS, moved].join(' ');
    })
    .sort();
}

/** Bytes by operation and block. */
function prefetched(intervals: readonly Interval[]): Record<string, number> {
  const bytes: Record<string, number> = {};
  for (const { category, op, position, bytes: own } of intervals)
    if (category === 'prefetch') bytes[`${op} ${position}`] = (bytes[`${op} ${position}`] ?? 0) + own;
  return bytes;
}

function prefetchedBy({ ops }: StepProgram): Record<string, number> {
  return Object.fromEntries(
    ops.flatMap((op) =>
      op.kind === 'copy' && op.role === 'prefetch' && op.rank === 0
        ? [[`${op.id} ${op.target!.position}`, op.bytes]]
        : [],
    ),
  );
}

/** By block: when its last chunk landed, where that was issued in the step. */
function landed(arrivals: Timeline['arrivals'], { ops }: StepProgram): Record<string, number> {
  const last: Record<string, number> = {};
  for (const { chunk, block } of arrivals)
    if (chunk.rank === 0 && (ops[chunk.op] as CopyOp).target!.stepsAhead === 0)
      last[block.op] = Math.max(last[block.op] ?? 0, chunk.endS);
  return last;
}

const FOLDER = join(packageRoot, 'experiments', 'h200-steps');
for (const plan of ['layerwise', 'yield']) {
  test(`a committed step, ${plan}: every kind of slice that was measured is simulated, under the same name`, () => {
    const { record, place } = readTimelineWithPlaces(join(FOLDER, `timeline-${plan}.json`));
    const { measured, simulated, blocks } = stepTimelines(record, place, 'h200-x1-fitted');
    assert.is(blocks, 4);
    const names = (timeline: Timeline) =>
      segmentTotals(timeline)
        .filter(({ category }) => category !== 'host')
        .map(({ category, name, count }) => `${category} ${name} ${count}`);
    assert.equal(names(measured), names(simulated));
    // The chunks of a step are its streamed bytes, in both.
    const bytes = ({ intervals }: Timeline) =>
      intervals.reduce((sum, { category, bytes: own }) => sum + (category === 'prefetch' ? own : 0), 0);
    assert.is(bytes(measured), bytes(simulated));
    assert.ok(measured.arrivals.length > 0);
    assert.is(measured.arrivals.length, simulated.arrivals.length);
  });
}

const { record, place } = readTimelineWithPlaces(join(FOLDER, 'timeline-layerwise.json'));
const WRONG: [string, (intervals: Interval[]) => Interval[], RegExp][] = [
  [
    'of another program',
    ([first, ...rest]) => [{ ...first!, op: 90 }, ...rest],
    /timeline-layerwise\.json:1:\d+: timeline\.intervals\.0: `.*` at position 0 is not operation 90 of the program that this plan lowers to; measure it anew/,
  ],
  [
    'with an operation that no program has',
    ([first, ...rest]) => [{ ...first!, op: 10_000 }, ...rest],
    /is not operation 10000 of the program/,
  ],
  [
    'with a chunk too many',
    (intervals) => [...intervals, intervals.find(({ category }) => category === 'prefetch')!],
    /timeline\.intervals\.\d+: `prefetch.*` has 2 chunks, those of the program that this plan lowers to 1; measure it anew/,
  ],
];
for (const [what, changed, message] of WRONG) {
  test(`a step ${what} is refused by its place`, () => {
    const { timeline } = record;
    const wrong = { ...record, timeline: { ...timeline, intervals: changed(timeline.intervals) } };
    assert.throws(() => stepTimelines(wrong, place), message);
  });
}

test.run();
