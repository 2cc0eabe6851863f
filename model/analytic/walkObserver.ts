import type { Idle } from '../physics/copyPauses.ts';
import type { CollectiveSegment, ComputeSegment, OverlappedSegment } from '../workload/workload.ts';

/** Bytes of one block that are issued together, in chunks. */
export interface IssuedRun {
  /** Place of the block that they belong to among all blocks, counted on over passes and steps. */
  block: number;
  /** Place of the block that issues them, and how many of its collectives come before them in program order. */
  issuedBy: number;
  window: number;
  bytes: number;
  chunks: number;
  /** How long stream and engine have been idle when it is issued. */
  idle: Idle;
  /** Its first chunk waits for the host launches that are under way. */
  isHeld: boolean;
}

/** Host launches of collectives that are due at one time. */
export interface HostLaunch {
  /** Seconds of launches without a break, before these and with them. */
  beforeS: number;
  launchingS: number;
  /** Chunks that they hold back: none are queued, those behind the one in flight, or all. */
  holds: 'nothing' | 'next' | 'all';
}

/**
 * What the closed form does, in order, told to whoever walks along in other arithmetic. Everything before the last `step`
 * was on the way to the steady state.
 */
export interface WalkObserver {
  step(): void;
  issue(run: IssuedRun): void;
  launch(launch: HostLaunch): void;
  compute(segment: ComputeSegment): void;
  /** Waits until the copies of all blocks up to that place have landed. */
  waitFor(block: number): void;
  /** Waits until all copies have landed that come before the n-th collective of the block at `place` in program order. */
  drain(place: number, collectives: number): void;
  collective(segment: CollectiveSegment): void;
  /** Compute and the collective beside it. */
  overlapped(segment: OverlappedSegment): void;
}
