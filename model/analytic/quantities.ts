import type { CollectiveKind } from '../dit/kinds.ts';
import type { Arithmetic } from '../physics/arithmetic.ts';
import type { Retained } from '../physics/besideCollective.ts';
import type { EngineTimes } from '../physics/copyPauses.ts';
import type { Link, StagedPieces } from '../physics/stagedCopy.ts';
import type { FlowTransport, StagedCopyTransport } from '../system/transport.ts';
import type { ComputeSegment } from '../workload/workload.ts';
import type { CopyQueue } from './copyQueue.ts';
import type { ChunkRun, CopyRun } from './copyRun.ts';
import type { StagedBeside } from './timeSlices.ts';

/** What a walk asks of a machine at a clock, in the walk's arithmetic. Seconds, and bytes/s of one rank. */
export interface StepQuantities<T> {
  readonly arithmetic: Arithmetic<T>;
  readonly engine: EngineTimes<T>;
  /** Copies with every rank copying. */
  readonly copies: Link<T>;
  /** Start-up of the plan's collectives. */
  readonly latencyS: T;
  /** A segment, at the share of a GPU that the rank has. */
  computeS(segment: ComputeSegment): T;
  /** As `noRoomS` has it, at the clock. */
  noRoomS(segment: ComputeSegment): T;
  /** Start-up of a flow of the plan's collectives, which is `latencyS` or, between hosts, some of it and more. */
  startUpOf(transport: FlowTransport): T;
  /** A kind of collectives on links: its rate alone, and what it and copies retain. */
  moving(transport: FlowTransport, kind: CollectiveKind): { rate: T; retained: Retained };
  /** Rates of a staged exchange's pieces, whose first is read so many seconds later than it might be. */
  stagedLink(transport: StagedCopyTransport, exchange: StagedPieces, delayS: T): Link<T>;
  runOf(chunks: ChunkRun<T>): CopyRun<T>;
  /** Seconds of a staged collective beside a prefetch in another stream. Lets that time pass for the queue. */
  besideTimeSlices(queue: CopyQueue<T>, staged: StagedBeside<T>): T;
}
