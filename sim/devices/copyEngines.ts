import { pacedS, takingS } from '../../model/physics/copyPauses.ts';
import type { CopyEngine } from '../../model/system/system.ts';
import type { FlowSystem } from '../sharing/flowSystem.ts';
import { CopyChannels, type CopyRun, NOTHING_LEFT_BYTES } from './copyChannels.ts';
import type { CopyEngineHost } from './copyEngineHost.ts';
import { EVENT } from './events.ts';
import type { StagedBytes } from './stagedBytes.ts';
import { StagedRoutes } from './stagedRoutes.ts';
import { TIE, TimeSlices } from './timeSlices.ts';
import { endOfRun, positionAt, type UndisturbedRun } from './undisturbedRun.ts';
import { UndisturbedRuns } from './undisturbedRuns.ts';

const IDLE = 0;
/** The pause before a chunk moves its first byte. */
const STARTING = 1;
/** A chunk is a flow on the links. */
const MOVING = 2;
/** Nobody else is on the links: chunk boundaries follow from the clock, and only the run's end is an event. */
const ALONE = 3;

/**
 * The copy engines: one per GPU and direction, each a server of its streams ("channels").
 *
 * Laws, each measured (the machine file says where): a copy starts after a start-up, shorter behind another copy
 * of the same stream; a stream keeps the engine for a turn while another has a copy ready, then the engine goes
 * round, even in the middle of a chunk; a copy that must wait for an event ends its stream's turn; stream
 * priority does not exist.
 *
 * While one stream has an engine and its links to itself, chunks are not events: their boundaries are computed
 * when somebody else appears (`disturb`).
 */
export class CopyEngines {
  readonly #host: CopyEngineHost;
  readonly #flows: FlowSystem;
  readonly #timing: CopyEngine;
  readonly #route: readonly number[];
  readonly #rate: readonly number[];
  readonly #uses: readonly (readonly { resource: number }[])[];
  readonly #channels: CopyChannels;
  readonly #slices: TimeSlices;
  readonly #undisturbed: UndisturbedRuns;
  /** Null where memory serves all that is staged. */
  readonly #staged: StagedRoutes | null;
  readonly #phase: Uint8Array;
  readonly #lastEnd: Float64Array;
  readonly #timerAt: Float64Array;
  readonly #flow: Int32Array;
  readonly #movingSince: Float64Array;
  /** Engines that something happened to; one that something happens to as it chooses is listed once more. */
  readonly #dirty: number[] = [];
  #dirtyCount = 0;
  readonly #isDirty: Uint8Array;

  constructor(
    host: CopyEngineHost,
    flows: FlowSystem,
    timing: CopyEngine,
    engines: readonly {
      route: number;
      bytesPerS: number;
      uses: readonly { resource: number }[];
      memory: number;
    }[],
    /** Engine of each stream that copies. */
    channels: readonly number[],
    resourceCount: number,
    staged: StagedBytes | null,
  ) {
    this.#host = host;
    this.#flows = flows;
    this.#timing = timing;
    this.#route = engines.map((engine) => engine.route);
    this.#rate = engines.map((engine) => engine.bytesPerS);
    this.#uses = engines.map((engine) => engine.uses);
    this.#channels = new CopyChannels(host, channels);
    this.#slices = new TimeSlices(host, this.#channels, timing, engines.length);
    this.#undisturbed = new UndisturbedRuns(flows, this.#uses, resourceCount);
    this.#staged = staged && new StagedRoutes(host, flows, staged, engines);
    const count = engines.length;
    this.#phase = new Uint8Array(count).fill(IDLE);
    this.#lastEnd = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
    this.#timerAt = new Float64Array(count).fill(-1);
    this.#flow = new Int32Array(count).fill(-1);
    this.#movingSince = new Float64Array(count);
    this.#isDirty = new Uint8Array(count);
  }

  /** A run of copies has reached the head of its stream and may go. `waits`: it had to wait for an event first. */
  submit(channel: number, run: CopyRun, waits: boolean): void {
    const engine = this.#channels.engineOf[channel]!;
    const piece = this.#staged !== null && run.role === 'staging' ? run : null;
    this.#channels.submit(channel, run, this.#rate[engine]!, pacedS(this.#timing, run.paceS), piece);
    if (waits && this.#slices.active[engine] === channel) this.#slices.over[engine] = 1;
    this.#mark(engine);
  }

  /** Channels that were held may go on. */
  release(channel: number): void {
    this.#mark(this.#channels.engineOf[channel]!);
  }

  /** Lets every engine that something happened to choose what to do next; call once per instant. */
  dispatchDirty(): void {
    for (let index = 0; index < this.#dirtyCount; index += 1) {
      const engine = this.#dirty[index]!;
      this.#isDirty[engine] = 0;
      this.#dispatch(engine);
    }
    this.#dirtyCount = 0;
  }

  get hasDirty(): boolean {
    return this.#dirtyCount > 0;
  }

  /** Another flow is about to use this resource: chunks that ran by the clock become flows again. */
  disturb(resource: number): void {
    const engine = this.#undisturbed.engineOn(resource);
    if (engine >= 0) this.#materialise(engine);
  }

  /**
   * What decides whom each engine serves next, and when: its stream, how far that stream's turn has gone, whether
   * the engine has gone to sleep, and which pauses are running.
   */
  state(): number[] {
    const { now } = this.#host;
    return [
      ...Array.from(this.#lastEnd).flatMap((lastEnd, engine) => [
        this.#slices.active[engine]!,
        this.#slices.over[engine]!,
        this.#slices.spentS(engine),
        Math.min(now - lastEnd, this.#timing.startUpS),
      ]),
      ...this.#channels.blockedUntil.map((untilS) => Math.max(0, untilS - now)),
    ];
  }

  /** The engine's timer: a pause is over, or an undisturbed run has ended. */
  timer(engine: number): void {
    if (this.#timerAt[engine] !== this.#host.now) return;
    this.#timerAt[engine] = -1;
    if (this.#phase[engine] === STARTING) this.#move(engine);
    else if (this.#phase[engine] === ALONE) this.#endAlone(engine);
  }

  /** A turn is over: if another stream has a copy ready, the chunk in flight is set aside. */
  turn(engine: number): void {
    if (!this.#slices.endsNow(engine)) return;
    if (this.#phase[engine] !== MOVING || !this.#slices.othersReady(engine)) return;
    const channel = this.#slices.active[engine]!;
    // A chunk that ends with its turn ends by itself at this instant; set aside, it would wait a round for no byte.
    if (this.#flows.remaining(this.#flow[engine]!, this.#host.now) < NOTHING_LEFT_BYTES) return;
    this.#host.flowsChange();
    const left = this.#flows.stop(this.#host.now, this.#flow[engine]!);
    this.#account(engine, channel, this.#channels.chunkLeft[channel]! - left);
    this.#slices.over[engine] = 1;
    this.#phase[engine] = IDLE;
    this.#mark(engine);
  }

  /** The pause after a chunk of this channel is over. */
  channelTimer(channel: number): void {
    this.#mark(this.#channels.engineOf[channel]!);
  }

  /** The engine's flow has moved its last byte. */
  flowDone(engine: number): void {
    const channel = this.#slices.active[engine]!;
    this.#account(engine, channel, this.#channels.chunkLeft[channel]!);
    this.#chunkEnds(engine, channel);
  }

  #mark(engine: number): void {
    if (this.#isDirty[engine] === 1) return;
    this.#isDirty[engine] = 1;
    this.#dirty[this.#dirtyCount++] = engine;
  }

  /** A flow of a chunk, or of a part of one, has ended. */
  #account(engine: number, channel: number, moved: number): void {
    this.#channels.move(channel, moved);
    const piece = this.#channels.piece[channel]!;
    if (piece !== null) this.#staged!.ends(engine, piece, moved);
    if (this.#host.recording) this.#host.chunk(channel, this.#movingSince[engine]!, this.#host.now, moved);
  }

  #chunkEnds(engine: number, channel: number): void {
    const { pace, blockedUntil, moved } = this.#channels;
    this.#phase[engine] = IDLE;
    this.#lastEnd[engine] = this.#host.now;
    if (pace[channel]! > 0) {
      blockedUntil[channel] = this.#host.roomAtS(channel) + pace[channel]!;
      this.#host.at(blockedUntil[channel]!, EVENT.channel, channel);
    }
    this.#mark(engine);
    if (this.#channels.endChunk(channel)) this.#host.copyDone(channel, moved[channel]!);
  }

  #dispatch(engine: number): void {
    const { now } = this.#host;
    if (this.#phase[engine] === ALONE && this.#slices.othersReady(engine)) this.#materialise(engine);
    if (this.#phase[engine] === MOVING) this.#slices.limit(engine);
    if (this.#phase[engine] !== IDLE) return;
    const next = this.#slices.choose(engine);
    if (next < 0) return;
    // An engine that stood idle for less than its start-up has not gone to sleep.
    const awake = now - this.#lastEnd[engine]! < this.#timing.startUpS * (1 - TIE);
    this.#slices.serve(engine, next, awake);
    const pauseS = takingS(this.#timing, awake, this.#host.gapS);
    if (this.#mayGoByClock(engine, next)) {
      this.#startAlone(engine, next, pauseS);
      return;
    }
    this.#phase[engine] = STARTING;
    this.#timerAt[engine] = now + pauseS;
    this.#host.at(now + pauseS, EVENT.engine, engine);
  }

  #move(engine: number): void {
    const channel = this.#slices.active[engine]!;
    for (const { resource } of this.#uses[engine]!) this.disturb(resource);
    this.#startFlow(engine, channel, this.#channels.chunkLeft[channel]!);
    this.#movingSince[engine] = this.#host.now;
    this.#slices.limit(engine);
  }

  #startFlow(engine: number, channel: number, bytes: number): void {
    const { now } = this.#host;
    const piece = this.#channels.piece[channel]!;
    const isNew = this.#channels.moved[channel] === 0;
    const route = piece === null ? this.#route[engine]! : this.#staged!.routeOf(engine, piece, isNew);
    this.#phase[engine] = MOVING;
    this.#host.flowsChange();
    const flow = this.#flows.start(now, route, bytes, this.#channels.bound[channel]!, 1, -1 - engine);
    this.#flow[engine] = flow;
    if (piece !== null) this.#staged!.starts(engine, piece, flow, bytes);
  }

  /** Whether this run has the engine and its links to itself, and enough chunks for that to matter. */
  #mayGoByClock(engine: number, channel: number): boolean {
    const { left, chunk, pausable, pace } = this.#channels;
    // A timeline shows every chunk, so it is simulated chunk by chunk.
    if (
      this.#host.recording ||
      left[channel]! < 2 * chunk[channel]! ||
      pausable[channel] === 1 ||
      (this.#host.mayShut && pace[channel]! > 0) ||
      this.#slices.othersReady(engine)
    )
      return false;
    return this.#undisturbed.hasItsLinks(engine);
  }

  /** What an asked-for pause is followed by before the next chunk's first byte. */
  #wakingS(channel: number): number {
    return takingS(this.#timing, this.#channels.pace[channel]! < this.#timing.startUpS);
  }

  #startAlone(engine: number, channel: number, pauseS: number): void {
    const { left, chunkLeft, chunk, bound, pace } = this.#channels;
    this.#phase[engine] = ALONE;
    const run: UndisturbedRun = {
      fromS: this.#host.now,
      firstPauseS: pauseS,
      left: left[channel]!,
      firstLeft: chunkLeft[channel]!,
      chunk: chunk[channel]!,
      bytesPerS: this.#flows.aloneRate(this.#route[engine]!, bound[channel]!),
      betweenS: pace[channel]! + this.#wakingS(channel),
    };
    this.#undisturbed.begin(engine, run);
    this.#timerAt[engine] = endOfRun(run);
    this.#host.at(this.#timerAt[engine]!, EVENT.engine, engine);
  }

  #endAlone(engine: number): void {
    const channel = this.#slices.active[engine]!;
    this.#channels.moved[channel]! += this.#leaveAlone(engine).left;
    this.#channels.left[channel] = 0;
    this.#chunkEnds(engine, channel);
  }

  #leaveAlone(engine: number): UndisturbedRun {
    this.#timerAt[engine] = -1;
    return this.#undisturbed.leave(engine);
  }

  /** Turns a run that went by the clock into the chunk, or the pause, that it is in right now. */
  #materialise(engine: number): void {
    const { now } = this.#host;
    const channels = this.#channels;
    const channel = this.#slices.active[engine]!;
    const run = this.#leaveAlone(engine);
    const { left, chunkLeft, startS, previousEndS } = positionAt(run, now);
    channels.moved[channel]! += run.left - left;
    channels.left[channel] = left;
    channels.chunkLeft[channel] = chunkLeft;
    if (previousEndS !== null) this.#lastEnd[engine] = previousEndS;
    const wakesS = startS - (previousEndS === null ? run.firstPauseS : this.#wakingS(channel));
    // A pause long enough to put the engine to sleep ends a turn, so each of these chunks began one.
    if (previousEndS !== null && channels.pace[channel]! >= this.#timing.startUpS)
      this.#slices.start[engine] = wakesS;
    if (now < wakesS) {
      // In an asked-for pause the engine is free for others.
      this.#phase[engine] = IDLE;
      channels.blockedUntil[channel] = wakesS;
      this.#host.at(wakesS, EVENT.channel, channel);
      this.#mark(engine);
    } else if (now < startS) {
      this.#phase[engine] = STARTING;
      this.#timerAt[engine] = startS;
      this.#host.at(startS, EVENT.engine, engine);
    } else {
      const moved = Math.min((now - startS) * run.bytesPerS, chunkLeft);
      channels.move(channel, moved);
      this.#startFlow(engine, channel, channels.chunkLeft[channel]!);
      this.#movingSince[engine] = startS;
      this.#slices.limit(engine);
    }
  }
}
