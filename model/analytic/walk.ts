import type { Arithmetic } from '../physics/arithmetic.ts';
import { phasesOf } from '../physics/collectivePhases.ts';
import { betweenChunksS, firstPauseS, launchHoldS, pacedS } from '../physics/copyPauses.ts';
import { sourceBytesPerS } from '../physics/copySource.ts';
import { bytesWithFill, ranksPerGpu } from '../physics/linkShare.ts';
import { lostToWritesS, type StagedPieces, stagedAloneS, stagedPieces } from '../physics/stagedCopy.ts';
import { checkIssuedBytes, type Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import {
  collectiveTransport,
  type FlowTransport,
  type StagedCopyTransport,
  type Transport,
} from '../system/transport.ts';
import type { CollectiveSegment, ComputeSegment, OverlappedSegment, Workload } from '../workload/workload.ts';
import { CollectiveUnderWay, type MovingCollective } from './collectiveUnderWay.ts';
import { CopyQueue } from './copyQueue.ts';
import type { ScheduledRun } from './issueSchedule.ts';
import { type Itinerary, itineraryOf, sameValues } from './itinerary.ts';
import type { StepQuantities } from './quantities.ts';
import type { StepTally } from './stepTally.ts';

/** Seconds by which the state that a block leaves may differ from the one that it found. */
const SAME_STATE = 1e-12;

/** Steps walked at most until one takes as long as the one before. */
const MAX_STEPS = 6;

/** What a walk is through, and in which arithmetic. */
export interface WalkOptions<T, Tally extends StepTally<T>> {
  workload: Workload;
  system: System;
  plan: Plan;
  quantities: StepQuantities<T>;
  tally: Tally;
  /** Walks each of several blocks that do the same; usually those that find what the one before found are counted as that one. */
  everyBlock: boolean;
}

/** A staged collective by itself. */
interface StagedAlone<T> {
  exchanges: readonly StagedPieces[];
  aloneS: T;
  /** Pieces that the rank reads. */
  reads: number;
}

/** One rank's walk through a plan's steps, as `closedForm` describes it, in any arithmetic. */
export class Walk<T, Tally extends StepTally<T>> {
  /** Of the last step that was walked. */
  readonly tally: Tally;
  readonly #arithmetic: Arithmetic<T>;
  readonly #quantities: StepQuantities<T>;
  readonly #workload: Workload;
  readonly #system: System;
  readonly #plan: Plan;
  readonly #everyBlock: boolean;
  readonly #itinerary: Itinerary;
  readonly #transport: Transport | null;
  readonly #queue: CopyQueue<T>;
  readonly #movingCollectives = new Map<CollectiveSegment, readonly MovingCollective<T>[]>();
  readonly #stagedCollectives = new Map<CollectiveSegment, StagedAlone<T>>();
  /** Blocks begun, over passes and steps. */
  #count = 0;
  /** Bytes that the present step has issued. */
  #issuedBytes = 0;
  /** Rate of weights, bytes/s. */
  readonly #chunkBytesPerS: T;
  /** Seconds from a paced chunk's end until the next is ready. */
  readonly #pausedS: number;
  /** Seconds from a chunk's last byte to the first one of the next. */
  readonly #betweenS: T;
  /** Idle time (s) after which neither a pause, nor an awake engine, nor a time slice is left of what came before. */
  readonly #forgottenS: number;
  readonly #none: T;
  /** Seconds since a staged collective last read a piece, or more than decide anything. */
  #sinceReadS: T;
  /** Seconds until the host has launched all collectives whose launch has begun or is due. */
  #launchLeftS: T;
  /** Seconds that those take together which have followed each other without a break. */
  #launchingS = 0;
  /** No chunk was in flight when they came upon the first run that they hold. */
  #holdsAll = false;

  constructor({ workload, system, plan, quantities, tally, everyBlock }: WalkOptions<T, Tally>) {
    const { arithmetic } = quantities;
    const { copyEngine } = system.gpu;
    this.tally = tally;
    this.#arithmetic = arithmetic;
    this.#quantities = quantities;
    this.#workload = workload;
    this.#system = system;
    this.#plan = plan;
    this.#everyBlock = everyBlock;
    this.#itinerary = itineraryOf(workload, system, plan);
    this.#transport = collectiveTransport(system, plan, workload.ranks);
    this.#pausedS = pacedS(copyEngine, plan.paceS);
    this.#betweenS = betweenChunksS(arithmetic, quantities.engine, this.#pausedS);
    this.#forgottenS = plan.paceS + copyEngine.paceOverheadS + copyEngine.startUpS + copyEngine.turnS;
    this.#queue = new CopyQueue(arithmetic, (chunks) => quantities.runOf(chunks), this.#forgottenS);
    const source = sourceBytesPerS(system, plan) / ranksPerGpu(system, workload.ranks);
    this.#chunkBytesPerS = arithmetic.smaller(quantities.copies.h2d, arithmetic.constant(source));
    this.#none = arithmetic.constant(0);
    this.#sinceReadS = arithmetic.constant(this.#forgottenS);
    this.#launchLeftS = this.#none;
  }

  /** Bytes of copies that the last step has issued. */
  get issuedBytes(): number {
    return this.#issuedBytes;
  }

  /** Before the first step: the copies that the blocks before it would have issued are issued now. */
  startCold(): void {
    if (this.#plan.sequential) return;
    const { issues } = this.#itinerary;
    const runs = issues.flatMap(({ early, afterCollective }, index) =>
      [early, ...afterCollective]
        .flat()
        .filter(({ ahead }) => index + ahead >= issues.length)
        .map((run) => ({ ...run, place: index - issues.length })),
    );
    for (const { place, ...run } of runs) this.#issue([run], place);
  }

  /** Walks until a step takes as long as the one before it. */
  settle(): void {
    let beforeS = this.step();
    for (let step = 1; step < MAX_STEPS; step += 1) {
      const nowS = this.step();
      if (Math.abs(nowS - beforeS) <= 1e-9 * nowS) return;
      beforeS = nowS;
    }
  }

  /** Walks one step and returns its seconds; the first call starts with every first copy landed, unless the walk starts cold. */
  step(): number {
    const { alike } = this.#itinerary;
    this.tally.begin();
    this.#issuedBytes = 0;
    for (let pass = 0; pass < this.#workload.passes; pass += 1) {
      let before: number[] = [];
      for (let block = 0; block < this.#workload.blocks.length; block += 1) {
        const again = this.#everyBlock ? 0 : alike[block]!;
        const issuedBefore = this.#issuedBytes;
        if (again > 0) this.tally.mark();
        this.#block(block);
        const isCompared = again > 0 || (!this.#everyBlock && alike[block + 1]! > 0);
        const after = isCompared ? this.#state() : [];
        // Where a block leaves what it found, those like it do the same again.
        if (again > 0 && sameValues(after, before, SAME_STATE)) {
          this.tally.repeat(again);
          this.#queue.shift(again);
          this.#count += again;
          this.#issuedBytes += again * (this.#issuedBytes - issuedBefore);
          block += again;
        }
        before = after;
      }
    }
    checkIssuedBytes('the closed form', this.#plan, this.#workload.passes, this.#issuedBytes);
    return this.#arithmetic.magnitude(this.tally.stepTimeS);
  }

  #state(): number[] {
    const { magnitude } = this.#arithmetic;
    const launching = [magnitude(this.#launchLeftS), this.#launchingS, this.#holdsAll ? 1 : 0];
    const idleS = [this.#queue.idleS, this.#sinceReadS].map((seconds) =>
      Math.min(magnitude(seconds), this.#forgottenS),
    );
    return [...this.#queue.state(this.#count), ...idleS, ...launching];
  }

  #block(index: number): void {
    const plan = this.#plan;
    const place = this.#count++;
    const { own, early, afterCollective } = this.#itinerary.issues[index]!;
    this.#issue(own, place);
    const drains = plan.drainAtPassStart && index === 0;
    this.#wait(this.#queue.leftS(drains ? Number.POSITIVE_INFINITY : place));
    this.#issue(early, place);
    let collectives = 0;
    const { segments } = this.#workload.blocks[index]!;
    const launches = this.#itinerary.launches?.[index] ?? [];
    if (segments.every(({ kind }) => kind !== 'collective')) this.#launch(launches[0] ?? 0);
    for (const segment of segments) {
      if (segment.kind === 'compute') {
        this.#compute(segment);
        continue;
      }
      if (segment.kind === 'overlapped') {
        this.#overlapped(segment);
        continue;
      }
      this.#launch(launches[collectives] ?? 0);
      collectives += 1;
      if (plan.yieldRule === 'drain') this.#wait(this.#queue.leftBeforeS(place, collectives));
      this.#collective(segment);
      this.#issue(afterCollective[collectives - 1]!, place);
    }
  }

  #compute(segment: ComputeSegment): void {
    const arithmetic = this.#arithmetic;
    const seconds = this.#quantities.computeS(segment);
    this.tally.compute(seconds);
    this.#pass(seconds);
    if (this.#plan.paceS === 0) {
      this.#queue.alone(seconds);
      return;
    }
    const [shutS, openS] = this.#shutS(segment);
    this.#queue.alone(arithmetic.minus(arithmetic.plus(openS, seconds), shutS));
  }

  /**
   * A pause is a kernel: while a segment leaves it no room, the chunks stop behind the one that is under way. Seconds without room,
   * and of them those of that chunk.
   */
  #shutS(segment: ComputeSegment): [shutS: T, openS: T] {
    if (this.#plan.paceS === 0) return [this.#none, this.#none];
    const arithmetic = this.#arithmetic;
    const shutS = this.#quantities.noRoomS(segment);
    const chunkS = arithmetic.over(this.#plan.chunkBytes, this.#quantities.copies.h2d);
    return [shutS, arithmetic.smaller(shutS, arithmetic.plus(this.#betweenS, chunkS))];
  }

  /** Compute and a collective that begin together and are waited for together; copies share the link with the collective. */
  #overlapped({ collective, compute }: OverlappedSegment): void {
    const arithmetic = this.#arithmetic;
    // A ring's sends have no phases.
    const [moving] = this.#moving(this.#transport as FlowTransport, collective) as [MovingCollective<T>];
    const underWay = new CollectiveUnderWay(arithmetic, moving);
    let computeS = this.#none;
    for (const segment of compute) {
      const seconds = this.#quantities.computeS(segment);
      const [shutS, openS] = this.#shutS(segment);
      underWay.beside(this.#queue, openS);
      underWay.alone(arithmetic.minus(shutS, openS));
      underWay.beside(this.#queue, arithmetic.minus(seconds, shutS));
      computeS = arithmetic.plus(computeS, seconds);
    }
    const waitS = underWay.finish(this.#queue);
    this.tally.overlapped(computeS, waitS, arithmetic.plus(moving.latencyS, moving.moveS));
    this.#pass(arithmetic.plus(computeS, waitS));
  }

  /** Time that has passed for everything but the queue. */
  #pass(seconds: T): void {
    const arithmetic = this.#arithmetic;
    if (arithmetic.magnitude(this.#sinceReadS) < this.#forgottenS)
      this.#sinceReadS = arithmetic.plus(this.#sinceReadS, seconds);
    if (arithmetic.magnitude(this.#launchLeftS) === 0) return;
    this.#launchLeftS = arithmetic.larger(this.#none, arithmetic.minus(this.#launchLeftS, seconds));
    if (arithmetic.magnitude(this.#launchLeftS) > 0) return;
    this.#launchingS = 0;
    this.#holdsAll = false;
  }

  /** Waits so long for copies to land. */
  #wait(seconds: T): void {
    this.tally.exposed(seconds);
    this.#pass(seconds);
    this.#queue.alone(seconds);
  }

  #issue(runs: readonly ScheduledRun[], place: number): void {
    const arithmetic = this.#arithmetic;
    for (const { ahead, issuerAhead, window, bytes, chunks } of runs) {
      const streamS = this.#queue.idleS;
      const idle = { streamS, engineS: arithmetic.smaller(streamS, this.#sinceReadS) };
      const moveS = arithmetic.over(bytes, this.#chunkBytesPerS);
      const firstS = firstPauseS(arithmetic, this.#quantities.engine, this.#pausedS, idle);
      const pauseS = arithmetic.plus(firstS, arithmetic.times(this.#betweenS, chunks - 1));
      const isHeld = arithmetic.magnitude(this.#launchLeftS) > 0 && this.#queue.empty;
      this.tally.prefetch(moveS, pauseS);
      this.#issuedBytes += bytes;
      const block = place + ahead;
      const issuedBy = place + issuerAhead;
      this.#queue.push({ block, issuedBy, window, moveS, pauseS, chunks });
      if (!isHeld) continue;
      this.#queue.hold(this.#launchLeftS);
      this.#holdsAll = true;
    }
  }

  /** Host launches of collectives that are due now, one after another; they hold back the chunk behind the one in flight. */
  #launch(launches: number): void {
    if (launches === 0) return;
    const arithmetic = this.#arithmetic;
    const beforeS = this.#launchingS;
    this.#launchingS = beforeS + launches * this.#system.host.launchWindowS;
    const moreS = arithmetic.constant(this.#launchingS - beforeS);
    this.#launchLeftS = arithmetic.plus(this.#launchLeftS, moreS);
    if (this.#holdsAll) {
      this.#queue.hold(moreS);
      return;
    }
    const { chunkS } = this.#queue;
    if (chunkS === null) return;
    const periodS = arithmetic.plus(chunkS, arithmetic.constant(this.#pausedS));
    const holdS = launchHoldS(arithmetic, this.#launchingS, periodS);
    this.#queue.hold(arithmetic.minus(holdS, launchHoldS(arithmetic, beforeS, periodS)));
  }

  #collective(segment: CollectiveSegment): void {
    const transport = this.#transport!;
    if (transport.kind === 'flow') {
      this.#pass(this.#flowCollective(transport, segment));
      return;
    }
    this.#pass(this.#stagedCollective(transport, segment));
    this.#sinceReadS = this.#none;
  }

  #stagedCollective(transport: StagedCopyTransport, segment: CollectiveSegment): T {
    const arithmetic = this.#arithmetic;
    const quantities = this.#quantities;
    const { gapS } = quantities.engine;
    const { exchanges, aloneS, reads } = this.#stagedAlone(transport, segment);
    const busyS = this.#queue.allLeftS;
    const [first] = exchanges;
    const { h2d } = quantities.stagedLink(transport, first!, busyS);
    const readS = arithmetic.plus(gapS, arithmetic.over(first!.pieceBytes, h2d));
    let seconds = aloneS;
    if (this.#plan.stagedInCopyStream) {
      // The pieces queue behind what was issued before them; writing them out goes on meanwhile.
      const readsS = arithmetic.plus(busyS, arithmetic.times(readS, reads));
      const lostS = lostToWritesS(arithmetic, exchanges, quantities.copies);
      seconds = arithmetic.larger(aloneS, arithmetic.plus(readsS, lostS));
      this.#queue.alone(seconds);
    } else if (this.#queue.empty) {
      this.#queue.alone(seconds);
    } else {
      const { paceS, chunkBytes } = this.#plan;
      seconds = quantities.besideTimeSlices(this.#queue, {
        ...{ pieces: reads, pieceS: readS, aloneS, sinceReadS: this.#sinceReadS },
        ...{ sliceS: this.#system.gpu.copyEngine.turnS, gapS },
        chunkS: arithmetic.over(chunkBytes, quantities.copies.h2d),
        pauseS: paceS > 0 ? this.#betweenS : this.#none,
      });
    }
    this.tally.collective(seconds, seconds, aloneS);
    return seconds;
  }

  #stagedAlone(transport: StagedCopyTransport, segment: CollectiveSegment): StagedAlone<T> {
    const known = this.#stagedCollectives.get(segment);
    if (known !== undefined) return known;
    const { arithmetic, engine, latencyS } = this.#quantities;
    const { collective, sentBytes } = segment;
    const exchanges = stagedPieces(collective, sentBytes, this.#workload.ranks, this.#plan.pieceBytes);
    const costs = { ...engine, latencyS, flagS: arithmetic.constant(transport.flagS) };
    const aloneS = stagedAloneS(arithmetic, costs, exchanges, (exchange) =>
      this.#quantities.stagedLink(transport, exchange, this.#none),
    );
    const reads = exchanges.reduce((sum, exchange) => sum + exchange.reads, 0);
    const staged = { exchanges, aloneS, reads };
    this.#stagedCollectives.set(segment, staged);
    return staged;
  }

  #flowCollective(transport: FlowTransport, segment: CollectiveSegment): T {
    const arithmetic = this.#arithmetic;
    const seconds = this.#moving(transport, segment).map(({ latencyS, moveS, sharing }) => {
      this.#queue.alone(latencyS);
      const besideS = this.#queue.beside(moveS, sharing);
      const phaseS = arithmetic.plus(latencyS, besideS);
      this.tally.collective(phaseS, besideS, moveS);
      return phaseS;
    });
    return seconds.reduce((sum, phaseS) => arithmetic.plus(sum, phaseS));
  }

  /** The flows of a collective by themselves, and what they leave of the copies beside them. */
  #moving(transport: FlowTransport, segment: CollectiveSegment): readonly MovingCollective<T>[] {
    const known = this.#movingCollectives.get(segment);
    if (known !== undefined) return known;
    const { arithmetic } = this.#quantities;
    const phases = phasesOf(this.#system, transport, segment, this.#workload.ranks);
    const moving = phases.map((phase): MovingCollective<T> => {
      const { rate, retained } = this.#quantities.moving(phase.transport, segment.collective);
      return {
        latencyS: this.#quantities.startUpOf(phase.transport),
        moveS: arithmetic.over(bytesWithFill(phase.transport, phase.sentBytes), rate),
        sharing: { ...retained, longerPauseS: this.#longerPauseS(phase.transport, segment) },
      };
    });
    this.#movingCollectives.set(segment, moving);
    return moving;
  }

  /** How much longer a chunk's pause is beside a collective; a pause that was asked for hides nothing of it. */
  #longerPauseS({ collectives }: FlowTransport, { collective }: CollectiveSegment): T {
    const { arithmetic, engine } = this.#quantities;
    const { gapS } = collectives[collective].besideH2d;
    if (gapS === null) return this.#none;
    return arithmetic.larger(this.#none, arithmetic.minus(arithmetic.constant(gapS), engine.gapS));
  }
}
