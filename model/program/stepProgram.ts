import type { CollectiveKind, SegmentClass } from '../dit/kinds.ts';
import type { RankGroup } from '../workload/workload.ts';

/**
 * Streams of a rank. `copy` carries the prefetch, `stage-out` and `stage-in` the D2H and H2D pieces of staged
 * collectives, `host` what the launching thread does where a plan depends on it.
 */
export type StreamKind = 'compute' | 'collective' | 'copy' | 'stage-out' | 'stage-in' | 'host';

/** An operation that must be done first: of the same step, or of the step before (steady state). */
export interface Wait {
  op: number;
  stepsAgo: 0 | 1;
}

interface OpBase {
  id: number;
  rank: number;
  stream: StreamKind;
  /** Place of the block in the step (pass x blocks + index) that the operation runs in; -1 for none. */
  position: number;
  label: string;
  waits: readonly Wait[];
}

export interface ComputeOp extends OpBase {
  kind: 'compute';
  class: SegmentClass;
  flops: number;
  bytes: number;
  /** Seconds at the highest clock. */
  durationS: number;
  /** The same by class: each slows down with the clock in its own way. */
  secondsOf: Readonly<Record<SegmentClass, number>>;
  /** Seconds at the highest clock from its start until a kernel of another stream finds room beside it. */
  noRoomS: number;
  /** Number of the collective that runs beside it, where one does: what follows both waits for both. */
  besideGroup?: number;
}

/** A point in a stream that takes no time. `begin` and `end` of a staged collective are marks with a group. */
export interface MarkOp extends OpBase {
  kind: 'mark';
  role: 'block-start' | 'pass-start' | 'collective-begin' | 'collective-end' | 'step';
  /** Number of the staged collective, equal on all ranks; -1 for other marks. */
  group: number;
}

/** A run of back-to-back chunks of one copy engine. */
export interface CopyOp extends OpBase {
  kind: 'copy';
  direction: 'h2d' | 'd2h';
  bytes: number;
  chunkBytes: number;
  /** Pause after each chunk, seconds. */
  paceS: number;
  /** No chunk starts while the rank's host stream launches a collective. */
  pausedByHost: boolean;
  /** Bytes/s that the source allows (pageable memory); Infinity for pinned memory. */
  sourceBytesPerS: number;
  role: 'prefetch' | 'staging';
  /**
   * Prefetch: which block's bytes [from, to) go into which slot of the ring; `stepsAhead` 1 for a block of the
   * next step.
   */
  target: { position: number; stepsAhead: 0 | 1; from: number; to: number; slot: number } | null;
  /** Staging: number of the collective, equal on all ranks; -1 for a prefetch. */
  group: number;
  /** Staging, H2D: the D2H copy that wrote what this one reads; -1 for all others. */
  source: number;
  /** Staging: 1 for the second exchange of an all-reduce, the gathering of sums; 0 for all others. */
  phase: 0 | 1;
}

export interface CollectiveOp extends OpBase {
  kind: 'collective';
  collective: CollectiveKind;
  /** Number of the collective, equal on all ranks that meet in it. */
  group: number;
  transport: string;
  sentBytes: number;
  /** As of the segment. */
  members?: RankGroup;
  toNeighbour?: true;
}

/** Something a host thread or the device does that only takes time: a launch, a flag, the sum of an all-reduce. */
export interface DelayOp extends OpBase {
  kind: 'delay';
  role: 'launch' | 'flag' | 'latency' | 'gap' | 'reduce';
  durationS: number;
}

export type Op = ComputeOp | MarkOp | CopyOp | CollectiveOp | DelayOp;

/**
 * A plan lowered for one workload and machine: per rank a few FIFO streams of operations with explicit waits.
 * An operation starts when its stream's previous one is done and all its waits are done. The step repeats:
 * the stream's last operation is followed by its first, and waits may name operations of the step before.
 */
export interface StepProgram {
  ranks: number;
  /** Ranks that meet in a collective; above `ranks` where peers are mirrored. */
  groupSize: number;
  ops: readonly Op[];
  /** Operation ids in order, per rank and stream; streams without operations are left out. */
  streams: readonly { rank: number; kind: StreamKind; ops: readonly number[] }[];
  /** Per block position of the step: bytes of its weights and how many of them stay on the GPU. */
  blocks: readonly { weightBytes: number; residentBytes: number }[];
  blocksPerPass: number;
  slots: number;
  slotBytes: number;
  /** Streamed blocks of one step; the slot ring goes on across steps, so slot s of step n is (s + n x this) mod slots. */
  streamedPerStep: number;
}
