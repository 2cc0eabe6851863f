import type { StepReport } from '../model/analytic/report.ts';
import { UserError } from '../model/input/userError.ts';
import type { Plan } from '../model/plan/plan.ts';
import { type CapBound, capBound, pooledBound } from './capBound.ts';
import type { Caps } from './caps.ts';
import { countPlans } from './everyPlan.ts';
import type { Backend } from './hidingRoom.ts';
import { infeasible } from './infeasible.ts';
import { smallestPlan } from './leastMemory.ts';
import { neighbours } from './neighbours.ts';
import { Placer } from './placer.ts';
import { isHidden, PlanPool } from './planPool.ts';
import { namedByContent } from './planWords.ts';
import { presetCandidates } from './presetCandidates.ts';
import { type Effort, FULL_EFFORT, type Search, TIE } from './search.ts';
import { plansPerBackend } from './searchSpace.ts';

/** A plan that hides all copies and is so near to the bound has no neighbour that is better by more than the bound is loose. */
const HIDDEN_NEAR = 5e-3;

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

type TransportBound = CapBound & { transport: string };
/**
 * The fastest plan under caps on memory.
 *
 * 1. Bound: for each transport linear programs say what no plan goes below. Transports are taken in that order, and those whose
 *    bound is no better than the best plan so far are not looked at.
 * 2. Place: an integer program says how much of each class of blocks to keep, for the shortest step and, where steps of the same
 *    length leave a choice, for the least memory.
 * 3. Rank: with these residents every chunk size, window rule and pause is evaluated in closed form, and the best are simulated.
 * 4. Presets: all that fit, and plans that are known from elsewhere, are simulated unless their bound is no better than the best plan.
 * 5. Improve: the best plan's neighbours are ranked in closed form, the best of them simulated, until none is better.
 * 6. Prove: a space of few plans is searched as a whole, by branch and bound.
 *
 * So no preset over a transport of the space that fits the caps is faster than the choice by more than a tie.
 *
 * @param known plans from elsewhere, such as a tool's setting or the choice for a smaller cap; what does not fit is left out.
 * @throws UserError where nothing fits, with what the smallest plan needs.
 */
export function optimise(
  search: Search,
  caps: Caps,
  effort: Effort = FULL_EFFORT,
  known: readonly Plan[] = [],
): Optimum {
  const { highs, workload, system, space } = search;
  const families = familiesOf(space.backends)
    .flatMap((family) => {
      const quick = pooledBound(workload, system, family, caps);
      return quick === null ? [] : [{ family, quick }];
    })
    .sort((a, b) => a.quick.stepTimeS - b.quick.stepTimeS);
  const pool = new PlanPool(search, caps);
  const placer = new Placer(search, caps);
  const isBeyond = (stepTimeS: number) =>
    pool.best !== null && stepTimeS >= pool.best.report.stepTimeS * (1 - TIE);
  const bounds: TransportBound[] = [];
  let boundedAway = 0;
  const open: Backend[] = [];
  for (const { family, quick } of families) {
    const bound = isBeyond(quick.stepTimeS) ? quick : capBound(highs, workload, system, family, caps);
    if (bound === null) continue;
    bounds.push({ ...bound, transport: family[0]!.transport });
    if (isBeyond(bound.stepTimeS)) boundedAway += family.length * plansPerBackend(workload, space);
    else {
      open.push(...family);
      pool.simulateBest(placer.seeds(family, bound.clock), bound.clock, effort.finalists);
    }
  }
  // Caps that hold one plan to the byte hold none whose residents an integer program has rounded.
  if (pool.best === null)
    pool.simulateBest([smallestPlan(search, caps.pinnedBytes)?.plan ?? []].flat(), 1, 1);
  if (pool.best === null || bounds.length === 0) throw new UserError(infeasible(search, caps));
  const isSearched = ({ transport }: Plan) => open.some((backend) => backend.transport === transport);
  const { clock } = pool.best.report;
  pool.simulateAll(
    [...known.filter(isSearched), ...presetCandidates(search, open, caps, clock)],
    (transport) => bounds.find((bound) => bound.transport === transport)?.stepTimeS ?? 0,
  );
  const least = bounds.reduce((lowest, bound) => (bound.stepTimeS < lowest.stepTimeS ? bound : lowest));
  for (let round = 0; round < effort.rounds; round += 1) {
    const { plan, report, gpuBytes } = pool.best;
    const near = isHidden(report) ? HIDDEN_NEAR : TIE;
    if (report.stepTimeS <= least.stepTimeS * (1 + near)) break;
    const around = neighbours(workload, system, plan, space, caps.gpuBytes - gpuBytes);
    pool.simulateBest(around, report.clock, effort.finalists);
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
export function familiesOf(backends: readonly Backend[]): Backend[][] {
  const names = [...new Set(backends.map(({ transport }) => transport))];
  return names.map((name) => backends.filter(({ transport }) => transport === name));
}
