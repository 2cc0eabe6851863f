import type { CollectiveKind } from '../dit/kinds.ts';
import { NUMBERS } from '../physics/arithmetic.ts';
import { type Retained, retained } from '../physics/besideCollective.ts';
import { noRoomS, segmentTimeS, slowdownOf } from '../physics/compute.ts';
import type { EngineTimes } from '../physics/copyPauses.ts';
import { sourceBytesPerS } from '../physics/copySource.ts';
import { ranksPerGpu } from '../physics/linkShare.ts';
import { copyRates, pairRates } from '../physics/rates.ts';
import type { Link, StagedPieces } from '../physics/stagedCopy.ts';
import { stagedLink } from '../physics/stagedLink.ts';
import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import { collectiveTransport, type FlowTransport, type StagedCopyTransport } from '../system/transport.ts';
import type { ComputeSegment, Workload } from '../workload/workload.ts';
import type { CopyQueue } from './copyQueue.ts';
import { type ChunkRun, ShrinkingRun } from './copyRun.ts';
import type { StepQuantities } from './quantities.ts';
import { besideTimeSlices, type StagedBeside } from './timeSlices.ts';

/** A machine's quantities as numbers. */
export class NumberQuantities implements StepQuantities<number> {
  readonly arithmetic = NUMBERS;
  readonly engine: EngineTimes<number>;
  readonly copies: Link;
  readonly latencyS: number;
  readonly #system: System;
  readonly #ranks: number;
  readonly #clock: number;
  readonly #sharing: number;
  readonly #sourceBytesPerS: number;
  readonly #segments = new Map<ComputeSegment, number>();
  readonly #noRoom = new Map<ComputeSegment, number>();

  constructor({ ranks }: Workload, system: System, plan: Plan, clock: number) {
    this.engine = system.gpu.copyEngine;
    this.copies = copyRates(system, ranks);
    this.latencyS = collectiveTransport(system, plan, ranks)?.latencyS ?? 0;
    this.#system = system;
    this.#ranks = ranks;
    this.#clock = clock;
    this.#sharing = ranksPerGpu(system, ranks);
    this.#sourceBytesPerS = sourceBytesPerS(system, plan);
  }

  computeS(segment: ComputeSegment): number {
    let seconds = this.#segments.get(segment);
    if (seconds === undefined) {
      const { gpu } = this.#system;
      seconds = segmentTimeS(segment, gpu) * slowdownOf(gpu, segment.class, this.#clock) * this.#sharing;
      this.#segments.set(segment, seconds);
    }
    return seconds;
  }

  noRoomS(segment: ComputeSegment): number {
    let seconds = this.#noRoom.get(segment);
    if (seconds === undefined) {
      const { gpu } = this.#system;
      seconds = noRoomS(segment, gpu) * slowdownOf(gpu, segment.class, this.#clock);
      this.#noRoom.set(segment, seconds);
    }
    return seconds;
  }

  startUpOf({ latencyS }: FlowTransport): number {
    return latencyS;
  }

  moving(transport: FlowTransport, kind: CollectiveKind): { rate: number; retained: Retained } {
    const rates = pairRates(this.#system, this.#ranks, transport, kind, this.#sourceBytesPerS);
    return { rate: rates.collectiveAlone, retained: retained(rates) };
  }

  stagedLink(transport: StagedCopyTransport, exchange: StagedPieces, delayS: number): Link {
    return stagedLink(this.#system, transport, this.#ranks, exchange, delayS);
  }

  runOf(chunks: ChunkRun<number>): ShrinkingRun {
    return new ShrinkingRun(chunks);
  }

  besideTimeSlices(queue: CopyQueue<number>, staged: StagedBeside<number>): number {
    return besideTimeSlices(queue, staged);
  }
}
