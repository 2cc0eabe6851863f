import { closedForm } from '../hiding/closedForm.ts';
import { memoryNeed } from '../hiding/memory.ts';
import { copyRates } from '../hiding/rates.ts';
import { HIDDEN_SHARE } from '../hiding/stepReport.ts';
import { UserError } from '../input/userError.ts';
import type { Plan } from '../plan/plan.ts';
import { evenPaceS, makePlan } from '../plan/presets.ts';
import type { StepReport } from '../report.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { type CapBound, capBound, pooledBound } from './capBound.ts';
import { type Caps, fits } from './caps.ts';
import { countPlans } from './everyPlan.ts';
import { exhaust } from './exhaustive.ts';
import { type Backend, hidingRooms } from './hidingRoom.ts';
import { infeasible } from './infeasible.ts';
import { smallestPlan } from './leastMemory.ts';
import type { Highs } from './linearProgram.ts';
import { neighbours } from './neighbours.ts';
import { namedByContent } from './planWords.ts';
import { leastStreamedBytes, pooledPassS } from './pooledBound.ts';
import { plansPerBackend, type SearchSpace } from './searchSpace.ts';
import { PlanMaker, type PlanVariables } from './streamedPlan.ts';
import { type Aim, secondsPerByte, streamOptimum, weightRoom } from './streamProgram.ts';

/** Steps this close are equally fast: then the slower link decides, then less memory, then fewer copies. */
export const TIE = 1e-3;
/** Of plans that are equally fast, one that loses more than this share when the link is slower is the worse one. */
const STRESSED_TIE = 2e-3;

/** Shares of the free time that seeds leave unused: what the closed form calls hidden to the last byte may not quite be. */
const MARGINS = [0, 0.05, 0.12] as const;
/** Chunk that residents are placed for; every size is then tried with them. */
const USUAL_CHUNK_BYTES = 16 * 1024 * 1024;
const INTEGER_GAP = 1e-3;
/** Plans whose memory differs by less are of one level. */
const MEMORY_LEVEL_BYTES = 64 * 1024 * 1024;
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
  /** Plans that a space may have to be searched as a whole where the best plan is above the bound. */
  exhaustive: number;
}

export const FULL_EFFORT: Effort = { finalists: 6, rounds: 6, exhaustive: 20_000 };
/** For a point of a curve that has neighbours to compare it with. */
export const QUICK_EFFORT: Effort = { finalists: 4, rounds: 1, exhaustive: 2_000 };

/** How many plans were looked at, and how closely. */
export interface SearchCounts {
  /** All plans of the space. */
  considered: number;
  /** Of them, those over a transport whose lower bound is no better than the best plan. */
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
  bound: TransportBound;
  /** How far the plan is above it, as a share of the bound. */
  gap: number;
  /**
   * Whether no plan of the discrete space (`everyPlan`) is faster by more than a tie: as the bound says it, or the whole space was
   * searched. Where not, the gap is what is known.
   */
  proven: boolean;
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
  /** The same on a link that is a little slower than the machine's, as no machine's numbers are exact. */
  stressedOracle: (plan: Plan) => StepReport;
}

type TransportBound = CapBound & { transport: string };
type Placement = Pick<PlanVariables, 'slots' | 'residentBytes'>;

interface Seen {
  plan: Plan;
  report: StepReport;
  gpuBytes: number;
  /** Step on a slower link; asked for only where steps are equal. */
  stressedS: () => number;
}

/**
 * The fastest plan under caps on memory.
 *
 * 1. Bound: for each transport linear programs say what no plan goes below. Transports are taken in that order, and those whose
 *    bound is no better than the best plan so far are not looked at.
 * 2. Place: an integer program says how much of each class of blocks to keep, for the shortest step and, where steps of the same
 *    length leave a choice, for the least memory.
 * 3. Rank: with these residents every chunk size, window rule and pause is evaluated in closed form, and the best are simulated.
 * 4. Improve: the best plan's neighbours are ranked in closed form, the best of them simulated, until none is better.
 * 5. Prove: a space of few plans is searched as a whole, by branch and bound.
 *
 * @throws UserError where nothing fits, with what the smallest plan needs.
 */
export function optimise(search: Search, caps: Caps, effort: Effort = FULL_EFFORT): Optimum {
  const { highs, workload, system, space } = search;
  const families = familiesOf(space.backends)
    .flatMap((family) => {
      const quick = pooledBound(workload, system, family, caps);
      return quick === null ? [] : [{ family, quick }];
    })
    .sort((a, b) => a.quick.stepTimeS - b.quick.stepTimeS);
  const pool = new Pool(search, caps);
  const placer = new Placer(search, caps);
  const isBeyond = (stepTimeS: number) =>
    pool.best !== null && stepTimeS >= pool.best.report.stepTimeS * (1 - TIE);
  const bounds: TransportBound[] = [];
  let boundedAway = 0;
  for (const { family, quick } of families) {
    const bound = isBeyond(quick.stepTimeS) ? quick : capBound(highs, workload, system, family, caps);
    if (bound === null) continue;
    bounds.push({ ...bound, transport: family[0]!.transport });
    if (isBeyond(bound.stepTimeS)) boundedAway += family.length * plansPerBackend(workload, space);
    else pool.simulateBest(placer.seeds(family, bound.clock), bound.clock, effort.finalists);
  }
  // Caps that hold one plan to the byte hold none whose residents an integer program has rounded.
  if (pool.best === null)
    pool.simulateBest([smallestPlan(search, caps.pinnedBytes)?.plan ?? []].flat(), 1, 1);
  if (pool.best === null || bounds.length === 0) throw new UserError(infeasible(search, caps));
  const least = bounds.reduce((lowest, bound) => (bound.stepTimeS < lowest.stepTimeS ? bound : lowest));
  for (let round = 0; round < effort.rounds; round += 1) {
    const { plan, report } = pool.best;
    if (report.stepTimeS <= least.stepTimeS * (1 + TIE)) break;
    pool.simulateBest(neighbours(workload, system, plan, space), report.clock, effort.finalists);
    if (pool.best.plan === plan) break;
  }
  const isAtBound = pool.best.report.stepTimeS <= least.stepTimeS * (1 + TIE);
  const isSmall = !isAtBound && countPlans(workload, space) <= effort.exhaustive;
  if (isSmall) pool.exhaust();
  const plan = namedByContent(pool.best.plan, workload);
  const report = { ...pool.best.report, plan: plan.name };
  return {
    ...{ plan, report, caps, bound: least, gap: report.stepTimeS / least.stepTimeS - 1 },
    proven: isAtBound || isSmall,
    counts: {
      considered: space.backends.length * plansPerBackend(workload, space),
      ...{ boundedAway, ranked: pool.ranked, simulated: pool.simulated },
    },
  };
}

/** Backends by transport. */
function familiesOf(backends: readonly Backend[]): Backend[][] {
  const names = [...new Set(backends.map(({ transport }) => transport))];
  return names.map((name) => backends.filter(({ transport }) => transport === name));
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
        copiesOf(a.plan) - copiesOf(b.plan),
    );
    const order = levelsFirst(ranked, leastS * (1 + TIE));
    // How much longer than in closed form the simulator says steps of this kind are, at the least.
    let least = Number.POSITIVE_INFINITY;
    for (const [place, { plan, expectedS, gpuBytes }] of order.entries()) {
      const isClear = this.best !== null && this.best.report.stepTimeS <= expectedS * Math.max(1, least);
      if (place >= most && (isClear || place >= MOST_EXTRA * most)) break;
      this.simulated += 1;
      const seen = { plan, report: oracle(plan), gpuBytes, stressedS: this.#stressedS(plan) };
      least = Math.min(least, seen.report.stepTimeS / expectedS);
      if (this.best === null || isBetter(seen, this.best)) this.best = seen;
    }
  }

  /** Simulates every plan of the whole space that could be better than the best by more than a tie. */
  exhaust(): void {
    const { workload, system } = this.#search;
    const { best, simulated } = exhaust(
      this.#search,
      this.#caps,
      (this.best?.report.stepTimeS ?? Number.POSITIVE_INFINITY) * (1 - TIE),
    );
    this.simulated += simulated;
    if (best === null) return;
    const gpuBytes = memoryNeed(workload, system, best.plan).gpuPeakBytes;
    this.best = { ...best, gpuBytes, stressedS: this.#stressedS(best.plan) };
  }

  #stressedS(plan: Plan): () => number {
    let known: number | undefined;
    return () => {
      if (known === undefined) this.simulated += 1;
      known ??= this.#search.stressedOracle(plan).stepTimeS;
      return known;
    };
  }

  #isNew({ name: _, ...plan }: Plan): boolean {
    const key = JSON.stringify(plan);
    if (this.#known.has(key)) return false;
    this.#known.add(key);
    return true;
  }
}

/**
 * Ranked plans in the order in which they are simulated: of those that tie in closed form one for each amount of memory first,
 * since which of the lean ones are late is what the closed form cannot see.
 */
function levelsFirst<Ranked extends { expectedS: number; gpuBytes: number }>(
  ranked: readonly Ranked[],
  tiedS: number,
): Ranked[] {
  const levels = new Set<number>();
  const isFirst = ({ expectedS, gpuBytes }: Ranked) => {
    const level = Math.round(gpuBytes / MEMORY_LEVEL_BYTES);
    if (expectedS > tiedS || levels.has(level)) return false;
    levels.add(level);
    return true;
  };
  const first = ranked.filter(isFirst);
  return [...first, ...ranked.filter((one) => !first.includes(one))];
}

/**
 * The faster one; of equally fast ones the one that stays so on a slower link, then the one in less memory, then that of fewer
 * copies. A plan that hides its last byte at the last moment is as fast as one with time to spare only on paper.
 */
function isBetter(one: Seen, other: Seen): boolean {
  const ratio = one.report.stepTimeS / other.report.stepTimeS;
  if (ratio < 1 - TIE) return true;
  if (ratio > 1 + TIE) return false;
  // Where copies are waited for anyway, a slower link is no other question.
  if (isHidden(one.report) && isHidden(other.report)) {
    const stressed = one.stressedS() / other.stressedS();
    if (stressed < 1 - STRESSED_TIE) return true;
    if (stressed > 1 + STRESSED_TIE) return false;
  }
  const memory = one.gpuBytes - other.gpuBytes;
  return memory === 0 ? copiesOf(one.plan) < copiesOf(other.plan) : memory < 0;
}

/** Makes a transport's first plans: where to keep what, by integer programs, with all chunk sizes, windows, pauses and pieces. */
class Placer {
  readonly #search: Search;
  readonly #caps: Caps;

  constructor(search: Search, caps: Caps) {
    this.#search = search;
    this.#caps = caps;
  }

  seeds(family: readonly Backend[], clock: number): Plan[] {
    const { workload, system, space } = this.#search;
    const maker = new PlanMaker(workload, system, clock);
    const [{ transport }] = family as [Backend];
    const none = makePlan('none', workload, system, transport === 'none' ? undefined : transport);
    const plans: Plan[] = family.map(({ pieceBytes }) => ({ ...none, pieceBytes }));
    // Residents are placed for all sizes of pieces at once, since they move the same bytes.
    for (const placement of this.#placements(family, clock)) {
      for (const backend of family) {
        for (const chunkBytes of space.chunkBytes) {
          for (const windows of space.windows) {
            const variables = {
              backend,
              chunkBytes,
              windows,
              issue: 'near',
              paceS: 0,
              ...placement,
            } as const;
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
    }
    return plans;
  }

  /** By buffers: what gives the shortest step; where all copies can hide, the least memory that hides them, with some to spare. */
  #placements(family: readonly Backend[], clock: number): Placement[] {
    const { highs, workload, system, space } = this.#search;
    const room = weightRoom(workload, system, this.#caps, family[0]!);
    const perByteS = secondsPerByte(workload, system, USUAL_CHUNK_BYTES);
    const place = (slots: number, margin: number, aim: Aim) =>
      streamOptimum(
        ...([highs, workload, system, family, room] as const),
        { secondsPerByte: perByteS, slots, margin },
        { clock, integer: true, gap: INTEGER_GAP, aim },
      );
    const placed: Placement[] = [];
    const rooms = hidingRooms(workload, system, family, clock);
    const { h2d } = copyRates(system, workload.ranks);
    const aloneS = rooms.reduce((sum, one) => sum + one.aloneS, 0);
    let shortestS = Number.POSITIVE_INFINITY;
    for (const slots of space.slots.slice(0, SLOTS_PLACED)) {
      // More buffers leave less for residents: often so much less that no placement makes up for it.
      const streamedBytes = leastStreamedBytes(workload, room, slots);
      if (streamedBytes === null || pooledPassS(rooms, streamedBytes, h2d) > shortestS) continue;
      const fastest = place(slots, 0, { least: 'time' });
      if (fastest === null) continue;
      shortestS = Math.min(shortestS, fastest.passS);
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

function isHidden({ exposedPrefetchS, collectiveInflationS, stepTimeS }: StepReport): boolean {
  return exposedPrefetchS + collectiveInflationS <= HIDDEN_SHARE * stepTimeS;
}

/** Chunks of a pass; of as many chunks, larger pieces are the fewer copies. */
function copiesOf({ blocks, chunkBytes, pieceBytes }: Plan): number {
  const pieces = pieceBytes > 0 ? 1 / pieceBytes : 0;
  return blocks.reduce(
    (sum, { windowBytes }) =>
      sum + windowBytes.reduce((count, bytes) => count + Math.ceil(bytes / chunkBytes), 0),
    pieces,
  );
}
