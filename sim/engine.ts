import { COLLECTIVE, COMPUTE, LAUNCH, MARK, PIECE, PREFETCH } from '../model/program/flatProgram.ts';
import type { CopyOp, StepProgram } from '../model/program/stepProgram.ts';
import type { System } from '../model/system/system.ts';
import { Collectives } from './devices/collectives.ts';
import { type CompiledProgram, compile } from './devices/compiledProgram.ts';
import type { CopyEngines } from './devices/copyEngines.ts';
import { copyEnginesOf, engineOf, gpuOf } from './devices/copyEnginesOf.ts';
import { EVENT, type EventKind, eventOf, indexOf, kindOf } from './devices/events.ts';
import { Kernels } from './devices/kernels.ts';
import { Links } from './devices/links.ts';
import { EventQueue } from './kernel/eventQueue.ts';
import type { Recorder } from './recorder.ts';
import { type SteadyStep, StepLedger } from './stepLedger.ts';
import { Streams } from './streams.ts';

/** Blocks of the first, shortened step: one that starts cold, and two to put everything where a step finds it. */
const RUN_UP_BLOCKS = 3;

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
  /** What `compile` made of the program, for one that several engines run. */
  compiled?: CompiledProgram;
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
  readonly #streams: Streams;
  readonly #ledger: StepLedger;
  readonly #engines: CopyEngines;
  readonly #collectives: Collectives;
  readonly #kernels: Kernels;
  readonly mayShut: boolean;

  readonly #channelOf: Int32Array;
  readonly #streamOfChannel: number[] = [];
  /** By rank: launches under way on its host stream. */
  readonly #launching: Int32Array;
  /** By step: bytes of prefetch that have moved. */
  readonly #prefetched: number[] = [];
  /** Whether a flow has started or ended since the links were last shared. */
  #flowsChanged = false;

  constructor(program: StepProgram, system: System, options: EngineOptions = {}) {
    this.#program = program;
    this.compiled = options.compiled ?? compile(program);
    this.#recorder = options.recorder;
    this.recording = options.recorder !== undefined;
    const { compiled } = this;
    const ends = program.streams.filter((stream) => onCriticalPath(stream.kind)).length;
    this.#ledger = new StepLedger(compiled.position, ends);
    this.#streams = new Streams(compiled, this.#ledger);
    this.#collectives = new Collectives(this, program, compiled, system);
    const recordsRates = this.#recorder?.rates !== undefined;
    this.links = new Links(system, program.ranks, this.#collectives.flows, recordsRates);
    this.#kernels = new Kernels(this, compiled, this.#streams, this.#ledger, system, options.clock ?? 1);
    this.mayShut = this.#kernels.mayShut;
    this.#launching = new Int32Array(program.ranks);
    this.#channelOf = new Int32Array(compiled.streamCount).fill(-1);
    const engines: number[] = [];
    program.streams.forEach((stream, index) => {
      const first = stream.ops.find((op) => compiled.kind[op] === PREFETCH || compiled.kind[op] === PIECE);
      if (first === undefined) return;
      const { direction } = compiled.ops[first] as CopyOp;
      this.#channelOf[index] = engines.push(engineOf(this.links.gpuOfRank[stream.rank]!, direction)) - 1;
      this.#streamOfChannel.push(index);
    });
    this.#engines = copyEnginesOf(this, this.links, system, program.groupSize, engines);
  }

  /** Runs until a step ends in the state in which it began, or `maxSteps`. */
  run(options: EngineOptions = {}): SteadyStep {
    const maxSteps = options.exactSteps ?? options.maxSteps ?? 24;
    if (options.fromStart !== true) this.#skipToLastBlocks();
    this.#streams.wakeAll();
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
    this.#streams.wakeAll();
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
    const from = this.#program.blocks.length - RUN_UP_BLOCKS;
    if (from <= 0) return;
    // The first of these blocks starts cold; the others say whether the step repeats.
    this.#ledger.compareFirstStepFrom(from + 1);
    this.#program.streams.forEach(({ kind }, stream) => {
      if (!this.#streams.skipTo(from, stream) && onCriticalPath(kind))
        this.#ledger.reachEnd(0, 0, () => this.#engines.state());
    });
  }

  // What copy engines and collectives ask of their surroundings.

  at(timeS: number, kind: EventKind, index: number): void {
    this.#queue.push(timeS, eventOf(kind, index));
  }

  stagedRead(engine: number, share: number): number {
    return this.links.stagedRead(gpuOf(engine), share);
  }

  get gapS(): number {
    return this.#collectives.gapS;
  }

  disturb(resource: number): void {
    this.#engines.disturb(resource);
  }

  flowsChange(): void {
    this.#flowsChanged = true;
  }

  copyDone(channel: number, movedBytes: number): void {
    const stream = this.#streamOfChannel[channel]!;
    const op = this.#streams.opAt(stream);
    if (this.compiled.kind[op] === PREFETCH) {
      const step = this.#streams.step[stream]!;
      this.#prefetched[step] = (this.#prefetched[step] ?? 0) + movedBytes;
    }
    this.complete(op);
  }

  held(channel: number): boolean {
    return this.#launching[this.#program.streams[this.#streamOfChannel[channel]!]!.rank]! > 0;
  }

  roomAtS(channel: number): number {
    const { rank } = this.#program.streams[this.#streamOfChannel[channel]!]!;
    return this.#kernels.roomAtS(rank);
  }

  chunk(channel: number, startS: number, endS: number, bytes: number): void {
    const op = this.#streams.opAt(this.#streamOfChannel[channel]!);
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
    const index = indexOf(event);
    switch (kindOf(event)) {
      case EVENT.op:
        this.complete(index);
        break;
      case EVENT.engine:
        this.#engines.timer(index);
        break;
      case EVENT.slice:
        this.#engines.turn(index);
        break;
      case EVENT.channel:
        this.#engines.channelTimer(index);
        break;
      default:
        this.#collectives.startPhase(index, this.links);
    }
  }

  /** Tags of flows: copy engines are negative, collectives count from 0, compute comes behind all collectives. */
  readonly #flowDone = (tag: number): void => {
    if (tag < 0) this.#engines.flowDone(-1 - tag);
    else if (tag < this.#collectives.count) this.#collectives.flowDone(tag);
    else this.complete(tag - this.#collectives.count);
  };

  #settle(): void {
    do {
      while (this.#streams.hasReady) this.#advanceStream(this.#streams.takeReady());
      this.#engines.dispatchDirty();
    } while (this.#streams.hasReady || this.#engines.hasDirty);
    if (!this.#flowsChanged) return;
    this.#flowsChanged = false;
    this.links.flows.settle(this.now);
    this.#recorder?.rates?.(
      this.now,
      this.links.resources.map((_, resource) => this.links.flows.usage(resource)),
    );
  }

  /** Starts the operations at a stream's head as long as they may start and take no time. */
  #advanceStream(stream: number): void {
    while (this.#streams.startHead(stream)) {
      const op = this.#streams.opAt(stream);
      this.#ledger.start(op, this.#streams.step[stream]!, this.now);
      this.#start(op, stream);
    }
  }

  #start(op: number, stream: number): void {
    const { compiled } = this;
    switch (compiled.kind[op]) {
      case MARK:
        this.complete(op);
        break;
      case COMPUTE:
        this.#kernels.start(op, stream, this.#collectives.count + op);
        break;
      case PREFETCH:
      case PIECE: {
        const waited = compiled.firstWait[op + 1]! > compiled.firstWait[op]!;
        this.#engines.submit(this.#channelOf[stream]!, compiled.ops[op] as CopyOp, waited);
        break;
      }
      case COLLECTIVE:
        this.#collectives.arrive(compiled.meeting[op]!);
        break;
      default:
        if (compiled.kind[op] === LAUNCH) this.#launching[compiled.rankOf[op]!]! += 1;
        this.at(this.now + this.#kernels.durationS[op]!, EVENT.op, op);
    }
  }

  complete(op: number): void {
    const { compiled } = this;
    const stream = compiled.streamOf[op]!;
    const step = this.#streams.step[stream]!;
    this.#ledger.end(op, step, this.now);
    if (compiled.kind[op] === LAUNCH) {
      this.#launching[compiled.rankOf[op]!]! -= 1;
      for (let channel = 0; channel < this.#streamOfChannel.length; channel += 1)
        this.#engines.release(channel);
    }
    if (this.#streams.endHead(stream) && onCriticalPath(this.#program.streams[stream]!.kind))
      this.#ledger.reachEnd(step, this.now, () => this.#engines.state());
    this.#streams.release(op);
  }

  #stuck(): string {
    const waits = this.#program.streams.map((stream, index) => {
      const op = this.compiled.ops[this.#streams.opAt(index)]!;
      return `rank ${stream.rank} ${stream.kind} at "${op.label}"`;
    });
    return waits.join('; ');
  }
}

function onCriticalPath(kind: string): boolean {
  return kind === 'compute' || kind === 'collective';
}
