import { retained } from '../physics/besideCollective.ts';
import { noRoomS, segmentTimeS, slowdownOf } from '../physics/compute.ts';
import {
  BACK_TO_BACK,
  betweenChunksS,
  firstPauseS,
  launchHoldS,
  restOfPaceS,
} from '../physics/copyPauses.ts';
import { sourceBytesPerS } from '../physics/copySource.ts';
import { bytesWithFill, runningRanks } from '../physics/linkShare.ts';
import { copyRates, pairRates } from '../physics/rates.ts';
import {
  type Link,
  lostToWritesS,
  type StagedPieces,
  stagedCopyAloneS,
  stagedPieces,
} from '../physics/stagedCopy.ts';
import { stagedLink } from '../physics/stagedLink.ts';
import { checkIssuedBytes, type Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import { collectiveTransport, type FlowTransport, type Transport } from '../system/transport.ts';
import type { CollectiveSegment, ComputeSegment, OverlappedSegment, Workload } from '../workload/workload.ts';
import { CollectiveUnderWay } from './collectiveUnderWay.ts';
import { CopyQueue } from './copyQueue.ts';
import type { BlockIssues, ScheduledRun } from './issueSchedule.ts';
import { itineraryOf, sameValues } from './itinerary.ts';
import type { StepTimes } from './report.ts';
import { besideTimeSlices } from './timeSlices.ts';
import type { WalkObserver } from './walkObserver.ts';

/** Seconds by which the state that a block leaves may differ from the one that it found. */
const SAME_STATE = 1e-12;

const NO_TIMES: StepTimes = {
  stepTimeS: 0,
  computeS: 0,
  collectiveS: 0,
  exposedPrefetchS: 0,
  collectiveInflationS: 0,
  prefetchS: 0,
};

/** One rank's walk through a plan's steps, as `closedForm` describes it. */
export class Walk {
  readonly #workload: Workload;
  readonly #system: System;
  readonly #plan: Plan;
  /** Ranks on one GPU. */
  readonly #sharing: number;
  readonly #clock: number;
  readonly #observer: WalkObserver | undefined;
  readonly #queue = new CopyQueue();
  readonly #transport: Transport | null;
  readonly #copy: Link;
  readonly #issues: readonly BlockIssues[];
  readonly #times: Map<object, number> = new Map();
  /** Blocks begun, over passes and steps. */
  #count = 0;
  /** Bytes that the present step has issued. */
  #issuedBytes = 0;
  /** Per block of a pass and launch point; null where launches hold no chunks. */
  readonly #launches: readonly (readonly number[])[] | null;
  /** Per block of a pass: how many of the next ones do just what it does. */
  readonly #alike: readonly number[];
  /** Seconds from a chunk's last byte to the first one of the next. */
  readonly #betweenS: number;
  /** Idle time (s) after which neither a pause, nor an awake engine, nor a time slice is left of what came before. */
  readonly #forgottenS: number;
  /** Seconds since a staged collective last read a piece. */
  #sinceReadS = Number.POSITIVE_INFINITY;
  /** Seconds until the host has launched all collectives whose launch has begun or is due. */
  #launchLeftS = 0;
  /** Seconds that those take together which have followed each other without a break. */
  #launchingS = 0;
  /** No chunk was in flight when they came upon the first run that they hold. */
  #holdsAll = false;

  constructor(workload: Workload, system: System, plan: Plan, clock: number, observer?: WalkObserver) {
    this.#workload = workload;
    this.#system = system;
    this.#plan = plan;
    this.#transport = collectiveTransport(system, plan, workload.ranks);
    this.#sharing = system.peer === 'colocated' ? runningRanks(system, workload.ranks) : 1;
    this.#clock = clock;
    this.#observer = observer;
    this.#copy = copyRates(system, workload.ranks);
    const { copyEngine } = system.gpu;
    this.#betweenS = betweenChunksS(copyEngine, plan.paceS);
    this.#forgottenS = plan.paceS + copyEngine.paceOverheadS + copyEngine.startUpS + copyEngine.turnS;
    const { issues, launches, alike } = itineraryOf(workload, system, plan);
    this.#issues = issues;
    this.#launches = launches;
    this.#alike = alike;
  }

  /** Before the first step: the copies that the blocks before it would have issued are issued now. */
  startCold(): void {
    if (this.#plan.sequential) return;
    const { length } = this.#issues;
    const early = this.#issues.flatMap(({ atStart, afterCollective }, index) =>
      [atStart, ...afterCollective]
        .flat()
        .filter(({ ahead }) => index + ahead >= length)
        .map((run) => ({ ...run, place: index - length })),
    );
    const unseen = { ...NO_TIMES };
    for (const { place, ...run } of early) this.#issue([run], place, unseen);
  }

  /** Walks one step and returns its times; the first call starts with every first copy landed, unless the walk starts cold. */
  step(): StepTimes {
    this.#observer?.step();
    this.#issuedBytes = 0;
    const times: StepTimes = { ...NO_TIMES };
    for (let pass = 0; pass < this.#workload.passes; pass += 1) {
      let before: number[] = [];
      for (let block = 0; block < this.#workload.blocks.length; block += 1) {
        const until = { ...times };
        const issuedBefore = this.#issuedBytes;
        this.#block(block, times);
        const after = this.#state();
        // Where a block leaves what it found, those like it do the same again; an observer sees each.
        const again = this.#observer === undefined ? this.#alike[block]! : 0;
        if (again > 0 && sameValues(after, before, SAME_STATE)) {
          for (const key of Object.keys(times) as (keyof StepTimes)[])
            times[key] += again * (times[key] - until[key]);
          this.#queue.shift(again);
          this.#count += again;
          this.#issuedBytes += again * (this.#issuedBytes - issuedBefore);
          block += again;
        }
        before = after;
      }
    }
    checkIssuedBytes('the closed form', this.#plan, this.#workload.passes, this.#issuedBytes);
    times.stepTimeS = times.computeS + times.collectiveS + times.exposedPrefetchS;
    return times;
  }

  #state(): number[] {
    const launching = [this.#launchLeftS, this.#launchingS, this.#holdsAll ? 1 : 0];
    const idleS = [this.#queue.idleS, this.#sinceReadS].map((seconds) => Math.min(seconds, this.#forgottenS));
    return [...this.#queue.state(this.#count), ...idleS, ...launching];
  }

  #block(index: number, times: StepTimes): void {
    const plan = this.#plan;
    const place = this.#count++;
    const { atStart, afterCollective } = this.#issues[index]!;
    const isFirst = ({ ahead }: ScheduledRun) => plan.sequential || ahead === 0;
    this.#issue(atStart.filter(isFirst), place, times);
    const drains = plan.drainAtPassStart && index === 0;
    this.#waitFor(drains ? Number.POSITIVE_INFINITY : place, times);
    this.#issue(
      atStart.filter((run) => !isFirst(run)),
      place,
      times,
    );
    let collectives = 0;
    const { segments } = this.#workload.blocks[index]!;
    const launches = this.#launches?.[index] ?? [];
    if (segments.every(({ kind }) => kind !== 'collective')) this.#launch(launches[0] ?? 0);
    for (const segment of segments) {
      if (segment.kind === 'compute') {
        this.#observer?.compute(segment);
        const seconds = this.#computeS(segment);
        times.computeS += seconds;
        this.#pass(seconds);
        const [shutS, openS] = this.#shutS(segment);
        this.#queue.alone(openS + seconds - shutS);
        continue;
      }
      if (segment.kind === 'overlapped') {
        this.#observer?.overlapped(segment);
        this.#overlapped(segment, times);
        continue;
      }
      this.#launch(launches[collectives] ?? 0);
      collectives += 1;
      if (plan.yieldRule === 'drain') this.#drain(place, collectives, times);
      this.#observer?.collective(segment);
      const seconds = this.#collective(segment, times);
      times.collectiveS += seconds;
      this.#pass(seconds);
      if (this.#transport!.kind === 'staged-copy') this.#sinceReadS = 0;
      this.#issue(afterCollective[collectives - 1]!, place, times);
    }
  }

  /**
   * A pause is a kernel: while a segment leaves it no room, the chunks stop behind the one that is under way. Seconds without room,
   * and of them those of that chunk.
   */
  #shutS(segment: ComputeSegment): [shutS: number, openS: number] {
    const { gpu } = this.#system;
    const shutS =
      this.#plan.paceS === 0 ? 0 : noRoomS(segment, gpu) * slowdownOf(gpu, segment.class, this.#clock);
    const oneChunkS = this.#betweenS + this.#plan.chunkBytes / this.#copy.h2d;
    return [shutS, Math.min(shutS, oneChunkS)];
  }

  /** Compute and a collective that begin together and are waited for together; copies share the link with the collective. */
  #overlapped({ collective, compute }: OverlappedSegment, times: StepTimes): void {
    const { latencyS, moveS, sharing } = this.#flow(this.#transport as FlowTransport, collective);
    const underWay = new CollectiveUnderWay(latencyS, moveS, sharing);
    let computeS = 0;
    for (const segment of compute) {
      const seconds = this.#computeS(segment);
      const [shutS, openS] = this.#shutS(segment);
      underWay.beside(this.#queue, openS);
      underWay.alone(shutS - openS);
      underWay.beside(this.#queue, seconds - shutS);
      computeS += seconds;
    }
    const waitS = underWay.finish(this.#queue);
    times.computeS += computeS;
    times.collectiveS += waitS;
    times.collectiveInflationS += Math.max(0, waitS - Math.max(0, latencyS + moveS - computeS));
    this.#pass(computeS + waitS);
  }

  /** Time that has passed for everything but the queue. */
  #pass(seconds: number): void {
    this.#sinceReadS += seconds;
    this.#launchLeftS = Math.max(0, this.#launchLeftS - seconds);
    if (this.#launchLeftS === 0) {
      this.#launchingS = 0;
      this.#holdsAll = false;
    }
  }

  #computeS(segment: ComputeSegment): number {
    let seconds = this.#times.get(segment);
    if (seconds === undefined) {
      const { gpu } = this.#system;
      seconds = segmentTimeS(segment, gpu) * slowdownOf(gpu, segment.class, this.#clock) * this.#sharing;
      this.#times.set(segment, seconds);
    }
    return seconds;
  }

  /** Waits until the copies of all blocks up to a place have landed. */
  #waitFor(block: number, times: StepTimes): void {
    this.#observer?.waitFor(block);
    this.#wait(this.#queue.leftS(block), times);
  }

  /** Waits until all that comes before a block's n-th collective in program order has landed. */
  #drain(place: number, collectives: number, times: StepTimes): void {
    this.#observer?.drain(place, collectives);
    this.#wait(this.#queue.leftBeforeS(place, collectives), times);
  }

  #wait(seconds: number, times: StepTimes): void {
    times.exposedPrefetchS += seconds;
    this.#pass(seconds);
    this.#queue.alone(seconds);
  }

  #issue(runs: readonly ScheduledRun[], place: number, times: StepTimes): void {
    const { gpu } = this.#system;
    const { paceS } = this.#plan;
    const rate = Math.min(this.#copy.h2d, sourceBytesPerS(this.#system, this.#plan) / this.#sharing);
    for (const { ahead, issuerAhead, window, bytes, chunks } of runs) {
      const streamS = this.#queue.idleS;
      const idle = { streamS, engineS: Math.min(streamS, this.#sinceReadS) };
      const moveS = bytes / rate;
      const pauseS = firstPauseS(gpu.copyEngine, paceS, idle) + (chunks - 1) * this.#betweenS;
      const block = place + ahead;
      const issuedBy = place + issuerAhead;
      const isHeld = this.#launchLeftS > 0 && this.#queue.empty;
      this.#observer?.issue({ block, issuedBy, window, bytes, chunks, idle, isHeld });
      times.prefetchS += moveS + pauseS;
      this.#issuedBytes += bytes;
      this.#queue.push({ block, issuedBy, window, moveS, pauseS, chunks });
      if (!isHeld) continue;
      this.#queue.hold(this.#launchLeftS);
      this.#holdsAll = true;
    }
  }

  /** Host launches of collectives that are due now, one after another; they hold back the chunk behind the one in flight. */
  #launch(launches: number): void {
    if (launches === 0) return;
    const beforeS = this.#launchingS;
    this.#launchingS = beforeS + launches * this.#system.host.launchWindowS;
    this.#launchLeftS += this.#launchingS - beforeS;
    const { chunkS } = this.#queue;
    const holds = this.#holdsAll ? 'all' : chunkS === null ? 'nothing' : 'next';
    this.#observer?.launch({ beforeS, launchingS: this.#launchingS, holds });
    if (holds === 'all') this.#queue.hold(this.#launchingS - beforeS);
    if (chunkS === null || holds === 'all') return;
    const periodS = chunkS + restOfPaceS(this.#system.gpu.copyEngine, this.#plan.paceS, BACK_TO_BACK);
    this.#queue.hold(launchHoldS(this.#launchingS, periodS) - launchHoldS(beforeS, periodS));
  }

  #collective(segment: CollectiveSegment, times: StepTimes): number {
    const transport = this.#transport!;
    if (transport.kind === 'flow') return this.#flowCollective(transport, segment, times);
    const { copyEngine } = this.#system.gpu;
    const pieces = stagedPieces(
      segment.collective,
      segment.sentBytes,
      this.#workload.ranks,
      this.#plan.pieceBytes,
    );
    const linkOf = (exchange: StagedPieces, delayS: number) =>
      stagedLink(this.#system, transport, this.#workload.ranks, exchange, delayS);
    const aloneS = stagedCopyAloneS(transport, copyEngine, pieces, (exchange) => linkOf(exchange, 0));
    const reads = pieces.reduce((sum, exchange) => sum + exchange.reads, 0);
    const busyS = this.#queue.allLeftS;
    const { h2d } = linkOf(pieces[0]!, busyS);
    const readS = copyEngine.gapS + pieces[0]!.pieceBytes / h2d;
    let seconds = aloneS;
    if (this.#plan.stagedInCopyStream) {
      // The pieces queue behind what was issued before them; writing them out goes on meanwhile.
      seconds = Math.max(aloneS, busyS + reads * readS + lostToWritesS(pieces, this.#copy));
      this.#queue.alone(seconds);
    } else if (busyS > 0) {
      const { paceS, chunkBytes } = this.#plan;
      seconds = besideTimeSlices(this.#queue, {
        ...{ pieces: reads, pieceS: readS, aloneS },
        ...{ sliceS: copyEngine.turnS, gapS: copyEngine.gapS, chunkS: chunkBytes / this.#copy.h2d },
        ...{ pauseS: paceS > 0 ? this.#betweenS : 0, sinceReadS: this.#sinceReadS },
      });
    } else {
      this.#queue.alone(seconds);
    }
    times.collectiveInflationS += seconds - aloneS;
    return seconds;
  }

  /** How much longer a chunk's pause is beside a collective; a pause that was asked for hides nothing of it. */
  #longerPauseS(besideS: number | null): number {
    return besideS === null ? 0 : Math.max(0, besideS - this.#system.gpu.copyEngine.gapS);
  }

  #flowCollective(transport: FlowTransport, segment: CollectiveSegment, times: StepTimes): number {
    const { latencyS, moveS, sharing } = this.#flow(transport, segment);
    this.#queue.alone(latencyS);
    const seconds = this.#queue.beside(moveS, sharing);
    times.collectiveInflationS += seconds - moveS;
    return latencyS + seconds;
  }

  /** A collective by itself, and what it leaves of the copies beside it. */
  #flow(transport: FlowTransport, segment: CollectiveSegment) {
    const rates = pairRates(
      this.#system,
      this.#workload.ranks,
      transport,
      segment.collective,
      sourceBytesPerS(this.#system, this.#plan),
    );
    const moveS = bytesWithFill(transport, segment.sentBytes) / rates.collectiveAlone;
    const longerPauseS = this.#longerPauseS(transport.collectives[segment.collective].besideH2d.gapS);
    return { latencyS: transport.latencyS, moveS, sharing: { ...retained(rates), longerPauseS } };
  }
}
