import { COMPUTE, type FlatProgram, flatten } from '../../model/program/flatProgram.ts';
import type { CollectiveOp, Op, StepProgram } from '../../model/program/stepProgram.ts';

/** A StepProgram as the event loop runs it. Indices are operation and stream numbers. */
export interface CompiledProgram extends FlatProgram {
  ops: readonly Op[];
  /**
   * The operation behind o in its stream where both are compute, the second waits for nothing else and nothing
   * waits for the first: then only the end of the second is an event. -1 elsewhere.
   */
  chained: Int32Array;
  /** Collective number (dense, from 0) of each collective operation; -1 for others. */
  meeting: Int32Array;
  /** Per meeting: its operations, one per rank. */
  meetings: readonly (readonly CollectiveOp[])[];
}

/** @param flat of the program, where it is known. */
export function compile(program: StepProgram, flat: FlatProgram = flatten(program)): CompiledProgram {
  const meeting = new Int32Array(program.ops.length).fill(-1);
  const meetings: CollectiveOp[][] = [];
  const meetingOfGroup = new Map<number, number>();
  for (const op of flat.collectives) {
    let index = meetingOfGroup.get(op.group);
    if (index === undefined) {
      index = meetings.push([]) - 1;
      meetingOfGroup.set(op.group, index);
    }
    meeting[op.id] = index;
    meetings[index]!.push(op);
  }
  return { ...flat, ops: program.ops, chained: chainsOf(flat), meeting, meetings };
}

function chainsOf({ kind, firstWait, waitOp, streamOps, firstOp, streamCount }: FlatProgram): Int32Array {
  const chained = new Int32Array(kind.length).fill(-1);
  const waitedFor = new Uint8Array(kind.length);
  for (let wait = 0; wait < waitOp.length; wait += 1) waitedFor[waitOp[wait]!] = 1;
  for (let stream = 0; stream < streamCount; stream += 1)
    for (let place = firstOp[stream]! + 1; place < firstOp[stream + 1]!; place += 1) {
      const first = streamOps[place - 1]!;
      const second = streamOps[place]!;
      const bothCompute = kind[first] === COMPUTE && kind[second] === COMPUTE;
      const free = firstWait[second] === firstWait[second + 1] && waitedFor[first] === 0;
      if (bothCompute && free) chained[first] = second;
    }
  return chained;
}
