import type { CaseParameters } from '../model/calibration/cases.ts';
import type { CollectiveKind } from '../model/dit/kinds.ts';
import { type CollectivePhase, phasesOf } from '../model/physics/collectivePhases.ts';
import { pacedS, takingS } from '../model/physics/copyPauses.ts';
import { bytesWithFill, runningRanks } from '../model/physics/linkShare.ts';
import type { CopyEngine, System } from '../model/system/system.ts';
import type { FlowTransport } from '../model/system/transport.ts';
import { type CollectiveFlow, Links } from './devices/links.ts';
import type { CaseTimes } from './simulateCase.ts';

/** Flows of a case: chunks to the device, chunks to the host, then each rank's part of a collective. */
const DOWN = 0;
const UP = 1;
const PARTS = 2;

/** Times that agree to this share are equal, as for copy engines. */
const TIE = 1e-9;
/** Flows end together that end this close, relative to the time, or with so small a share of their amount left, as in a FlowSystem. */
const SAME_TIME = 1e-12;
const NOTHING_LEFT = 1e-9;
/** Rates of ranks that go alike differ by rounding only. */
const ALIKE = 1e-12;
const NEVER = Number.POSITIVE_INFINITY;
/** Fewer chunks are not worth looking at. */
const LEAST_ALIKE = 5;

/**
 * A calibration case whose loading ranks copy in lockstep: they begin together, ask for the same chunks and get the same
 * rates, so that their chunks end together and one rank stands for all. The laws are the Engine's; without its events of
 * every rank, stream and wait a case takes a small part of the time, and a fit simulates some ten thousand cases.
 *
 * Rates come from the machine's links, once for each set of flows that is active at a time.
 *
 * @param transport of the case's collectives; null for copies alone.
 * @returns null where the rates of loading ranks differ, where ranks share a GPU, or a collective has several phases: those need the Engine.
 */
export function lockstepCase(
  system: System,
  groupSize: number,
  parameters: CaseParameters,
  transport: FlowTransport | null,
): CaseTimes | null {
  if (system.peer === 'colocated') return null;
  if (parameters.kind === 'copies' || transport === null)
    return new LockstepCase(system, groupSize, parameters, null).run();
  const [phase, second] = phasesOf(system, transport, parameters, groupSize);
  return second === undefined ? new LockstepCase(system, groupSize, parameters, phase!).run() : null;
}

class LockstepCase {
  #now = 0;
  readonly #engine: CopyEngine;
  readonly #rates: RatesByActive;
  readonly #flows: Flows;
  readonly #runs: ChunkRun[] = [];
  readonly #chunkBytes: number;
  readonly #down: ChunkRun | undefined;
  readonly #up: ChunkRun | undefined;
  readonly #calls: number;
  readonly #callBytes: number;
  readonly #latencyS: number;
  readonly #gapBesideS: number;
  readonly #callEnds: number[] = [];
  /** When the present call's parts start; NEVER while they run. */
  #callAtS: number;
  #partsLeft = 0;

  constructor(system: System, groupSize: number, parameters: CaseParameters, phase: CollectivePhase | null) {
    const transport = phase?.transport ?? null;
    this.#engine = system.gpu.copyEngine;
    this.#rates = ratesOf(system, groupSize, parameters, transport);
    this.#flows = new Flows(PARTS + this.#rates.parts);
    const engine = this.#engine;
    const chunks = parameters.kind === 'collective' ? null : parameters;
    this.#chunkBytes = chunks?.chunkBytes ?? 0;
    const direction = parameters.kind === 'copies' ? parameters.direction : 'h2d';
    const run = (flow: number, paceS: number) => {
      const added = new ChunkRun(flow, chunks!.chunks, pacedS(engine, paceS), engine);
      this.#runs.push(added);
      return added;
    };
    this.#down = chunks === null || direction === 'd2h' ? undefined : run(DOWN, chunks.paceS);
    this.#up = chunks === null || direction === 'h2d' ? undefined : run(UP, 0);
    const call = parameters.kind === 'copies' || transport === null ? null : parameters;
    this.#calls = call?.calls ?? 0;
    this.#callBytes = call === null ? 0 : bytesWithFill(transport!, phase!.sentBytes);
    this.#latencyS = transport?.latencyS ?? 0;
    const besideS = call === null ? null : transport!.collectives[call.collective].besideH2d.gapS;
    this.#gapBesideS = Math.max(engine.gapS, besideS ?? engine.gapS);
    this.#callAtS = call === null ? NEVER : this.#latencyS;
  }

  run(): CaseTimes | null {
    for (;;) {
      const gapS = this.#partsLeft > 0 ? this.#gapBesideS : this.#engine.gapS;
      this.#skip(gapS);
      for (const run of this.#runs) run.dispatch(this.#now, gapS);
      const rates = this.#rates.of(this.#flows.active);
      if (rates === null) return null;
      this.#flows.share(this.#now, rates);
      if (this.#isOver()) return this.#times();
      this.#advance();
    }
  }

  /**
   * Chunks of one stream between two events of the calls are alike: each pauses and moves as long as the one before, and the calls
   * get on by the same in each. All of them but the last two are one step.
   */
  #skip(gapS: number): void {
    const [run, other] = this.#runs;
    if (run === undefined || other !== undefined || run.endS !== this.#now || run.left < LEAST_ALIKE) return;
    // Behind the calls, only the chunk in which the last of them ended is of interest.
    if (this.#calls > 0 && this.#callEnds.length === this.#calls) return;
    const { active } = this.#flows;
    const waiting = this.#rates.of(active);
    const moving = this.#rates.of(active | (1 << run.flow));
    if (waiting === null || moving === null) return;
    const pauseS = run.pauseS(gapS);
    const moveS = this.#chunkBytes / moving[run.flow]!;
    const periodS = pauseS + moveS;
    let count = run.left - 2;
    if (this.#callAtS < NEVER) count = Math.min(count, Math.floor((this.#callAtS - this.#now) / periodS) - 1);
    for (let part = PARTS; part < PARTS + this.#rates.parts; part += 1) {
      if ((active & (1 << part)) === 0) continue;
      const bytes = pauseS * waiting[part]! + moveS * moving[part]!;
      count = Math.min(count, Math.floor(this.#flows.leftAt(this.#now, part) / bytes) - 1);
    }
    if (count < 2) return;
    const before = this.#now;
    this.#now += count * periodS;
    run.skip(count, this.#now - before);
    for (let part = PARTS; part < PARTS + this.#rates.parts; part += 1) {
      if ((active & (1 << part)) === 0) continue;
      const bytes = count * (pauseS * waiting[part]! + moveS * moving[part]!);
      this.#flows.move(before, this.#now, part, bytes);
    }
  }

  /** Copies alone end by themselves; beside calls, nobody asks for more than the chunk in which the last one ends. */
  #isOver(): boolean {
    if (this.#callEnds.length < this.#calls) return false;
    if (this.#calls === 0) return this.#runs.every(({ left }) => left === 0);
    const down = this.#down;
    return down === undefined || down.left === 0 || down.endS >= this.#callEnds.at(-1)!;
  }

  #advance(): void {
    let next = Math.min(this.#callAtS, this.#flows.nextEndS());
    for (const run of this.#runs) next = Math.min(next, run.timerS);
    this.#now = next;
    for (const run of this.#runs)
      if (run.timerS === next && run.wakes()) this.#flows.start(next, run.flow, this.#chunkBytes);
    if (this.#callAtS === next) {
      this.#callAtS = NEVER;
      this.#partsLeft = this.#rates.parts;
      for (let part = 0; part < this.#rates.parts; part += 1)
        this.#flows.start(next, PARTS + part, this.#callBytes);
    }
    this.#flows.endAt(next, this.#flowEnds);
  }

  readonly #flowEnds = (flow: number): void => {
    const now = this.#now;
    if (flow < PARTS) {
      (flow === DOWN ? this.#down! : this.#up!).ends(now);
      return;
    }
    this.#partsLeft -= 1;
    if (this.#partsLeft > 0) return;
    this.#callEnds.push(now);
    if (this.#callEnds.length < this.#calls) this.#callAtS = now + this.#latencyS;
  };

  #times(): CaseTimes {
    const ends = this.#callEnds;
    const windowS = ends.at(-1) ?? 0;
    const callS = ends.map((endS, index) => endS - (ends[index - 1] ?? 0));
    if (this.#calls === 0)
      return { callS, downS: this.#down?.endS ?? 0, upS: this.#up?.endS ?? 0, windowS, windowBytes: 0 };
    const windowBytes = (this.#down?.chunksAt(windowS) ?? 0) * this.#chunkBytes;
    return { callS, downS: 0, upS: 0, windowS, windowBytes };
  }
}

/** A stream of chunks on a copy engine of its own. */
class ChunkRun {
  readonly flow: number;
  /** Chunks that have not ended. */
  left: number;
  /** Start and end of the last chunk that ended. */
  startS = 0;
  endS = Number.NEGATIVE_INFINITY;
  /** When a pause is over, or the next chunk's first byte moves; NEVER while one moves. */
  timerS = 0;
  readonly #chunks: number;
  readonly #paceS: number;
  readonly #engine: CopyEngine;
  #isStarting = false;
  #movesSinceS = 0;

  constructor(flow: number, chunks: number, paceS: number, engine: CopyEngine) {
    this.flow = flow;
    this.left = chunks;
    this.#chunks = chunks;
    this.#paceS = paceS;
    this.#engine = engine;
  }

  /** The engine takes the next chunk, if that is ready: its first byte moves after a gap, or a start-up where it slept. */
  dispatch(now: number, gapS: number): void {
    if (this.#isStarting || this.timerS > now) return;
    const awake = now - this.endS < this.#engine.startUpS * (1 - TIE);
    this.#isStarting = true;
    this.timerS = now + takingS(this.#engine, awake, gapS);
  }

  /** From the end of a chunk to the first byte of the next, as `dispatch` and `ends` have it. */
  pauseS(gapS: number): number {
    const awake = this.#paceS < this.#engine.startUpS * (1 - TIE);
    return this.#paceS + takingS(this.#engine, awake, gapS);
  }

  /** So many chunks have moved meanwhile, and the last of them has just ended. */
  skip(chunks: number, seconds: number): void {
    this.left -= chunks;
    this.startS += seconds;
    this.endS += seconds;
    this.timerS += seconds;
  }

  /** Its timer is due. Returns whether a chunk starts to move. */
  wakes(): boolean {
    if (!this.#isStarting) return false;
    this.#isStarting = false;
    this.#movesSinceS = this.timerS;
    this.timerS = NEVER;
    return true;
  }

  ends(now: number): void {
    this.startS = this.#movesSinceS;
    this.endS = now;
    this.left -= 1;
    this.timerS = this.left === 0 ? NEVER : now + this.#paceS;
  }

  /** Chunks that have moved at a time that is in the last chunk or behind it, with a part of that one. */
  chunksAt(timeS: number): number {
    const ended = this.#chunks - this.left;
    if (timeS >= this.endS) return ended;
    return ended - 1 + Math.max(0, (timeS - this.startS) / (this.endS - this.startS));
  }
}

/** Flows by their numbers, with rates that change only when one starts or ends. */
class Flows {
  /** Bit set of the flows that are active. */
  active = 0;
  readonly #amount: Float64Array;
  readonly #left: Float64Array;
  readonly #since: Float64Array;
  readonly #rate: Float64Array;
  readonly #endS: Float64Array;

  constructor(count: number) {
    this.#amount = new Float64Array(count);
    this.#left = new Float64Array(count);
    this.#since = new Float64Array(count);
    this.#rate = new Float64Array(count);
    this.#endS = new Float64Array(count).fill(NEVER);
  }

  start(now: number, flow: number, amount: number): void {
    this.active |= 1 << flow;
    this.#amount[flow] = amount;
    this.#left[flow] = amount;
    this.#since[flow] = now;
    this.#rate[flow] = 0;
  }

  share(now: number, rates: Float64Array): void {
    for (let flow = 0; flow < rates.length; flow += 1) {
      const rate = rates[flow]!;
      if (rate === this.#rate[flow] || (this.active & (1 << flow)) === 0) continue;
      this.#left[flow] = this.leftAt(now, flow);
      this.#since[flow] = now;
      this.#rate[flow] = rate;
      this.#endS[flow] = now + this.#left[flow]! / rate;
    }
  }

  leftAt(now: number, flow: number): number {
    return Math.max(0, this.#left[flow]! - this.#rate[flow]! * (now - this.#since[flow]!));
  }

  /** Of a flow so many bytes have moved between two times; its rate is to be given anew. */
  move(from: number, to: number, flow: number, bytes: number): void {
    this.#left[flow] = this.leftAt(from, flow) - bytes;
    this.#since[flow] = to;
    this.#rate[flow] = 0;
  }

  nextEndS(): number {
    let next = NEVER;
    for (const endS of this.#endS) if (endS < next) next = endS;
    return next;
  }

  endAt(now: number, ended: (flow: number) => void): void {
    for (let flow = 0; flow < this.#endS.length; flow += 1) {
      const endS = this.#endS[flow]!;
      if (endS === NEVER) continue;
      const rounding = (NOTHING_LEFT * this.#amount[flow]!) / this.#rate[flow]!;
      if (endS - Math.max(SAME_TIME * endS, rounding) > now) continue;
      this.active &= ~(1 << flow);
      this.#endS[flow] = NEVER;
      ended(flow);
    }
  }
}

/** By machine: cases of the same flows differ in sizes only, and have the same rates. */
const known = new WeakMap<System, Map<string, RatesByActive>>();

function ratesOf(
  system: System,
  groupSize: number,
  parameters: CaseParameters,
  transport: FlowTransport | null,
): RatesByActive {
  let ofSystem = known.get(system);
  if (ofSystem === undefined) {
    ofSystem = new Map();
    known.set(system, ofSystem);
  }
  const collective = parameters.kind === 'copies' ? '' : `${parameters.transport} ${parameters.collective}`;
  const gpus = parameters.kind === 'collective' ? 0 : parameters.gpus;
  const key = `${groupSize} ${gpus} ${collective}`;
  let rates = ofSystem.get(key);
  if (rates === undefined) {
    rates = new RatesByActive(system, groupSize, parameters, transport);
    ofSystem.set(key, rates);
  }
  return rates;
}

/** Rates of a case's flows, by which of them are active. */
class RatesByActive {
  /** Parts of a collective: one for each rank. */
  readonly parts: number;
  readonly #links: Links;
  readonly #loading: number;
  readonly #bounds: readonly [number, number];
  readonly #kind: CollectiveKind | null;
  readonly #flow: CollectiveFlow | null;
  readonly #known = new Map<number, Float64Array | null>();

  constructor(
    system: System,
    groupSize: number,
    parameters: CaseParameters,
    transport: FlowTransport | null,
  ) {
    const ranks = runningRanks(system, groupSize);
    this.#kind = parameters.kind === 'copies' ? null : parameters.collective;
    this.parts = this.#kind === null ? 0 : ranks;
    this.#flow = this.#kind === null ? null : { transport: transport!, kind: this.#kind };
    this.#links = new Links(system, ranks, this.#flow === null ? [] : [this.#flow]);
    this.#loading = parameters.kind === 'collective' ? 0 : Math.min(ranks, parameters.gpus);
    const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
    this.#bounds = [h2dBytesPerS, d2hBytesPerS];
  }

  /** Null where loading ranks, doing the same, would get different rates. */
  of(active: number): Float64Array | null {
    let rates = this.#known.get(active);
    if (rates === undefined) {
      rates = this.#solve(active);
      this.#known.set(active, rates);
    }
    return rates;
  }

  #solve(active: number): Float64Array | null {
    const { flows, h2dRoute, d2hRoute } = this.#links;
    const started: { flow: number; id: number }[] = [];
    const start = (flow: number, route: number, bytesPerS: number, weight: number) =>
      started.push({ flow, id: flows.start(0, route, 1, bytesPerS, weight, flow) });
    for (const flow of [DOWN, UP])
      if ((active & (1 << flow)) !== 0)
        for (let rank = 0; rank < this.#loading; rank += 1)
          start(flow, (flow === DOWN ? h2dRoute : d2hRoute)[rank]!, this.#bounds[flow as 0 | 1], 1);
    for (let part = 0; part < this.parts; part += 1) {
      if ((active & (1 << (PARTS + part))) === 0) continue;
      const { route, bytesPerS, weight } = this.#links.collective(this.#flow!)[part]!;
      start(PARTS + part, route, bytesPerS, weight);
    }
    flows.settle(0);
    const rates = new Float64Array(PARTS + this.parts);
    let alike = true;
    for (const { flow, id } of started) {
      const rate = flows.rate(id);
      if (rates[flow] === 0) rates[flow] = rate;
      else if (Math.abs(rate - rates[flow]!) > ALIKE * rate) alike = false;
    }
    for (const { id } of started) flows.stop(0, id);
    flows.settle(0);
    return alike ? rates : null;
  }
}
