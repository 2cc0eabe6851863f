import { closedForm } from '../hiding/closedForm.ts';
import { memoryNeed } from '../hiding/memory.ts';
import { UserError } from '../input/userError.ts';
import type { Plan } from '../plan/plan.ts';
import { evenPaceS, makePlan } from '../plan/presets.ts';
import type { StepReport } from '../report.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { type CapBound, capBound, pooledBound } from './capBound.ts';
import { type Caps, fits } from './caps.ts';
import { type Backend, hidingRooms } from './hidingRoom.ts';
import { infeasible } from './infeasible.ts';
import type { Highs } from './linearProgram.ts';
import { neighbours } from './neighbours.ts';
import { plansPerBackend, type SearchSpace } from './searchSpace.ts';
import { PlanMaker, type PlanVariables } from './streamedPlan.ts';
import { type Aim, secondsPerByte, streamOptimum, weightRoom } from './streamProgram.ts';

/** Steps this close are equally fast: then less memory decides, then fewer chunks. */
export const TIE = 1e-3;

/** Shares of the free time that seeds leave unused: what the closed form calls hidden to the last byte may not quite be. */
const MARGINS = [0, 0.03, 0.08] as const;
/** Chunk that residents are placed for; every size is then tried with them. */
const USUAL_CHUNK_BYTES = 16 * 1024 * 1024;
const INTEGER_GAP = 1e-3;
/** While the best step is longer than the closed form says of the next plan, so many times the finalists are simulated. */
const MOST_EXTRA = 2;
/** Numbers of buffers that residents are placed for, fewest first; more are neighbours. */
const SLOTS_PLACED = 2;

/** How long the search may look: counts, never seconds, so that the answer is the same everywhere. */
export interface Effort {
  /** Plans of a backend that are simulated after all of it have been ranked in closed form. */
  finalists: number;
  /** Rounds of local search, each of which simulates a few neighbours of the best plan. */
  rounds: number;
}

export const FULL_EFFORT: Effort = { finalists: 4, rounds: 6 };
/** For a point of a curve that has neighbours to compare it with. */
export const QUICK_EFFORT: Effort = { finalists: 2, rounds: 1 };

/** How many plans were looked at, and how closely. */
export interface SearchCounts {
  /** All plans of the space. */
  considered: number;
  /** Of them, those over a backend whose lower bound is no better than the best plan. */
  boundedAway: number;
  /** Those that were ranked in closed form, and those that were simulated. */
  ranked: number;
  simulated: number;
}

/** The best plan under caps, and how sure that is. */
export interface Optimum {
  plan: Plan;
  report: StepReport;
  caps: Caps;
  /** No plan of the space within the caps is faster than this. */
  bound: BackendBound;
  /** How far the plan is above it, as a share of the bound. */
  gap: number;
  counts: SearchCounts;
}

/** What a search asks of its surroundings. */
export interface Search {
  highs: Highs;
  workload: Workload;
  system: System;
  space: SearchSpace;
  /** The step of a plan: the simulator. */
  oracle: (plan: Plan) => StepReport;
}

type BackendBound = CapBound & { backend: Backend };
type Placement = Pick<PlanVariables, 'slots' | 'residentBytes'>;

interface Seen {
  plan: Plan;
  report: StepReport;
  gpuBytes: number;
}

/**
 * The fastest plan under caps on memory.
 *
 * 1. Bound: for each backend a linear program says what no plan goes below. Backends are taken in that order, and those whose bound
 *    is no better than the best plan so far are not looked at.
 * 2. Place: an integer program says how much of each class of blocks to keep, for the shortest step and, where steps of the same
 *    length leave a choice, for the least memory.
 * 3. Rank: with these residents every chunk size, window rule and pause is evaluated in closed form, and the best are simulated.
 * 4. Improve: the best plan's neighbours are ranked in closed form, the best of them simulated, until none is better.
 *
 * @throws UserError where nothing fits, with what the smallest plan needs.
 */
export function optimise(search: Search, caps: Caps, effort: Effort = FULL_EFFORT): Optimum {
  const { highs, workload, system, space } = search;
  const pooled = space.backends
    .flatMap((backend) => {
      const bound = pooledBound(workload, system, backend, caps);
      return bound === null ? [] : [{ ...bound, backend }];
    })
    .sort((a, b) => a.stepTimeS - b.stepTimeS);
  const pool = new Pool(search, caps);
  const placer = new Placer(search, caps);
  const isBeyond = (stepTimeS: number) =>
    pool.best !== null && stepTimeS >= pool.best.report.stepTimeS * (1 - TIE);
  const bounds: BackendBound[] = [];
  let boundedAway = 0;
  for (const quick of pooled) {
    const { backend } = quick;
    const bound = isBeyond(quick.stepTimeS) ? quick : capBound(highs, workload, system, backend, caps);
    if (bound === null) continue;
    bounds.push({ ...bound, backend });
    if (isBeyond(bound.stepTimeS)) boundedAway += plansPerBackend(workload, space);
    else pool.simulateBest(placer.seeds(backend, bound.clock), bound.clock, effort.finalists);
  }
  if (pool.best === null) throw new UserError(infeasible(search, caps));
  const least = bounds.reduce((lowest, bound) => (bound.stepTimeS < lowest.stepTimeS ? bound : lowest));
  for (let round = 0; round < effort.rounds; round += 1) {
    const { plan, report } = pool.best;
    if (report.stepTimeS <= least.stepTimeS * (1 + TIE)) break;
    pool.simulateBest(neighbours(workload, system, plan, space), report.clock, effort.finalists);
    if (pool.best.plan === plan) break;
  }
  const { plan, report } = pool.best;
  return {
    ...{ plan, report, caps, bound: least, gap: report.stepTimeS / least.stepTimeS - 1 },
    counts: {
      considered: space.backends.length * plansPerBackend(workload, space),
      ...{ boundedAway, ranked: pool.ranked, simulated: pool.simulated },
    },
  };
}

/** Plans that have been looked at, and the best of them. */
class Pool {
  best: Seen | null = null;
  ranked = 0;
  simulated = 0;
  readonly #search: Search;
  readonly #caps: Caps;
  readonly #known = new Set<string>();

  constructor(search: Search, caps: Caps) {
    this.#search = search;
    this.#caps = caps;
  }

  /** Ranks plans by the closed form at a clock and simulates the best that are new and fit. */
  simulateBest(plans: readonly Plan[], clock: number, most: number): void {
    const { workload, system, oracle } = this.#search;
    const ranked = plans
      .filter((plan) => this.#isNew(plan) && fits(workload, system, plan, this.#caps))
      .map((plan) => ({
        plan,
        expectedS: closedForm(workload, system, plan, clock).stepTimeS,
        gpuBytes: memoryNeed(workload, system, plan).gpuPeakBytes,
      }));
    this.ranked += ranked.length;
    const leastS = Math.min(...ranked.map(({ expectedS }) => expectedS));
    // Within a tie of the closed form's best the leanest come first, then the others by their time.
    const rank = (expectedS: number) => Math.max(expectedS, leastS * (1 + TIE));
    ranked.sort(
      (a, b) =>
        rank(a.expectedS) - rank(b.expectedS) ||
        a.gpuBytes - b.gpuBytes ||
        chunksOf(a.plan) - chunksOf(b.plan),
    );
    // One that ties with much memory shows whether the lean ones are late by what a closed form cannot see.
    const tied = ranked.filter(({ expectedS }) => expectedS <= leastS * (1 + TIE));
    const generous = tied.length > most ? tied.splice(-1) : [];
    const order = [...ranked.slice(0, most - 1), ...generous, ...ranked.slice(most - 1)];
    for (const [place, { plan, expectedS, gpuBytes }] of order.entries()) {
      const isClear = this.best !== null && this.best.report.stepTimeS <= expectedS * (1 + TIE);
      if (place >= most && (isClear || place >= MOST_EXTRA * most)) break;
      this.simulated += 1;
      const seen = { plan, report: oracle(plan), gpuBytes };
      if (this.best === null || isBetter(seen, this.best)) this.best = seen;
    }
  }

  #isNew({ name: _, ...plan }: Plan): boolean {
    const key = JSON.stringify(plan);
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    return true;
  }
}

function isBetter(one: Seen, other: Seen): boolean {
  const ratio = one.report.stepTimeS / other.report.stepTimeS;
  if (ratio < 1 - TIE) return true;
  if (ratio > 1 + TIE) return false;
  const memory = one.gpuBytes - other.gpuBytes;
  return memory === 0 ? chunksOf(one.plan) < chunksOf(other.plan) : memory < 0;
}

/** Makes a backend's first plans: where to keep what, by integer programs, with all chunk sizes, windows and pauses. */
class Placer {
  readonly #search: Search;
  readonly #caps: Caps;
  /** Pieces of other sizes move the same bytes, so a transport's residents are placed once. */
  readonly #placed = new Map<string, readonly Placement[]>();

  constructor(search: Search, caps: Caps) {
    this.#search = search;
    this.#caps = caps;
  }

  seeds(backend: Backend, clock: number): Plan[] {
    const { workload, system, space } = this.#search;
    const maker = new PlanMaker(workload, system, clock);
    const none = makePlan(
      ...(['none', workload, system, backend.transport === 'none' ? undefined : backend.transport] as const),
    );
    const plans: Plan[] = [{ ...none, pieceBytes: backend.pieceBytes }];
    const isFirst = !this.#placed.has(backend.transport);
    const placed = this.#placed.get(backend.transport) ?? this.#placements(backend, clock);
    this.#placed.set(backend.transport, placed);
    // Local search finds the pieces of the best plan; one chunk size is enough to see whether others are worth it.
    const sizes = isFirst ? space.chunkBytes : space.chunkBytes.filter((size) => size === USUAL_CHUNK_BYTES);
    for (const placement of placed) {
      for (const chunkBytes of sizes) {
        for (const windows of space.windows) {
          const variables = { backend, chunkBytes, windows, issue: 'near', paceS: 0, ...placement } as const;
          const plan = maker.make(variables);
          if (plan === null) continue;
          plans.push(plan);
          if (windows !== 'open' || !space.paced || !Number.isFinite(chunkBytes)) continue;
          const paceS = evenPaceS(workload, system, plan.blocks, chunkBytes);
          const paced = paceS > 0 ? maker.make({ ...variables, paceS }) : null;
          if (paced !== null) plans.push(paced);
        }
      }
    }
    return plans;
  }

  /** By buffers: what gives the shortest step; where all copies can hide, the least memory that hides them, with some to spare. */
  #placements(backend: Backend, clock: number): Placement[] {
    const { highs, workload, system, space } = this.#search;
    const room = weightRoom(workload, system, this.#caps, backend);
    const perByteS = secondsPerByte(workload, system, USUAL_CHUNK_BYTES);
    const aloneS = hidingRooms(workload, system, backend, clock).reduce((sum, one) => sum + one.aloneS, 0);
    const place = (slots: number, margin: number, aim: Aim) =>
      streamOptimum(
        ...([highs, workload, system, backend, room] as const),
        { secondsPerByte: perByteS, slots, margin },
        { clock, integer: true, gap: INTEGER_GAP, aim },
      );
    const placed: Placement[] = [];
    for (const slots of space.slots.slice(0, SLOTS_PLACED)) {
      const fastest = place(slots, 0, { least: 'time' });
      if (fastest === null) continue;
      if (fastest.passS > aloneS * (1 + TIE)) {
        placed.push({ slots, residentBytes: fastest.residentBytes });
        continue;
      }
      for (const margin of MARGINS) {
        const lean = place(slots, margin, { least: 'memory', passS: aloneS * (1 + TIE / 4) });
        if (lean !== null) placed.push({ slots, residentBytes: lean.residentBytes });
      }
    }
    return placed;
  }
}

function chunksOf({ blocks, chunkBytes }: Plan): number {
  return blocks.reduce(
    (sum, { windowBytes }) =>
      sum + windowBytes.reduce((count, bytes) => count + Math.ceil(bytes / chunkBytes), 0),
    0,
  );
}
