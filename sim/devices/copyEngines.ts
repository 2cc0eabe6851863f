import { pacedS, takingS } from '../../model/physics/copyPauses.ts';
import type { CopyOp } from '../../model/program/stepProgram.ts';
import type { CopyEngine } from '../../model/system/system.ts';
import type { FlowSystem } from '../sharing/flowSystem.ts';
import type { StagedBytes } from './stagedBytes.ts';
import { endOfRun, positionAt, type UndisturbedRun } from './undisturbedRun.ts';

/** Times that agree to this share are equal: rounding must not decide who goes first. */
const TIE = 1e-9;
/** Bytes are whole numbers; what is left below one is rounding. */
const NOTHING_LEFT_BYTES = 0.5;

const IDLE = 0;
/** The pause before a chunk moves its first byte. */
const STARTING = 1;
/** A chunk is a flow on the links. */
const MOVING = 2;
/** Nobody else is on the links: chunk boundaries follow from the clock, and only the run's end is an event. */
const ALONE = 3;

/** What the engines need from the simulation around them. */
export interface CopyEngineHost {
  readonly now: number;
  at(timeS: number, kind: 'engine' | 'turn' | 'channel', index: number): void;
  /** The run at this channel's head is done; its flows and undisturbed parts have moved so many bytes. */
  copyDone(channel: number, movedBytes: number): void;
  /** No chunk of this channel may start at present. */
  held(channel: number): boolean;
  /** When a kernel in this channel's stream finds room; now, or when compute leaves some. */
  roomAtS(channel: number): number;
  /** Whether compute ever leaves none. */
  readonly mayShut: boolean;
  /** Bytes of a chunk moved from startS to endS. Only called while recording. */
  chunk(channel: number, startS: number, endS: number, bytes: number): void;
  readonly recording: boolean;
  /** Seconds between back-to-back chunks at present: collectives on the links make it longer. */
  readonly gapS: number;
  /** The route of an engine's read of a staged piece, of which memory serves a share. */
  stagedRead(engine: number, share: number): number;
}

/** A run of copies at the head of its stream: chunks of weights, or one piece of a staged collective. */
export type CopyRun = Pick<
  CopyOp,
  | 'id'
  | 'role'
  | 'direction'
  | 'bytes'
  | 'chunkBytes'
  | 'paceS'
  | 'pausedByHost'
  | 'sourceBytesPerS'
  | 'source'
>;

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
  /** Which host memory each engine copies from or to. */
  readonly #memory: readonly number[];
  /** Null where memory serves all that is staged. */
  readonly #staged: StagedBytes | null;
  /** Channels of each engine, in the order in which it goes round. */
  readonly #channels: number[][] = [];
  readonly #phase: number[] = [];
  readonly #active: number[] = [];
  readonly #lastEnd: number[] = [];
  readonly #turnStart: number[] = [];
  readonly #turnOver: boolean[] = [];
  readonly #timerAt: number[] = [];
  readonly #turnAt: number[] = [];
  readonly #flow: number[] = [];
  readonly #movingSince: number[] = [];
  /** Whether a chunk has become or ceased to be a flow; for whoever shares the links anew. */
  flowsChanged = false;
  /** Engines that something happened to, each once. */
  readonly #dirty: number[] = [];
  #dirtyCount = 0;
  readonly #isDirty: boolean[] = [];
  readonly #aloneOn: Int32Array;
  readonly #alone: (UndisturbedRun | undefined)[] = [];

  // Per channel: the run at the head of its stream.
  readonly #engineOf: number[] = [];
  readonly #ready: boolean[] = [];
  readonly #left: number[] = [];
  /** Bytes of the run that have moved. */
  readonly #moved: number[] = [];
  readonly #chunk: number[] = [];
  readonly #chunkLeft: number[] = [];
  readonly #bound: number[] = [];
  readonly #pace: number[] = [];
  readonly #pausable: boolean[] = [];
  readonly #blockedUntil: number[] = [];
  /** The staged piece; null for other copies, and for all where memory serves every read. */
  readonly #piece: (CopyRun | null)[] = [];

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
    resourceCount: number,
    staged: StagedBytes | null,
  ) {
    this.#host = host;
    this.#flows = flows;
    this.#timing = timing;
    this.#route = engines.map((engine) => engine.route);
    this.#rate = engines.map((engine) => engine.bytesPerS);
    this.#uses = engines.map((engine) => engine.uses);
    this.#memory = engines.map((engine) => engine.memory);
    this.#staged = staged;
    this.#aloneOn = new Int32Array(resourceCount).fill(-1);
    for (const _ of engines) {
      this.#channels.push([]);
      this.#phase.push(IDLE);
      this.#active.push(-1);
      this.#lastEnd.push(Number.NEGATIVE_INFINITY);
      this.#turnStart.push(0);
      this.#turnOver.push(false);
      this.#timerAt.push(-1);
      this.#turnAt.push(-1);
      this.#flow.push(-1);
      this.#movingSince.push(0);
      this.#isDirty.push(false);
      this.#alone.push(undefined);
    }
  }

  /** A stream that uses an engine; returns its channel number. */
  addChannel(engine: number): number {
    const channel = this.#engineOf.length;
    this.#engineOf.push(engine);
    this.#channels[engine]!.push(channel);
    this.#ready.push(false);
    for (const list of [
      this.#left,
      this.#moved,
      this.#chunk,
      this.#chunkLeft,
      this.#bound,
      this.#pace,
      this.#blockedUntil,
    ])
      list.push(0);
    this.#pausable.push(false);
    this.#piece.push(null);
    return channel;
  }

  /** A run of copies has reached the head of its stream and may go. `waits`: it had to wait for an event first. */
  submit(channel: number, run: CopyRun, waits: boolean): void {
    const engine = this.#engineOf[channel]!;
    this.#piece[channel] = this.#staged !== null && run.role === 'staging' ? run : null;
    this.#ready[channel] = true;
    this.#left[channel] = run.bytes;
    this.#moved[channel] = 0;
    this.#chunk[channel] = run.chunkBytes;
    this.#chunkLeft[channel] = Math.min(run.chunkBytes, run.bytes);
    this.#bound[channel] = Math.min(this.#rate[engine]!, run.sourceBytesPerS);
    this.#pace[channel] = pacedS(this.#timing, run.paceS);
    this.#pausable[channel] = run.pausedByHost;
    if (waits && this.#active[engine] === channel) this.#turnOver[engine] = true;
    this.#mark(engine);
  }

  /** Channels that were held may go on. */
  release(channel: number): void {
    this.#mark(this.#engineOf[channel]!);
  }

  /** Lets every engine that something happened to choose what to do next; call once per instant. */
  dispatchDirty(): void {
    for (let index = 0; index < this.#dirtyCount; index += 1) {
      const engine = this.#dirty[index]!;
      this.#isDirty[engine] = false;
      this.#dispatch(engine);
    }
    this.#dirtyCount = 0;
  }

  get hasDirty(): boolean {
    return this.#dirtyCount > 0;
  }

  /** Another flow is about to use this resource: chunks that ran by the clock become flows again. */
  disturb(resource: number): void {
    const engine = this.#aloneOn[resource]!;
    if (engine >= 0) this.#materialise(engine);
  }

  /**
   * What decides whom each engine serves next, and when: its stream, how far that stream's turn has gone, whether
   * the engine has gone to sleep, and which pauses are running.
   */
  state(): number[] {
    const { now } = this.#host;
    const { turnS, startUpS } = this.#timing;
    return [
      ...this.#channels.flatMap((channels, engine) => [
        this.#active[engine]!,
        this.#turnOver[engine]! ? 1 : 0,
        // A stream that has the engine to itself has no turn to end.
        channels.length > 1 ? Math.min(now - this.#turnStart[engine]!, turnS) : 0,
        Math.min(now - this.#lastEnd[engine]!, startUpS),
      ]),
      ...this.#blockedUntil.map((untilS) => Math.max(0, untilS - now)),
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
    if (this.#turnAt[engine] !== this.#host.now) return;
    this.#turnAt[engine] = -1;
    if (this.#phase[engine] !== MOVING || !this.#othersReady(engine)) return;
    const channel = this.#active[engine]!;
    // A chunk that ends with its turn ends by itself at this instant; set aside, it would wait a round for no byte.
    if (this.#flows.remaining(this.#flow[engine]!, this.#host.now) < NOTHING_LEFT_BYTES) return;
    this.flowsChanged = true;
    const moved = this.#chunkLeft[channel]! - this.#flows.stop(this.#host.now, this.#flow[engine]!);
    this.#account(engine, channel, moved);
    this.#turnOver[engine] = true;
    this.#phase[engine] = IDLE;
    this.#mark(engine);
  }

  /** The pause after a chunk of this channel is over. */
  channelTimer(channel: number): void {
    this.#mark(this.#engineOf[channel]!);
  }

  /** The engine's flow has moved its last byte. */
  flowDone(engine: number): void {
    const channel = this.#active[engine]!;
    this.#account(engine, channel, this.#chunkLeft[channel]!);
    this.#chunkEnds(engine, channel);
  }

  #mark(engine: number): void {
    if (this.#isDirty[engine]) return;
    this.#isDirty[engine] = true;
    this.#dirty[this.#dirtyCount++] = engine;
  }

  #account(engine: number, channel: number, moved: number): void {
    this.#left[channel]! -= moved;
    this.#chunkLeft[channel]! -= moved;
    this.#moved[channel]! += moved;
    if (this.#piece[channel]?.direction === 'd2h') this.#staged!.add(this.#memory[engine]!, moved);
    if (this.#host.recording) this.#host.chunk(channel, this.#movingSince[engine]!, this.#host.now, moved);
  }

  #chunkEnds(engine: number, channel: number): void {
    const { now } = this.#host;
    this.#phase[engine] = IDLE;
    this.#lastEnd[engine] = now;
    if (this.#pace[channel]! > 0) {
      this.#blockedUntil[channel] = this.#host.roomAtS(channel) + this.#pace[channel]!;
      this.#host.at(this.#blockedUntil[channel]!, 'channel', channel);
    }
    this.#mark(engine);
    if (this.#left[channel]! < NOTHING_LEFT_BYTES) {
      this.#ready[channel] = false;
      this.#host.copyDone(channel, this.#moved[channel]!);
      return;
    }
    this.#chunkLeft[channel] = Math.min(this.#chunk[channel]!, this.#left[channel]!);
  }

  #runnable(channel: number): boolean {
    return (
      this.#ready[channel]! &&
      this.#blockedUntil[channel]! <= this.#host.now &&
      !(this.#pausable[channel]! && this.#host.held(channel))
    );
  }

  #othersReady(engine: number): boolean {
    const active = this.#active[engine];
    for (const channel of this.#channels[engine]!)
      if (channel !== active && this.#runnable(channel)) return true;
    return false;
  }

  #dispatch(engine: number): void {
    const { now } = this.#host;
    if (this.#phase[engine] === ALONE && this.#othersReady(engine)) this.#materialise(engine);
    if (this.#phase[engine] === MOVING) this.#limitTurn(engine);
    if (this.#phase[engine] !== IDLE) return;
    const next = this.#choose(engine);
    if (next < 0) return;
    const active = this.#active[engine]!;
    // An engine that stood idle for less than its start-up has not gone to sleep.
    const awake = now - this.#lastEnd[engine]! < this.#timing.startUpS * (1 - TIE);
    if (next !== active || this.#turnOver[engine]! || !awake) {
      this.#turnStart[engine] = now;
      this.#turnOver[engine] = false;
    }
    this.#active[engine] = next;
    const pauseS = takingS(this.#timing, awake, this.#host.gapS);
    if (this.#undisturbed(engine, next)) {
      this.#startAlone(engine, next, pauseS);
      return;
    }
    this.#phase[engine] = STARTING;
    this.#timerAt[engine] = now + pauseS;
    this.#host.at(now + pauseS, 'engine', engine);
  }

  /** The present stream while its turn lasts, then the next one round that can go. */
  #choose(engine: number): number {
    const channels = this.#channels[engine]!;
    const active = this.#active[engine]!;
    const turnEnds =
      this.#turnOver[engine]! || this.#host.now - this.#turnStart[engine]! >= this.#timing.turnS * (1 - TIE);
    if (active >= 0 && !turnEnds && this.#runnable(active)) return active;
    const start = channels.indexOf(active);
    for (let step = 1; step <= channels.length; step += 1) {
      const channel = channels[(start + step + channels.length) % channels.length]!;
      if (this.#runnable(channel)) return channel;
    }
    return -1;
  }

  #move(engine: number): void {
    const channel = this.#active[engine]!;
    for (const { resource } of this.#uses[engine]!) this.disturb(resource);
    this.#startFlow(engine, channel, this.#chunkLeft[channel]!);
    this.#movingSince[engine] = this.#host.now;
    this.#limitTurn(engine);
  }

  #startFlow(engine: number, channel: number, bytes: number): void {
    const route = this.#routeOf(engine, channel);
    this.#phase[engine] = MOVING;
    this.flowsChanged = true;
    this.#flow[engine] = this.#flows.start(
      this.#host.now,
      route,
      bytes,
      this.#bound[channel]!,
      1,
      -1 - engine,
    );
  }

  #routeOf(engine: number, channel: number): number {
    const piece = this.#piece[channel]!;
    if (piece === null) return this.#route[engine]!;
    const underWay = (memory: number) => this.#stagingUnderWay(memory);
    if (piece.direction === 'h2d')
      return this.#host.stagedRead(engine, this.#staged!.missed(piece.source, underWay));
    // A write that lost its time slice goes on.
    if (this.#moved[channel] === 0)
      this.#staged!.begin(piece.id, this.#memory[engine]!, underWay(this.#memory[engine]!));
    return this.#route[engine]!;
  }

  /** Bytes of staged pieces that have landed in a memory and are not accounted for yet. */
  #stagingUnderWay(memory: number): number {
    let bytes = 0;
    for (let engine = 0; engine < this.#route.length; engine += 1) {
      if (this.#phase[engine] !== MOVING || this.#memory[engine] !== memory) continue;
      const channel = this.#active[engine]!;
      if (this.#piece[channel]?.direction !== 'd2h') continue;
      bytes += this.#chunkLeft[channel]! - this.#flows.remaining(this.#flow[engine]!, this.#host.now);
    }
    return bytes;
  }

  /** Sees to it that the stream that is being served loses the engine at the end of its turn. */
  #limitTurn(engine: number): void {
    if (!this.#othersReady(engine)) return;
    const end = Math.max(this.#host.now, this.#turnStart[engine]! + this.#timing.turnS);
    if (this.#turnAt[engine] === end) return;
    this.#turnAt[engine] = end;
    this.#host.at(end, 'turn', engine);
  }

  /** Whether this run has the engine and its links to itself, and enough chunks for that to matter. */
  #undisturbed(engine: number, channel: number): boolean {
    // A timeline shows every chunk, so it is simulated chunk by chunk.
    if (
      this.#host.recording ||
      this.#left[channel]! < 2 * this.#chunk[channel]! ||
      this.#pausable[channel]! ||
      (this.#host.mayShut && this.#pace[channel]! > 0) ||
      this.#othersReady(engine)
    )
      return false;
    for (const { resource } of this.#uses[engine]!) {
      if (this.#flows.activeOn(resource) > 0 || this.#aloneOn[resource]! >= 0) return false;
    }
    return true;
  }

  /** What an asked-for pause is followed by before the next chunk's first byte. */
  #wakingS(channel: number): number {
    return takingS(this.#timing, this.#pace[channel]! < this.#timing.startUpS);
  }

  #startAlone(engine: number, channel: number, pauseS: number): void {
    this.#phase[engine] = ALONE;
    const run: UndisturbedRun = {
      fromS: this.#host.now,
      firstPauseS: pauseS,
      left: this.#left[channel]!,
      firstLeft: this.#chunkLeft[channel]!,
      chunk: this.#chunk[channel]!,
      bytesPerS: this.#flows.aloneRate(this.#route[engine]!, this.#bound[channel]!),
      betweenS: this.#pace[channel]! + this.#wakingS(channel),
    };
    this.#alone[engine] = run;
    for (const { resource } of this.#uses[engine]!) this.#aloneOn[resource] = engine;
    this.#timerAt[engine] = endOfRun(run);
    this.#host.at(this.#timerAt[engine]!, 'engine', engine);
  }

  #endAlone(engine: number): void {
    const channel = this.#active[engine]!;
    this.#moved[channel]! += this.#leaveAlone(engine).left;
    this.#left[channel] = 0;
    this.#chunkEnds(engine, channel);
  }

  #leaveAlone(engine: number): UndisturbedRun {
    for (const { resource } of this.#uses[engine]!) this.#aloneOn[resource] = -1;
    this.#timerAt[engine] = -1;
    const run = this.#alone[engine]!;
    this.#alone[engine] = undefined;
    return run;
  }

  /** Turns a run that went by the clock into the chunk, or the pause, that it is in right now. */
  #materialise(engine: number): void {
    const { now } = this.#host;
    const channel = this.#active[engine]!;
    const run = this.#leaveAlone(engine);
    const { left, chunkLeft, startS, previousEndS } = positionAt(run, now);
    this.#moved[channel]! += run.left - left;
    this.#left[channel] = left;
    this.#chunkLeft[channel] = chunkLeft;
    if (previousEndS !== null) this.#lastEnd[engine] = previousEndS;
    const wakesS = startS - (previousEndS === null ? run.firstPauseS : this.#wakingS(channel));
    // A pause long enough to put the engine to sleep ends a turn, so each of these chunks began one.
    if (previousEndS !== null && this.#pace[channel]! >= this.#timing.startUpS)
      this.#turnStart[engine] = wakesS;
    if (now < wakesS) {
      // In an asked-for pause the engine is free for others.
      this.#phase[engine] = IDLE;
      this.#blockedUntil[channel] = wakesS;
      this.#host.at(wakesS, 'channel', channel);
      this.#mark(engine);
    } else if (now < startS) {
      this.#phase[engine] = STARTING;
      this.#timerAt[engine] = startS;
      this.#host.at(startS, 'engine', engine);
    } else {
      const moved = Math.min((now - startS) * run.bytesPerS, chunkLeft);
      this.#left[channel]! -= moved;
      this.#chunkLeft[channel]! -= moved;
      this.#moved[channel]! += moved;
      this.#startFlow(engine, channel, this.#chunkLeft[channel]!);
      this.#movingSince[engine] = startS;
      this.#limitTurn(engine);
    }
  }
}
