import type { CollectiveOp, CopyOp, Op, StepProgram } from '../../model/program/stepProgram.ts';

export const COMPUTE = 0;
export const MARK = 1;
export const DELAY = 2;
export const COPY = 3;
export const COLLECTIVE = 4;

const KIND = { compute: COMPUTE, mark: MARK, delay: DELAY, copy: COPY, collective: COLLECTIVE } as const;

/** A StepProgram as flat arrays, so that the event loop touches no objects. Indices are operation and stream numbers. */
export interface CompiledProgram {
  source: StepProgram;
  ops: readonly Op[];
  kind: Uint8Array;
  /** Seconds, for compute (at the highest clock) and delays. */
  durationS: Float64Array;
  rankOf: Int32Array;
  streamOf: Int32Array;
  /** Waits of operation o: waitOp and waitAgo from firstWait[o] to firstWait[o + 1]. */
  firstWait: Int32Array;
  waitOp: Int32Array;
  waitAgo: Uint8Array;
  /** Operations of stream s in order: streamOps from firstOp[s] to firstOp[s + 1]. */
  firstOp: Int32Array;
  streamOps: Int32Array;
  streamCount: number;
  /**
   * The operation behind o in its stream where both are compute, the second waits for nothing else and nothing
   * waits for the first: then only the end of the second is an event. -1 elsewhere.
   */
  chained: Int32Array;
  /** Collective number (dense, from 0) of each collective operation; -1 for others. */
  meeting: Int32Array;
  /** Per meeting: its operations, one per rank. */
  meetings: readonly (readonly CollectiveOp[])[];
  copies: readonly CopyOp[];
}

export function compile(program: StepProgram): CompiledProgram {
  const { ops, streams } = program;
  const count = ops.length;
  const compiled = {
    kind: new Uint8Array(count),
    durationS: new Float64Array(count),
    rankOf: new Int32Array(count),
    streamOf: new Int32Array(count),
    firstWait: new Int32Array(count + 1),
    waitOp: new Int32Array(ops.reduce((sum, op) => sum + op.waits.length, 0)),
    waitAgo: new Uint8Array(ops.reduce((sum, op) => sum + op.waits.length, 0)),
    firstOp: new Int32Array(streams.length + 1),
    streamOps: new Int32Array(count),
    chained: new Int32Array(count).fill(-1),
    meeting: new Int32Array(count).fill(-1),
  };
  const meetings: CollectiveOp[][] = [];
  const meetingOfGroup = new Map<number, number>();
  let wait = 0;
  for (const op of ops) {
    compiled.kind[op.id] = KIND[op.kind];
    compiled.rankOf[op.id] = op.rank;
    if (op.kind === 'compute' || op.kind === 'delay') compiled.durationS[op.id] = op.durationS;
    compiled.firstWait[op.id] = wait;
    for (const { op: waited, stepsAgo } of op.waits) {
      compiled.waitOp[wait] = waited;
      compiled.waitAgo[wait++] = stepsAgo;
    }
    if (op.kind !== 'collective') continue;
    let meeting = meetingOfGroup.get(op.group);
    if (meeting === undefined) {
      meeting = meetings.length;
      meetingOfGroup.set(op.group, meeting);
      meetings.push([]);
    }
    compiled.meeting[op.id] = meeting;
    meetings[meeting]!.push(op);
  }
  compiled.firstWait[count] = wait;
  let place = 0;
  streams.forEach((stream, index) => {
    compiled.firstOp[index] = place;
    for (const op of stream.ops) {
      compiled.streamOf[op] = index;
      compiled.streamOps[place++] = op;
    }
  });
  compiled.firstOp[streams.length] = place;
  const waitedFor = new Uint8Array(count);
  for (const waited of compiled.waitOp) waitedFor[waited] = 1;
  for (const stream of streams) {
    for (let index = 1; index < stream.ops.length; index += 1) {
      const first = stream.ops[index - 1]!;
      const second = stream.ops[index]!;
      const bothCompute = compiled.kind[first] === COMPUTE && compiled.kind[second] === COMPUTE;
      const free = compiled.firstWait[second] === compiled.firstWait[second + 1] && waitedFor[first] === 0;
      if (bothCompute && free) compiled.chained[first] = second;
    }
  }
  return {
    ...compiled,
    source: program,
    ops,
    streamCount: streams.length,
    meetings,
    copies: ops.filter((op): op is CopyOp => op.kind === 'copy'),
  };
}
