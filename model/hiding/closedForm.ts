import { checkIssuedBytes, type Plan } from '../plan/plan.ts';
import type { StepTimes } from '../report.ts';
import { noRoomS, segmentTimeS, slowdownOf } from '../roofline/segmentTime.ts';
import { bytesWithFill, runningRanks } from '../system/linkShare.ts';
import { transportOf } from '../system/load.ts';
import { stagedCopyAloneS, stagedPieces } from '../system/stagedCopy.ts';
import type { FlowTransport, System, Transport } from '../system/system.ts';
import type { CollectiveKind, CollectiveSegment, ComputeSegment, Workload } from '../workload/workload.ts';
import { CopyQueue } from './copyQueue.ts';
import { type BlockIssues, issueSchedule, type ScheduledRun } from './issueSchedule.ts';
import { copyRates, type PairRates, pairRates } from './rates.ts';
import type { WalkObserver } from './walkObserver.ts';

/** Seconds by which the state that a block leaves may differ from the one that it found. */
const SAME_STATE = 1e-12;
/** So long after a read, no stream's turn is left of it. */
const LONG_AGO_S = 10;

/** Steps walked at most until one takes as long as the one before. */
const MAX_STEPS = 6;

/**
 * The hiding model in closed form: step time of a plan without simulating events.
 *
 * One rank stands for all, since all do the same. The step is walked block by block and window by window; in
 * each, elementary formulas say how much of the prefetch fits and what the rest costs:
 *
 * - compute of w seconds hides w seconds of copying;
 * - a collective of c seconds beside copying takes c / collective share of it, while copies go at their share
 *   (rates.ts), and at full speed for what is left when either ends;
 * - a block whose weights have not landed waits for exactly what is left of them: exposed prefetch;
 * - a drained collective waits for all that was issued; a yielding window's chunks start when the collective
 *   before it has ended;
 * - copy-engine collectives on a stream of their own get one piece per turn beside a full prefetch stream, and
 *   queue in order when they share its stream.
 *
 * What it leaves out, on purpose: that chunks are not divisible, that ranks may differ, and which copy is in
 * flight at a boundary. `simulate` has all three.
 *
 * @param observer is told every block of every step that was walked.
 */
export function closedForm(
  workload: Workload,
  system: System,
  plan: Plan,
  clock = 1,
  observer?: WalkObserver,
): StepTimes {
  const walk = new Walk(workload, system, plan, clock, observer);
  let before = walk.step();
  for (let step = 1; step < MAX_STEPS; step += 1) {
    const now = walk.step();
    if (Math.abs(now.stepTimeS - before.stepTimeS) <= 1e-9 * now.stepTimeS) return now;
    before = now;
  }
  return before;
}

class Walk {
  readonly #workload: Workload;
  readonly #system: System;
  readonly #plan: Plan;
  /** Ranks on one GPU. */
  readonly #sharing: number;
  readonly #clock: number;
  readonly #observer: WalkObserver | undefined;
  readonly #queue = new CopyQueue();
  readonly #transport: Transport | undefined;
  readonly #pairs = new Map<CollectiveKind, PairRates>();
  readonly #copy: { h2d: number; d2h: number; both: number };
  readonly #issues: readonly BlockIssues[];
  readonly #times: Map<object, number> = new Map();
  /** Blocks begun, over passes and steps. */
  #count = 0;
  /** Bytes that the present step has issued. */
  #issuedBytes = 0;
  /** Per block of a pass: how many of the next ones do just what it does. */
  readonly #alike: readonly number[];
  /** Seconds since a staged collective last read a piece, which ended the prefetch's wait for the engine. */
  #sinceReadS = Number.POSITIVE_INFINITY;

  constructor(workload: Workload, system: System, plan: Plan, clock: number, observer?: WalkObserver) {
    this.#workload = workload;
    this.#system = system;
    this.#plan = plan;
    this.#transport = workload.ranks > 1 ? transportOf(system, plan.transport) : undefined;
    this.#sharing = system.peer === 'colocated' ? runningRanks(system, workload.ranks) : 1;
    this.#clock = clock;
    this.#observer = observer;
    this.#copy = copyRates(system, workload.ranks);
    this.#issues = issueSchedule(workload, system, plan);
    this.#alike = this.#countAlike();
  }

  #countAlike(): number[] {
    const { blocks } = this.#workload;
    const isLike = (one: number, other: number) =>
      blocks[one] === blocks[other] && issueAlike(this.#issues[one]!, this.#issues[other]!);
    const alike = blocks.map(() => 0);
    // A pass's first block may have to wait for all copies.
    for (let block = blocks.length - 2; block > 0; block -= 1) {
      if (isLike(block, block + 1)) alike[block] = alike[block + 1]! + 1;
    }
    return alike;
  }

  /** Walks one step and returns its times; the first call starts with every first copy landed. */
  step(): StepTimes {
    this.#observer?.step();
    this.#issuedBytes = 0;
    const times: StepTimes = {
      stepTimeS: 0,
      computeS: 0,
      collectiveS: 0,
      exposedPrefetchS: 0,
      collectiveInflationS: 0,
      prefetchS: 0,
    };
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
    return [...this.#queue.state(this.#count), Math.min(this.#sinceReadS, LONG_AGO_S)];
  }

  #block(index: number, times: StepTimes): void {
    const plan = this.#plan;
    const place = this.#count++;
    const { atStart, afterCollective } = this.#issues[index]!;
    if (plan.sequential) this.#issue(atStart, index, place, times);
    const drains = plan.drainAtPassStart && index === 0;
    this.#waitFor(drains ? Number.POSITIVE_INFINITY : place, times);
    if (!plan.sequential) this.#issue(atStart, index, place, times);
    let collectives = 0;
    for (const segment of this.#workload.blocks[index]!.segments) {
      if (segment.kind === 'compute') {
        this.#observer?.compute(segment);
        const seconds = this.#computeS(segment);
        times.computeS += seconds;
        this.#sinceReadS += seconds;
        this.#copyBeside(segment, seconds);
        continue;
      }
      collectives += 1;
      if (plan.yieldRule === 'drain') this.#drain(place, collectives, times);
      this.#observer?.collective(segment);
      const seconds = this.#collective(segment, times);
      times.collectiveS += seconds;
      this.#sinceReadS = 0;
      this.#issue(afterCollective[collectives - 1]!, index, place, times);
    }
  }

  /** A pause is a kernel: while a segment leaves it no room, the chunks stop behind the one that is under way. */
  #copyBeside(segment: ComputeSegment, seconds: number): void {
    const { gpu } = this.#system;
    const shutS =
      this.#plan.paceS === 0 ? 0 : noRoomS(segment, gpu) * slowdownOf(gpu, segment.class, this.#clock);
    const oneChunkS = this.#betweenChunksS() + this.#plan.chunkBytes / this.#copy.h2d;
    this.#queue.alone(Math.min(shutS, oneChunkS) + seconds - shutS);
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
    this.#sinceReadS += seconds;
    this.#queue.alone(seconds);
  }

  #issue(runs: readonly ScheduledRun[], index: number, place: number, times: StepTimes): void {
    const { gpu, host } = this.#system;
    const { startUpS } = gpu.copyEngine;
    for (const { ahead, window, bytes, chunks } of runs) {
      const betweenS = this.#betweenChunksS();
      const rate = this.#plan.sequential
        ? Math.min(this.#copy.h2d, host.pageableBytesPerS / this.#sharing)
        : this.#copy.h2d;
      const startsIdle = this.#queue.empty;
      const firstS = startsIdle ? startUpS : betweenS;
      const moveS = bytes / rate;
      const launches = this.#launches(index);
      const pauseS = firstS + (chunks - 1) * betweenS + this.#launchPausesS(launches, moveS / chunks);
      const block = place + ahead;
      this.#observer?.issue({ block, issuedBy: place, window, bytes, chunks, startsIdle, launches });
      times.prefetchS += moveS + pauseS;
      this.#issuedBytes += bytes;
      this.#queue.push({ block, issuedBy: place, window, moveS, pauseS, chunks });
    }
  }

  /** Pause from one chunk's last byte to the next one's first. */
  #betweenChunksS(): number {
    const { startUpS, gapS, paceOverheadS } = this.#system.gpu.copyEngine;
    if (this.#plan.paceS === 0) return gapS;
    const paceS = this.#plan.paceS + paceOverheadS;
    return paceS + (paceS < startUpS ? gapS : startUpS);
  }

  /** Host launches of collectives during a block that make chunks wait. */
  #launches(index: number): number {
    if (this.#plan.yieldRule !== 'launch-window') return 0;
    return this.#workload.blocks[index]!.segments.filter(({ kind }) => kind === 'collective').length;
  }

  /**
   * What host launches cost a block's copy: a launch of w seconds comes at a random time of a chunk of c seconds,
   * and the next chunk waits for what is left of w then: w^2 / 2c on average, or w - c/2 for short chunks.
   */
  #launchPausesS(launches: number, chunkS: number): number {
    const launchS = this.#system.host.launchWindowS;
    const one = chunkS > launchS ? launchS ** 2 / (2 * chunkS) : launchS - chunkS / 2;
    return launches * one * 0.5;
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
    const aloneS = stagedCopyAloneS(transport, copyEngine, pieces, this.#copy);
    const reads = pieces.reduce((sum, exchange) => sum + exchange.reads, 0);
    const readS = copyEngine.gapS + pieces[0]!.pieceBytes / this.#copy.h2d;
    const busyS = this.#queue.allLeftS;
    let seconds = aloneS;
    if (this.#plan.stagedInCopyStream) {
      // The pieces queue behind what was issued before them; writing them out goes on meanwhile.
      seconds = Math.max(aloneS, busyS + reads * readS);
      this.#queue.alone(seconds);
    } else if (busyS > 0) {
      seconds = this.#takeTurns(reads, readS, aloneS);
    }
    times.collectiveInflationS += seconds - aloneS;
    return seconds;
  }

  /**
   * Pieces on a stream of their own beside a full prefetch stream: one per turn, and as many as fit into the
   * pauses of a paced one; at their own pace when the prefetch has ended. A piece that lasts longer than a turn
   * is itself taken away at the turn's end, so the two streams alternate turn by turn.
   */
  #takeTurns(pieces: number, pieceS: number, aloneS: number): number {
    const { turnS, gapS } = this.#system.gpu.copyEngine;
    const { chunkBytes, paceS } = this.#plan;
    const aloneOnePieceS = aloneS / pieces;
    const turnLastsS = paceS > 0 ? Math.min(turnS, chunkBytes / this.#copy.h2d) : turnS;
    const pauseS = paceS > 0 ? this.#betweenChunksS() : 0;
    const turnsPerPiece = Math.max(1, Math.ceil(pieceS / turnS));
    let left = pieces;
    // The first piece is written out before it takes its first turn; what is left of that, the prefetch has.
    const writeS = Math.max(0, pieces === 1 ? aloneS - pieceS : aloneOnePieceS - pieceS);
    // Behind another collective the prefetch has only just begun its turn.
    const waitS = Math.min(Math.max(0, turnLastsS - this.#sinceReadS - writeS), this.#queue.allLeftS);
    let elapsed = writeS + waitS;
    this.#queue.alone(elapsed);
    while (left > 0 && !this.#queue.empty) {
      const served = Math.min(left, Math.max(1, pauseS / aloneOnePieceS));
      left -= served;
      elapsed += Math.max(pauseS, pieceS);
      // Between its turns the prefetch stands still; the last piece has nothing to wait for behind it.
      const turns = left > 0 ? turnsPerPiece : turnsPerPiece - 1;
      const prefetchS = Math.min(turns * turnLastsS, this.#queue.allLeftS);
      this.#queue.alone(prefetchS + (left > 0 ? pauseS : 0));
      elapsed += prefetchS + gapS;
    }
    return elapsed + left * aloneOnePieceS;
  }

  /** How much longer a chunk's pause is beside a collective; a pause that was asked for hides nothing of it. */
  #longerPauseS(besideS: number | null): number {
    return besideS === null ? 0 : Math.max(0, besideS - this.#system.gpu.copyEngine.gapS);
  }

  #flowCollective(transport: FlowTransport, segment: CollectiveSegment, times: StepTimes): number {
    let rates = this.#pairs.get(segment.collective);
    if (rates === undefined) {
      rates = pairRates(this.#system, this.#workload.ranks, transport, segment.collective);
      this.#pairs.set(segment.collective, rates);
    }
    const moveS = bytesWithFill(transport, segment.sentBytes) / rates.collectiveAlone;
    this.#queue.alone(transport.latencyS);
    const seconds = this.#queue.beside(moveS, {
      h2d: rates.h2dShared / rates.h2dAlone,
      collective: rates.collectiveShared / rates.collectiveAlone,
      longerPauseS: this.#longerPauseS(transport.collectives[segment.collective].besideH2d.gapS),
    });
    times.collectiveInflationS += seconds - moveS;
    return transport.latencyS + seconds;
  }
}

/** Whether two blocks issue the same bytes for blocks equally far ahead, in the same order. */
function issueAlike(one: BlockIssues, other: BlockIssues): boolean {
  const alike = (some: readonly ScheduledRun[], others: readonly ScheduledRun[]) =>
    some.length === others.length &&
    some.every(({ ahead, window, bytes }, index) => {
      const like = others[index]!;
      return ahead === like.ahead && window === like.window && bytes === like.bytes;
    });
  return (
    alike(one.atStart, other.atStart) &&
    one.afterCollective.every((runs, index) => alike(runs, other.afterCollective[index]!))
  );
}

function sameValues(some: readonly number[], others: readonly number[], slack: number): boolean {
  return (
    some.length === others.length && some.every((value, index) => Math.abs(value - others[index]!) <= slack)
  );
}
