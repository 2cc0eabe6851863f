import type { HostLaunch, IssuedRun, WalkObserver } from '../../../model/analytic/walkObserver.ts';
import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { retained } from '../../../model/physics/besideCollective.ts';
import { noRoomS, segmentTimeS } from '../../../model/physics/compute.ts';
import { BACK_TO_BACK, type Idle, isAwake, pacedS, restOfPaceS } from '../../../model/physics/copyPauses.ts';
import { sourceBytesPerS } from '../../../model/physics/copySource.ts';
import { bytesWithFill, runningRanks } from '../../../model/physics/linkShare.ts';
import { pairRates } from '../../../model/physics/rates.ts';
import { stagedPieces } from '../../../model/physics/stagedCopy.ts';
import { withCollectiveRates } from '../../../model/physics/variants/scaled.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { System } from '../../../model/system/system.ts';
import {
  type FlowTransport,
  type StagedCopyTransport,
  transportOf,
} from '../../../model/system/transport.ts';
import type {
  CollectiveSegment,
  ComputeSegment,
  OverlappedSegment,
  Workload,
} from '../../../model/workload/workload.ts';
import { constant, type Laurent, larger, smaller } from './laurent.ts';
import { segmentExpression } from './segmentExpression.ts';
import { stagedCopyExpression } from './stagedExpression.ts';
import { SymbolicQueue, type SymbolicSharing } from './symbolicQueue.ts';
import type { Symbols } from './symbols.ts';

/** Relative change of a rate that shows whether another one follows it. */
const LITTLE = 1e-6;

/**
 * Follows the closed form through its steps and does in expressions what it does in numbers. Which way each window goes
 * (hidden, beside a collective, waited for) is what the numbers say, so the expression is that of the regime in which the plan
 * runs here, and holds until a window goes another way.
 */
export class SymbolicWalk implements WalkObserver {
  readonly #workload: Workload;
  readonly #system: System;
  readonly #plan: Plan;
  readonly #symbols: Symbols;
  readonly #queue: SymbolicQueue;
  /** Ranks on one GPU. */
  readonly #sharing: number;
  readonly #segments = new Map<ComputeSegment, Laurent>();
  readonly #collectives = new Map<CollectiveSegment, { aloneS: Laurent; readsS: Laurent }>();
  readonly #kinds = new Map<CollectiveKind, { rate: Laurent; sharing: SymbolicSharing }>();
  #stepTimeS = constant(0);
  /** Seconds until the host has launched what it has begun to launch. */
  #launchLeftS = constant(0);
  #issuedBytes = 0;
  #obstacle: string | null = null;

  constructor(workload: Workload, system: System, plan: Plan, symbols: Symbols) {
    this.#workload = workload;
    this.#system = system;
    this.#plan = plan;
    this.#symbols = symbols;
    // Only what is left of a pause depends on how long the stream has been idle.
    const forgottenS = pacedS(system.gpu.copyEngine, plan.paceS);
    this.#queue = new SymbolicQueue(symbols, forgottenS);
    this.#sharing = system.peer === 'colocated' ? runningRanks(system, workload.ranks) : 1;
  }

  /** Seconds of the last step. */
  get stepTimeS(): Laurent {
    return this.#stepTimeS;
  }

  /** Bytes of copies that the last step has issued. */
  get issuedBytes(): number {
    return this.#issuedBytes;
  }

  /** Why the last step has no expression; null where it has one. */
  get obstacle(): string | null {
    return this.#obstacle;
  }

  step(): void {
    this.#stepTimeS = constant(0);
    this.#issuedBytes = 0;
  }

  compute(segment: ComputeSegment): void {
    const aloneS = this.#segmentS(segment);
    const seconds = aloneS.times(constant(this.#sharing));
    this.#take(seconds);
    this.#queue.alone(this.#plan.paceS === 0 ? seconds : this.#copiesBeside(segment, aloneS, seconds));
  }

  /** A pause is a kernel: while a segment leaves it no room, the chunks stop behind the one that is under way. */
  #copiesBeside(segment: ComputeSegment, aloneS: Laurent, seconds: Laurent): Laurent {
    const { gpu } = this.#system;
    const shutS = aloneS.times(constant(noRoomS(segment, gpu) / segmentTimeS(segment, gpu)));
    const copiedS = Number.isFinite(this.#plan.chunkBytes)
      ? smaller(shutS, this.#betweenChunksS().plus(this.#moveS(this.#plan.chunkBytes)))
      : shutS;
    return copiedS.plus(seconds).minus(shutS);
  }

  waitFor(block: number): void {
    this.#wait(this.#queue.leftS(block));
  }

  drain(place: number, collectives: number): void {
    this.#wait(this.#queue.leftBeforeS(place, collectives));
  }

  #wait(seconds: Laurent): void {
    this.#take(seconds);
    this.#queue.alone(seconds);
  }

  issue({ block, issuedBy, window, bytes, chunks, idle, isHeld }: IssuedRun): void {
    const moveS = this.#moveS(bytes);
    const firstS = this.#firstPauseS(idle, this.#queue.idleS);
    const pauseS = firstS.plus(this.#betweenChunksS().times(constant(chunks - 1)));
    this.#queue.push({ block, issuedBy, window, moveS, pauseS, chunks });
    if (isHeld) this.#queue.hold(this.#launchLeftS);
    this.#issuedBytes += bytes;
  }

  collective(segment: CollectiveSegment): void {
    const transport = transportOf(this.#system, this.#plan.transport, this.#workload.ranks);
    if (transport.kind === 'flow') this.#take(this.#flowS(transport, segment));
    else this.#staged(transport, segment);
  }

  overlapped({ collective, compute }: OverlappedSegment): void {
    const transport = transportOf(this.#system, this.#plan.transport, this.#workload.ranks) as FlowTransport;
    const { gpu } = this.#system;
    if (this.#plan.paceS > 0 && compute.some((segment) => noRoomS(segment, gpu) > 0))
      this.#obstacle = 'pauses find no room beside attention while a collective runs beside it too';
    const computeS = compute
      .map((segment) => this.#segmentS(segment).times(constant(this.#sharing)))
      .reduce((sum, seconds) => sum.plus(seconds));
    const collectiveS = this.#flowS(transport, collective);
    const restS = computeS.minus(collectiveS);
    if (restS.value > 0) this.#queue.alone(restS);
    this.#take(larger(computeS, collectiveS));
  }

  #segmentS(segment: ComputeSegment): Laurent {
    const aloneS = this.#segments.get(segment) ?? segmentExpression(segment, this.#system.gpu, this.#symbols);
    this.#segments.set(segment, aloneS);
    return aloneS;
  }

  /** Seconds of a collective beside whatever is copied, which goes on meanwhile. */
  #flowS(transport: FlowTransport, { collective: kind, sentBytes }: CollectiveSegment): Laurent {
    const { latencyS } = this.#symbols;
    const { rate, sharing } = this.#kinds.get(kind) ?? this.#kindOf(transport, kind);
    this.#kinds.set(kind, { rate, sharing });
    const workS = constant(bytesWithFill(transport, sentBytes)).times(rate.inverse());
    this.#queue.alone(latencyS);
    return latencyS.plus(this.#queue.beside(workS, sharing));
  }

  #kindOf(transport: FlowTransport, kind: CollectiveKind): { rate: Laurent; sharing: SymbolicSharing } {
    const { gapS } = this.#symbols;
    const { bytesPerS, besideH2d } = transport.collectives[kind];
    const source = sourceBytesPerS(this.#system, this.#plan);
    const ratesOf = (flow: FlowTransport) =>
      pairRates(this.#system, this.#workload.ranks, flow, kind, source);
    const rates = ratesOf(transport);
    const faster = withCollectiveRates(transport, (rate) => ({
      ...rate,
      bytesPerS: rate.bytesPerS * (1 + LITTLE),
    }));
    // A rate that something else on the way holds back need not follow the transport's own.
    const follows = ratesOf(faster).collectiveAlone > rates.collectiveAlone * (1 + LITTLE / 2);
    const share = constant(rates.collectiveAlone / bytesPerS);
    const longer = besideH2d.gapS !== null && besideH2d.gapS > gapS.value;
    return {
      rate: follows ? this.#symbols.rate(kind, bytesPerS).times(share) : constant(rates.collectiveAlone),
      sharing: {
        ...retained(rates),
        longerPauseS: longer ? constant(besideH2d.gapS!).minus(gapS) : constant(0),
      },
    };
  }

  #staged(transport: StagedCopyTransport, segment: CollectiveSegment): void {
    if (transport.cacheBytes > 0)
      this.#obstacle =
        "how much of what copy engines stage is read from the CPU's cache depends on the rates";
    const { aloneS, readsS } = this.#collectives.get(segment) ?? this.#stagedAlone(transport, segment);
    this.#collectives.set(segment, { aloneS, readsS });
    if (this.#plan.stagedInCopyStream) {
      const seconds = larger(aloneS, this.#queue.leftS(Number.POSITIVE_INFINITY).plus(readsS));
      this.#queue.alone(seconds);
      this.#take(seconds);
      return;
    }
    if (this.#queue.empty) this.#queue.alone(aloneS);
    else this.#obstacle = 'copy-engine collectives take turns with the prefetch, whole turns each';
    this.#take(aloneS);
  }

  #stagedAlone(transport: StagedCopyTransport, { collective, sentBytes }: CollectiveSegment) {
    const exchanges = stagedPieces(collective, sentBytes, this.#workload.ranks, this.#plan.pieceBytes);
    const reads = exchanges.reduce((sum, exchange) => sum + exchange.reads, 0);
    const readS = this.#symbols.gapS.plus(this.#moveS(exchanges[0]!.pieceBytes));
    const { both, bothD2h, h2d } = this.#symbols;
    const writtenBytes = exchanges.reduce((sum, { pieceBytes, writes }) => sum + pieceBytes * writes, 0);
    const lostShare = constant(1).minus(both.times(h2d.inverse()));
    const lostS = bothD2h.inverse().times(lostShare).times(constant(writtenBytes));
    return {
      aloneS: stagedCopyExpression(transport, exchanges, this.#symbols),
      readsS: readS.times(constant(reads)).plus(lostS),
    };
  }

  #moveS(bytes: number): Laurent {
    const { h2d } = this.#symbols;
    const source = sourceBytesPerS(this.#system, this.#plan) / this.#sharing;
    const rate = source < h2d.value ? constant(source) : h2d;
    return constant(bytes).times(rate.inverse());
  }

  #betweenChunksS(): Laurent {
    return this.#firstPauseS(BACK_TO_BACK, constant(0));
  }

  #firstPauseS(idle: Idle, idleS: Laurent): Laurent {
    const { copyEngine } = this.#system.gpu;
    const { paceS } = this.#plan;
    const restS = restOfPaceS(copyEngine, paceS, idle);
    const wakingS = isAwake(copyEngine, restS, idle)
      ? this.#symbols.gapS
      : larger(this.#symbols.startUpS, this.#symbols.gapS);
    return restS === 0 ? wakingS : constant(pacedS(copyEngine, paceS)).minus(idleS).plus(wakingS);
  }

  launch({ beforeS, launchingS, holds }: HostLaunch): void {
    const moreS = constant(launchingS - beforeS);
    if (holds === 'all') this.#queue.hold(moreS);
    if (holds === 'next') this.#queue.hold(this.#launchHoldS(launchingS).minus(this.#launchHoldS(beforeS)));
    this.#launchLeftS = this.#launchLeftS.plus(moreS);
  }

  /** The mean that `launchHoldS` says. */
  #launchHoldS(launchS: number): Laurent {
    const paceS = restOfPaceS(this.#system.gpu.copyEngine, this.#plan.paceS, BACK_TO_BACK);
    const periodS = this.#queue.chunkS.plus(constant(paceS));
    if (periodS.value <= launchS) return constant(launchS).minus(periodS.times(constant(1 / 2)));
    return this.#symbols
      .named('period', periodS)
      .inverse()
      .times(constant(launchS ** 2 / 2));
  }

  #take(seconds: Laurent): void {
    this.#stepTimeS = this.#stepTimeS.plus(seconds);
    if (this.#launchLeftS.value <= 0) return;
    const leftS = this.#launchLeftS.minus(seconds);
    this.#launchLeftS = leftS.value > 0 ? leftS : constant(0);
  }
}
