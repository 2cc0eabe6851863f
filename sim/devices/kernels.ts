import type { System } from '../../model/system/system.ts';
import type { StepLedger } from '../stepLedger.ts';
import type { Streams } from '../streams.ts';
import type { CompiledProgram } from './compiledProgram.ts';
import { atClock } from './computeDurations.ts';
import { EVENT } from './events.ts';
import type { Links } from './links.ts';
import { Occupancy } from './occupancy.ts';

/** What compute needs from the simulation around it. */
export interface KernelHost {
  readonly now: number;
  readonly links: Links;
  at(timeS: number, kind: typeof EVENT.op, op: number): void;
  /** A flow has started. */
  flowsChange(): void;
}

/**
 * Compute on the GPUs at a clock. A rank with a GPU to itself runs its kernels one after another by the clock; ranks that share one
 * share its multiprocessors, where each second of compute is a flow of one second.
 */
export class Kernels {
  /** By operation: seconds of compute at the clock, and of delays. */
  readonly durationS: Float64Array;
  readonly #host: KernelHost;
  readonly #compiled: CompiledProgram;
  readonly #streams: Streams;
  readonly #ledger: StepLedger;
  readonly #occupancy: Occupancy;
  /** By rank: the route of compute where ranks share a GPU; -1 where they do not. */
  readonly #route: readonly number[];

  constructor(
    host: KernelHost,
    compiled: CompiledProgram,
    streams: Streams,
    ledger: StepLedger,
    system: System,
    clock: number,
  ) {
    this.#host = host;
    this.#compiled = compiled;
    this.#streams = streams;
    this.#ledger = ledger;
    const { durationS, noRoomS } = atClock(compiled, system, clock);
    this.durationS = durationS;
    const { ranks } = compiled.source;
    this.#occupancy = new Occupancy(noRoomS, compiled.rankOf, ranks);
    const { links } = host;
    const shared = links.gpuCount < ranks;
    this.#route = links.gpuOfRank.map((gpu) => (shared ? links.computeRoute(gpu) : -1));
  }

  /** Whether any compute leaves kernels of other streams no room. */
  get mayShut(): boolean {
    return this.#occupancy.mayShut;
  }

  /** When a kernel of another stream of a rank that is ready now finds room. */
  roomAtS(rank: number): number {
    return this.#occupancy.roomAtS(rank, this.#host.now);
  }

  /** Starts compute at the head of a stream. @param tag of its flow, where it is one. */
  start(op: number, stream: number, tag: number): void {
    const route = this.#route[this.#compiled.rankOf[op]!]!;
    if (route < 0) {
      this.#startChain(op, stream);
      return;
    }
    this.#host.links.flows.start(this.#host.now, route, this.durationS[op]!, 1, 1, tag);
    this.#host.flowsChange();
  }

  /** Runs compute that nobody watches until the next operation that somebody does. */
  #startChain(first: number, stream: number): void {
    const { chained } = this.#compiled;
    const { now } = this.#host;
    const step = this.#streams.step[stream]!;
    let op = first;
    this.#occupancy.begin(op, now);
    let time = now + this.durationS[op]!;
    for (let next = chained[op]!; next >= 0; next = chained[op]!) {
      this.#ledger.end(op, step, time);
      this.#ledger.start(next, step, time);
      this.#streams.head[stream]! += 1;
      op = next;
      this.#occupancy.begin(op, time);
      time += this.durationS[op]!;
    }
    this.#host.at(time, EVENT.op, op);
  }
}
