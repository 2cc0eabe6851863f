import type { StepProgram } from '../model/program/stepProgram.ts';
import type { System } from '../model/system/system.ts';
import { betweenRanks } from '../model/system/transport.ts';
import { COMPUTE, COPY, type CompiledProgram, compile, DELAY, MARK } from './devices/compiledProgram.ts';
import { atClock } from './devices/computeDurations.ts';
import { CopyEngines } from './devices/copyEngines.ts';
import { Links } from './devices/links.ts';
import { Occupancy } from './devices/occupancy.ts';
import { StagedBytes } from './devices/stagedBytes.ts';
import { isPrefetch } from './exposure.ts';
import { EventQueue } from './kernel/eventQueue.ts';
import { distinctFlows, type MeetingPhase, meetingPhases } from './meetingPhases.ts';
import type { Recorder } from './recorder.ts';
import { type SteadyStep, StepLedger } from './stepLedger.ts';

/** Blocks of the first, shortened step: one that starts cold, and two to put everything where a step finds it. */
const RUN_UP_BLOCKS = 3;

/** What a stream is doing: nothing, its head operation, or waiting for another operation. */
const FREE = 0;
const RUNNING = 1;
const WAITING = 2;

/** Kinds of events; an event is a kind and an index in one integer. */
const EVENT = { op: 0, engine: 1, turn: 2, channel: 3, meeting: 4 } as const;
const INDEX_BITS = 26;

export interface EngineOptions {
  /** As a fraction of the highest, which it is where none is given. */
  clock?: number;
  /** Most steps simulated before giving up on a steady one. */
  maxSteps?: number;
  /** Run exactly this many steps, steady or not. */
  exactSteps?: number;
  /**
   * Begin with the step's first operation. Otherwise the first step has only its last blocks, which is enough to
   * put streams and engines where a step finds them, and saves most of a step.
   */
  fromStart?: boolean;
  recorder?: Recorder;
}

/**
 * Executes a StepProgram on a machine: a discrete-event simulation of streams, copy engines, links and
 * collectives.
 *
 * Time in seconds. Events at one instant are handled in the order they were made; then streams advance as far
 * as their waits allow; then engines choose; then the links are shared anew. The program is repeated until a
 * step ends in the state in which it began.
 */
export class Engine {
  now = 0;
  readonly recording: boolean;
  readonly compiled: CompiledProgram;
  readonly links: Links;
  readonly #program: StepProgram;
  readonly #recorder: Recorder | undefined;
  readonly #queue = new EventQueue();
  readonly #engines: CopyEngines;
  /** Seconds of compute at the clock, and of delays. */
  readonly #durationS: Float64Array;
  readonly #occupancy: Occupancy;
  readonly mayShut: boolean;
  /** The flows of each collective, one after another, and which of them is the next to start. */
  readonly #phases: readonly MeetingPhase[][];
  readonly #nextPhase: Int32Array;
  /** The collectives that flow at present, with the pause between chunks that each makes. */
  readonly #flowing = new Map<number, number>();
  /** Seconds between back-to-back chunks at present. */
  gapS: number;
  readonly #usualGapS: number;

  readonly #ledger: StepLedger;
  /** Streams whose head waits for an operation: a list per operation, linked by stream. */
  readonly #firstWaiting: Int32Array;
  readonly #nextWaiting: Int32Array;
  readonly #head: Int32Array;
  readonly #step: Int32Array;
  readonly #nextWait: Int32Array;
  readonly #state: Uint8Array;
  /** Streams that may go on, each once. */
  readonly #ready: Int32Array;
  readonly #isReady: Uint8Array;
  #readyCount = 0;

  readonly #channelOf: Int32Array;
  readonly #streamOfChannel: number[] = [];
  readonly #arrived: Int32Array;
  readonly #flowsLeft: Int32Array;
  readonly #launching: Int32Array;
  readonly #computeRoute: number[] = [];

  /** By step: bytes of prefetch that have moved. */
  readonly #prefetched: number[] = [];
  /** Whether a flow has started or ended since the links were last shared. */
  #flowsChanged = false;

  constructor(program: StepProgram, system: System, options: EngineOptions = {}) {
    this.#program = program;
    this.compiled = compile(program);
    this.#recorder = options.recorder;
    this.recording = options.recorder !== undefined;
    const { durationS, noRoomS } = atClock(this.compiled, system, options.clock ?? 1);
    this.#durationS = durationS;
    this.#occupancy = new Occupancy(noRoomS, this.compiled.rankOf, program.ranks);
    this.mayShut = this.#occupancy.mayShut;
    const { compiled } = this;
    const count = compiled.ops.length;
    const transports = [...new Set(compiled.meetings.map((ops) => ops[0]!.transport))];
    const found = system.transports.find((candidate) => candidate.name === transports[0]);
    const transport = found && betweenRanks(found, program.groupSize);
    if (transports.length > 1 || (compiled.meetings.length > 0 && transport?.kind !== 'flow')) {
      throw new Error(`a program's flow collectives use one transport, got ${transports.join(', ')}`);
    }
    this.#phases = meetingPhases(compiled.meetings, system, transport, program.groupSize);
    this.links = new Links(
      system,
      program.ranks,
      distinctFlows(this.#phases),
      this.#recorder?.rates !== undefined,
    );
    this.#usualGapS = system.gpu.copyEngine.gapS;
    this.gapS = this.#usualGapS;
    const ends = program.streams.filter((stream) => onCriticalPath(stream.kind)).length;
    this.#ledger = new StepLedger(compiled.ops, ends);
    this.#firstWaiting = new Int32Array(count).fill(-1);
    this.#nextWaiting = new Int32Array(compiled.streamCount).fill(-1);
    this.#head = compiled.firstOp.slice(0, compiled.streamCount);
    this.#step = new Int32Array(compiled.streamCount);
    this.#nextWait = new Int32Array(compiled.streamCount);
    this.#state = new Uint8Array(compiled.streamCount);
    this.#ready = new Int32Array(compiled.streamCount);
    this.#isReady = new Uint8Array(compiled.streamCount);
    this.#arrived = new Int32Array(compiled.meetings.length);
    this.#flowsLeft = new Int32Array(compiled.meetings.length);
    this.#nextPhase = new Int32Array(compiled.meetings.length);
    this.#launching = new Int32Array(program.ranks);
    this.#channelOf = new Int32Array(compiled.streamCount).fill(-1);

    const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
    const copies = system.transports.find(({ kind }) => kind === 'staged-copy');
    const between = copies && betweenRanks(copies, program.groupSize);
    const cacheBytes = between?.kind === 'staged-copy' ? between.cacheBytes : 0;
    const engines = this.links.h2dRoute.flatMap((_, gpu) => [
      { route: this.links.h2dRoute[gpu]!, bytesPerS: h2dBytesPerS },
      { route: this.links.d2hRoute[gpu]!, bytesPerS: d2hBytesPerS },
    ]);
    this.#engines = new CopyEngines(
      this,
      this.links.flows,
      system.gpu.copyEngine,
      engines.map((engine, index) => ({
        ...engine,
        ...{ uses: this.links.routeUses[engine.route]!, memory: this.links.memoryOf(index >> 1) },
      })),
      this.links.resources.length,
      cacheBytes === 0 ? null : new StagedBytes(cacheBytes),
    );
    program.streams.forEach((stream, index) => {
      const first = stream.ops.map((op) => compiled.ops[op]!).find((op) => op.kind === 'copy');
      if (first === undefined || first.kind !== 'copy') return;
      const gpu = this.links.gpuOfRank[stream.rank]!;
      this.#channelOf[index] = this.#engines.addChannel(2 * gpu + (first.direction === 'h2d' ? 0 : 1));
      this.#streamOfChannel.push(index);
    });
    const shared = this.links.gpuCount < program.ranks;
    this.#computeRoute = this.links.gpuOfRank.map((gpu) => (shared ? this.links.computeRoute(gpu) : -1));
  }

  /** Runs until a step ends in the state in which it began, or `maxSteps`. */
  run(options: EngineOptions = {}): SteadyStep {
    const maxSteps = options.exactSteps ?? options.maxSteps ?? 24;
    if (options.fromStart !== true) this.#skipToLastBlocks();
    for (let stream = 0; stream < this.compiled.streamCount; stream += 1) this.#wake(stream);
    this.#settle();
    let steady = false;
    while (this.#ledger.completed < maxSteps && !steady) {
      const before = this.#ledger.completed;
      if (!this.#advance()) {
        throw new Error(`the simulation stands still at ${this.now} s in step ${before}: ${this.#stuck()}`);
      }
      if (this.#ledger.completed > before && options.exactSteps === undefined)
        steady = this.#ledger.repeats();
    }
    return this.#ledger.report(steady);
  }

  /**
   * Runs from the step's first operation until something has been seen, or the step is done.
   *
   * @param isSeen asked after every instant.
   */
  runUntil(isSeen: () => boolean): void {
    for (let stream = 0; stream < this.compiled.streamCount; stream += 1) this.#wake(stream);
    this.#settle();
    while (this.#ledger.completed < 1 && !isSeen()) {
      if (!this.#advance()) throw new Error(`the simulation stands still at ${this.now} s: ${this.#stuck()}`);
    }
  }

  /** When an operation ended in the first step; null before that. */
  firstEndS(op: number): number | null {
    return this.#ledger.firstEndS(op);
  }

  /** Bytes of prefetch that have moved, on all ranks, in copies that belong to a step. */
  prefetchedBytes(step: number): number {
    return this.#prefetched[step] ?? 0;
  }

  /** Time at which a step's compute and collectives ended on all ranks. */
  boundaryS(step: number): number {
    return this.#ledger.boundaryS(step);
  }

  /** Takes all but the last blocks of the first step as done. */
  #skipToLastBlocks(): void {
    const { ops, streamOps, firstOp, streamCount } = this.compiled;
    const from = this.#program.blocks.length - RUN_UP_BLOCKS;
    if (from <= 0) return;
    // The first of these blocks starts cold; the others say whether the step repeats.
    this.#ledger.compareFirstStepFrom(from + 1);
    for (let stream = 0; stream < streamCount; stream += 1) {
      let head = firstOp[stream]!;
      const end = firstOp[stream + 1]!;
      for (; head < end && ops[streamOps[head]!]!.position < from; head += 1) {
        this.#ledger.skip(streamOps[head]!);
      }
      if (head === end) {
        // Nothing of this stream belongs to the last blocks: it goes on with the next step.
        head = firstOp[stream]!;
        this.#step[stream] = 1;
        if (onCriticalPath(this.#program.streams[stream]!.kind))
          this.#ledger.reachEnd(0, 0, () => this.#engines.state());
      }
      this.#head[stream] = head;
    }
  }

  // What the copy engines ask of their surroundings.

  at(timeS: number, kind: keyof typeof EVENT, index: number): void {
    this.#queue.push(timeS, EVENT[kind] * 2 ** INDEX_BITS + index);
  }

  stagedRead(engine: number, share: number): number {
    return this.links.stagedRead(engine >> 1, share);
  }

  copyDone(channel: number, movedBytes: number): void {
    const stream = this.#streamOfChannel[channel]!;
    const op = this.compiled.streamOps[this.#head[stream]!]!;
    if (isPrefetch(this.compiled.ops[op]!)) {
      const step = this.#step[stream]!;
      this.#prefetched[step] = (this.#prefetched[step] ?? 0) + movedBytes;
    }
    this.#complete(op);
  }

  held(channel: number): boolean {
    return this.#launching[this.#program.streams[this.#streamOfChannel[channel]!]!.rank]! > 0;
  }

  roomAtS(channel: number): number {
    const { rank } = this.#program.streams[this.#streamOfChannel[channel]!]!;
    return this.#occupancy.roomAtS(rank, this.now);
  }

  chunk(channel: number, startS: number, endS: number, bytes: number): void {
    const op = this.compiled.streamOps[this.#head[this.#streamOfChannel[channel]!]!]!;
    this.#recorder!.chunk(op, startS, endS, bytes);
  }

  /** Next instant: all its events and completions, then whatever they let go. False if nothing is left to happen. */
  #advance(): boolean {
    const completion = this.links.flows.nextCompletion();
    const event = this.#queue.peekTime();
    const next = completion < event ? completion : event;
    if (next === Number.POSITIVE_INFINITY) return false;
    this.now = next;
    while (this.#queue.peekTime() === next) this.#handle(this.#queue.pop());
    if (completion <= next) {
      this.#flowsChanged = true;
      this.links.flows.completeAt(next, this.#flowDone);
    }
    this.#settle();
    return true;
  }

  #handle(event: number): void {
    const kind = Math.floor(event / 2 ** INDEX_BITS);
    const index = event % 2 ** INDEX_BITS;
    switch (kind) {
      case EVENT.op:
        this.#complete(index);
        break;
      case EVENT.engine:
        this.#engines.timer(index);
        break;
      case EVENT.turn:
        this.#engines.turn(index);
        break;
      case EVENT.channel:
        this.#engines.channelTimer(index);
        break;
      default:
        this.#startMeeting(index);
    }
  }

  readonly #flowDone = (tag: number): void => {
    if (tag < 0) {
      this.#engines.flowDone(-1 - tag);
      return;
    }
    const { meetings } = this.compiled;
    if (tag >= meetings.length) {
      this.#complete(tag - meetings.length);
      return;
    }
    if (--this.#flowsLeft[tag]! > 0) return;
    this.#flowing.delete(tag);
    this.#updateGap();
    if (this.#nextPhase[tag]! < this.#phases[tag]!.length) {
      this.#startUp(tag);
      return;
    }
    for (const op of meetings[tag]!) this.#complete(op.id);
  };

  #settle(): void {
    do {
      while (this.#readyCount > 0) {
        const stream = this.#ready[--this.#readyCount]!;
        this.#isReady[stream] = 0;
        this.#advanceStream(stream);
      }
      this.#engines.dispatchDirty();
    } while (this.#readyCount > 0 || this.#engines.hasDirty);
    if (!this.#flowsChanged && !this.#engines.flowsChanged) return;
    this.#flowsChanged = false;
    this.#engines.flowsChanged = false;
    this.links.flows.settle(this.now);
    this.#recorder?.rates?.(
      this.now,
      this.links.resources.map((_, resource) => this.links.flows.usage(resource)),
    );
  }

  #wake(stream: number): void {
    if (this.#isReady[stream] === 1) return;
    this.#isReady[stream] = 1;
    this.#ready[this.#readyCount++] = stream;
  }

  /** Starts the operations at a stream's head as long as they may start and take no time. */
  #advanceStream(stream: number): void {
    const { compiled } = this;
    while (this.#state[stream] === FREE) {
      const op = compiled.streamOps[this.#head[stream]!]!;
      const first = compiled.firstWait[op]!;
      const count = compiled.firstWait[op + 1]! - first;
      while (this.#nextWait[stream]! < count) {
        const wait = first + this.#nextWait[stream]!;
        const waited = compiled.waitOp[wait]!;
        if (this.#ledger.doneStep[waited]! < this.#step[stream]! - compiled.waitAgo[wait]!) {
          this.#nextWaiting[stream] = this.#firstWaiting[waited]!;
          this.#firstWaiting[waited] = stream;
          this.#state[stream] = WAITING;
          return;
        }
        this.#nextWait[stream]! += 1;
      }
      this.#state[stream] = RUNNING;
      this.#ledger.start(op, this.#step[stream]!, this.now);
      this.#start(op, stream, count > 0);
    }
  }

  #start(op: number, stream: number, waited: boolean): void {
    const { compiled } = this;
    switch (compiled.kind[op]) {
      case MARK:
        this.#complete(op);
        break;
      case COMPUTE: {
        const route = this.#computeRoute[compiled.rankOf[op]!]!;
        if (route < 0) {
          this.#startChain(op, stream);
          break;
        }
        this.links.flows.start(this.now, route, this.#durationS[op]!, 1, 1, this.#computeTag(op));
        this.#flowsChanged = true;
        break;
      }
      case DELAY: {
        const delay = compiled.ops[op]!;
        if (delay.kind === 'delay' && delay.role === 'launch') this.#launching[delay.rank]! += 1;
        this.at(this.now + this.#durationS[op]!, 'op', op);
        break;
      }
      case COPY: {
        const copy = compiled.ops[op]!;
        if (copy.kind === 'copy') this.#engines.submit(this.#channelOf[stream]!, copy, waited);
        break;
      }
      default: {
        const meeting = compiled.meeting[op]!;
        if (++this.#arrived[meeting]! < compiled.meetings[meeting]!.length) break;
        this.#arrived[meeting] = 0;
        this.#nextPhase[meeting] = 0;
        this.#startUp(meeting);
      }
    }
  }

  /** Runs compute that nobody watches until the next operation that somebody does. */
  #startChain(first: number, stream: number): void {
    const { chained } = this.compiled;
    const step = this.#step[stream]!;
    let op = first;
    this.#occupancy.begin(op, this.now);
    let time = this.now + this.#durationS[op]!;
    for (let next = chained[op]!; next >= 0; next = chained[op]!) {
      this.#ledger.end(op, step, time);
      this.#ledger.start(next, step, time);
      this.#head[stream]! += 1;
      op = next;
      this.#occupancy.begin(op, time);
      time += this.#durationS[op]!;
    }
    this.#queue.push(time, op);
  }

  /** Tags of flows: copy engines are negative, collectives count from 0, compute comes behind all collectives. */
  #computeTag(op: number): number {
    return this.compiled.meetings.length + op;
  }

  /** The start-up of a collective's next phase, after which its bytes move. */
  #startUp(meeting: number): void {
    const { transport } = this.#phases[meeting]![this.#nextPhase[meeting]!]!;
    this.at(this.now + transport.latencyS, 'meeting', meeting);
  }

  #startMeeting(meeting: number): void {
    const phase = this.#phases[meeting]![this.#nextPhase[meeting]!]!;
    if (phase.bytes === 0) {
      for (const member of this.compiled.meetings[meeting]!) this.#complete(member.id);
      return;
    }
    this.#nextPhase[meeting]! += 1;
    const parts = this.links.collective(phase);
    this.#flowsLeft[meeting] = parts.length;
    const { gapS } = phase.transport.collectives[phase.kind].besideH2d;
    this.#flowing.set(meeting, gapS ?? this.#usualGapS);
    this.#updateGap();
    this.#flowsChanged = true;
    for (const part of parts) {
      for (const { resource } of this.links.routeUses[part.route]!) this.#engines.disturb(resource);
      this.links.flows.start(this.now, part.route, phase.bytes, part.bytesPerS, part.weight, meeting);
    }
  }

  #updateGap(): void {
    this.gapS = Math.max(this.#usualGapS, ...this.#flowing.values());
  }

  #complete(op: number): void {
    const { compiled } = this;
    const stream = compiled.streamOf[op]!;
    const step = this.#step[stream]!;
    this.#ledger.end(op, step, this.now);
    const source = compiled.ops[op]!;
    if (source.kind === 'delay' && source.role === 'launch') {
      this.#launching[source.rank]! -= 1;
      for (let channel = 0; channel < this.#streamOfChannel.length; channel += 1)
        this.#engines.release(channel);
    }
    this.#state[stream] = FREE;
    this.#nextWait[stream] = 0;
    let next = this.#head[stream]! + 1;
    if (next === compiled.firstOp[stream + 1]) {
      next = compiled.firstOp[stream]!;
      this.#step[stream] = step + 1;
      if (onCriticalPath(this.#program.streams[stream]!.kind))
        this.#ledger.reachEnd(step, this.now, () => this.#engines.state());
    }
    this.#head[stream] = next;
    this.#wake(stream);
    let waiting = this.#firstWaiting[op]!;
    this.#firstWaiting[op] = -1;
    while (waiting >= 0) {
      const following = this.#nextWaiting[waiting]!;
      this.#state[waiting] = FREE;
      this.#wake(waiting);
      waiting = following;
    }
  }

  #stuck(): string {
    const waits = this.#program.streams.map((stream, index) => {
      const op = this.compiled.ops[this.compiled.streamOps[this.#head[index]!]!]!;
      return `rank ${stream.rank} ${stream.kind} at "${op.label}"`;
    });
    return waits.join('; ');
  }
}

function onCriticalPath(kind: string): boolean {
  return kind === 'compute' || kind === 'collective';
}
