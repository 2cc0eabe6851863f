import type { CollectiveOp, ComputeOp, CopyOp, Op, StepProgram } from './stepProgram.ts';

/** Kinds of operations, copies and delays by what they are for. */
export const COMPUTE = 0;
export const MARK = 1;
export const DELAY = 2;
export const LAUNCH = 3;
export const PREFETCH = 4;
/** A piece of a staged collective. */
export const PIECE = 5;
export const COLLECTIVE = 6;

/** A copy of a block's bytes into a slot. */
export type SlotCopy = CopyOp & { target: NonNullable<CopyOp['target']> };

/**
 * A StepProgram as flat arrays, made in one pass: operations are objects of many shapes, and whoever goes through tens of thousands of
 * them again and again mostly pays for telling these apart. Indices are operation and stream numbers.
 */
export interface FlatProgram {
  source: StepProgram;
  kind: Uint8Array;
  /** Seconds, for compute (at the highest clock) and delays. */
  durationS: Float64Array;
  rankOf: Int32Array;
  position: Int32Array;
  /** Stream of an operation, and its place there. */
  streamOf: Int32Array;
  placeOf: Int32Array;
  /** Waits of operation o: waitOp and waitAgo from firstWait[o] to firstWait[o + 1]. */
  firstWait: Int32Array;
  waitOp: Int32Array;
  waitAgo: Uint8Array;
  /** Operations of stream s in order: streamOps from firstOp[s] to firstOp[s + 1]. */
  firstOp: Int32Array;
  streamOps: Int32Array;
  streamCount: number;
  // In the order of their numbers:
  compute: readonly ComputeOp[];
  collectives: readonly CollectiveOp[];
  slotCopies: readonly SlotCopy[];
  pieces: readonly CopyOp[];
  /** Operations of the streams `compute` and `collective`. */
  critical: readonly Op[];
}

// A function a loop: V8 compiles a loop that is running with what it has seen of its function so far, and has to throw that away where
// the function goes on with something else.

export function flatten(program: StepProgram): FlatProgram {
  return { source: program, streamCount: program.streams.length, ...ofOps(program), ...ofStreams(program) };
}

function ofOps({ ops }: StepProgram) {
  const count = ops.length;
  const kind = new Uint8Array(count);
  const durationS = new Float64Array(count);
  const rankOf = new Int32Array(count);
  const position = new Int32Array(count);
  const firstWait = new Int32Array(count + 1);
  const waitOp: number[] = [];
  const waitAgo: number[] = [];
  const compute: ComputeOp[] = [];
  const collectives: CollectiveOp[] = [];
  const slotCopies: SlotCopy[] = [];
  const pieces: CopyOp[] = [];
  const critical: Op[] = [];
  for (let id = 0; id < count; id += 1) {
    const op = ops[id]!;
    const { stream, waits } = op;
    rankOf[id] = op.rank;
    position[id] = op.position;
    for (let index = 0; index < waits.length; index += 1) {
      waitOp.push(waits[index]!.op);
      waitAgo.push(waits[index]!.stepsAgo);
    }
    firstWait[id + 1] = waitOp.length;
    if (stream === 'compute' || stream === 'collective') critical.push(op);
    switch (op.kind) {
      case 'copy':
        kind[id] = op.role === 'staging' ? PIECE : PREFETCH;
        if (op.role === 'staging') pieces.push(op);
        if (op.target !== null) slotCopies.push(op as SlotCopy);
        break;
      case 'delay':
        kind[id] = op.role === 'launch' ? LAUNCH : DELAY;
        durationS[id] = op.durationS;
        break;
      case 'compute':
        kind[id] = COMPUTE;
        durationS[id] = op.durationS;
        compute.push(op);
        break;
      case 'mark':
        kind[id] = MARK;
        break;
      case 'collective':
        kind[id] = COLLECTIVE;
        collectives.push(op);
    }
  }
  const waits = { firstWait, waitOp: Int32Array.from(waitOp), waitAgo: Uint8Array.from(waitAgo) };
  return { kind, durationS, rankOf, position, ...waits, compute, collectives, slotCopies, pieces, critical };
}

function ofStreams({ ops, streams }: StepProgram) {
  const streamOf = new Int32Array(ops.length);
  const placeOf = new Int32Array(ops.length);
  const firstOp = new Int32Array(streams.length + 1);
  const streamOps = new Int32Array(ops.length);
  for (let stream = 0; stream < streams.length; stream += 1) {
    const ids = streams[stream]!.ops;
    const first = firstOp[stream]!;
    firstOp[stream + 1] = first + ids.length;
    for (let place = 0; place < ids.length; place += 1) {
      const op = ids[place]!;
      streamOf[op] = stream;
      placeOf[op] = place;
      streamOps[first + place] = op;
    }
  }
  return { streamOf, placeOf, firstOp, streamOps };
}
