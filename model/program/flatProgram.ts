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

export function flatten(program: StepProgram): FlatProgram {
  const { ops, streams } = program;
  const count = ops.length;
  const flat = {
    source: program,
    kind: new Uint8Array(count),
    durationS: new Float64Array(count),
    rankOf: new Int32Array(count),
    position: new Int32Array(count),
    streamOf: new Int32Array(count),
    placeOf: new Int32Array(count),
    firstOp: new Int32Array(streams.length + 1),
    streamOps: new Int32Array(count),
    streamCount: streams.length,
    compute: [] as ComputeOp[],
    collectives: [] as CollectiveOp[],
    slotCopies: [] as SlotCopy[],
    pieces: [] as CopyOp[],
    critical: [] as Op[],
  };
  const firstWait = new Int32Array(count + 1);
  const waitOp: number[] = [];
  const waitAgo: number[] = [];
  for (const op of ops) {
    const { id, stream, waits } = op;
    flat.rankOf[id] = op.rank;
    flat.position[id] = op.position;
    for (const wait of waits) {
      waitOp.push(wait.op);
      waitAgo.push(wait.stepsAgo);
    }
    firstWait[id + 1] = waitOp.length;
    if (stream === 'compute' || stream === 'collective') flat.critical.push(op);
    switch (op.kind) {
      case 'copy':
        flat.kind[id] = op.role === 'staging' ? PIECE : PREFETCH;
        if (op.role === 'staging') flat.pieces.push(op);
        if (op.target !== null) flat.slotCopies.push(op as SlotCopy);
        break;
      case 'delay':
        flat.kind[id] = op.role === 'launch' ? LAUNCH : DELAY;
        flat.durationS[id] = op.durationS;
        break;
      case 'compute':
        flat.kind[id] = COMPUTE;
        flat.durationS[id] = op.durationS;
        flat.compute.push(op);
        break;
      case 'mark':
        flat.kind[id] = MARK;
        break;
      case 'collective':
        flat.kind[id] = COLLECTIVE;
        flat.collectives.push(op);
    }
  }
  let at = 0;
  streams.forEach((stream, index) => {
    flat.firstOp[index] = at;
    for (let place = 0; place < stream.ops.length; place += 1) {
      const op = stream.ops[place]!;
      flat.streamOf[op] = index;
      flat.placeOf[op] = place;
      flat.streamOps[at++] = op;
    }
  });
  flat.firstOp[streams.length] = at;
  return { ...flat, firstWait, waitOp: Int32Array.from(waitOp), waitAgo: Uint8Array.from(waitAgo) };
}
