import type { Plan } from '../plan/plan.ts';
import { makePlan } from '../plan/presets.ts';
import type { StepReport } from '../report.ts';
import { scaledSystem } from '../system/scaled.ts';
import type { System } from '../system/system.ts';
import type { Caps } from './caps.ts';
import { type Optimum, optimise } from './optimise.ts';
import { type Effort, FULL_EFFORT, type Search } from './search.ts';

/** Intervals of what is not known of a machine, as factors of what its file says. */
export interface Uncertainty {
  /** Of the link: copies and the collectives that cross it. */
  link: readonly [number, number];
  /** Of how much of the peak each class of work reaches. */
  compute: readonly [number, number];
}

/** Steps at one end of both intervals, or at the machine as its file has it. */
export interface Corner {
  link: number;
  compute: number;
  /** No offload on the transport that is searched, or the machine's own where several are. */
  noneS: number;
  nominalS: number;
  robustS: number;
}

/** How far the machine may be off before a plan stalls: costs 1 % against no offload on its own transport. */
export interface StallMargin {
  of: 'nominal' | 'robust';
  /** Factor on the link rate from which on the plan stalls; null where it stalls already. */
  link: number | null;
  /** Factor on the compute efficiency, likewise: faster compute leaves less to hide behind. */
  compute: number | null;
}

/** The plan for a machine that is not known exactly, beside the one for the machine as it is written down. */
export interface RobustChoice {
  nominal: Optimum;
  robust: { plan: Plan; report: StepReport };
  /** The machine itself first, then the corners. */
  corners: readonly Corner[];
  /** Largest step of each over that of no offload at the same corner. */
  nominalWorst: number;
  robustWorst: number;
  /** What the robust plan costs at the machine itself, as a share of the nominal plan's step. */
  costAtNominal: number;
  margins: readonly StallMargin[];
}

/** The most that a robust plan may cost where the machine is as it is written down. */
const MOST_COST = 0.02;
const STALLS = 1.01;
/** Range and fineness in which the factor of a stall is looked for. */
const LEAST_FACTOR = 1 / 16;
const MOST_FACTOR = 16;
const FACTOR_STEPS = 12;

/**
 * The plan whose worst case over two intervals is best: of the best plans of the machine itself and of every corner, the one whose
 * largest slowdown against no offload at the same corner is least, among those that cost at most 2 % at the machine itself.
 *
 * Slowdown and not time, since no plan can help slow compute. Steps change in one direction with each of the two, so that the
 * corners hold the worst case.
 *
 * @param searchOn the same search on another machine.
 * @param known plans from elsewhere that the search is to consider, as `optimise` has them.
 * @throws UserError where nothing fits the caps.
 */
export function robustPlan(
  search: Search,
  searchOn: (system: System) => Search,
  caps: Caps,
  { link, compute }: Uncertainty,
  effort: Effort = FULL_EFFORT,
  known: readonly Plan[] = [],
): RobustChoice {
  const { workload, system } = search;
  const places = [
    { link: 1, compute: 1 },
    ...[...new Set(link)].flatMap((l) => [...new Set(compute)].map((c) => ({ link: l, compute: c }))),
  ];
  const searches = places.map((factors) => searchOn(scaledSystem(system, factors)));
  // Over the transport that is searched, or the machine's own where several are.
  const [first, ...others] = [...new Set(search.space.backends.map(({ transport }) => transport))];
  const none = makePlan('none', workload, system, others.length > 0 || first === 'none' ? undefined : first);
  const noneS = searches.map(({ oracle }) => oracle(none).stepTimeS);
  const ofCorners = searches.slice(1).map((other) => optimise(other, caps, effort).plan);
  // A corner's plan that is faster where all is as written is the choice there.
  const nominal = optimise(search, caps, effort, [...known, ...ofCorners]);
  const candidates = [nominal.plan, ...ofCorners];
  const judged = candidates.map((plan) => {
    const stepsS = searches.map(({ oracle }) => oracle(plan).stepTimeS);
    return { plan, stepsS, worst: Math.max(...stepsS.map((stepS, place) => stepS / noneS[place]!)) };
  });
  const [asNominal] = judged as [(typeof judged)[number]];
  const affordable = judged.filter(({ stepsS }) => stepsS[0]! <= (1 + MOST_COST) * asNominal.stepsS[0]!);
  const robust = affordable.reduce((best, one) => (one.worst < best.worst ? one : best));
  const margin = (of: StallMargin['of'], plan: Plan): StallMargin => ({
    of,
    link: stallsAt((factor) => slowdown(searchOn(scaledSystem(system, { link: factor })), plan), 'below'),
    compute: stallsAt(
      (factor) => slowdown(searchOn(scaledSystem(system, { compute: factor })), plan),
      'above',
    ),
  });
  return {
    nominal,
    robust: { plan: robust.plan, report: search.oracle(robust.plan) },
    corners: places.map((factors, place) => ({
      ...factors,
      noneS: noneS[place]!,
      nominalS: asNominal.stepsS[place]!,
      robustS: robust.stepsS[place]!,
    })),
    ...{ nominalWorst: asNominal.worst, robustWorst: robust.worst },
    costAtNominal: robust.stepsS[0]! / asNominal.stepsS[0]! - 1,
    margins: [margin('nominal', nominal.plan), margin('robust', robust.plan)],
  };
}

/** A plan's step over that of no offload on the same transport. */
function slowdown({ oracle, workload, system }: Search, plan: Plan): number {
  const none = makePlan('none', workload, system, plan.transport === 'none' ? undefined : plan.transport);
  return oracle(plan).stepTimeS / oracle({ ...none, pieceBytes: plan.pieceBytes }).stepTimeS;
}

/** The factor, from 1 down or up, at which a plan begins to cost 1 %; null where it does so at 1. */
function stallsAt(slowdownAt: (factor: number) => number, side: 'below' | 'above'): number | null {
  if (slowdownAt(1) > STALLS) return null;
  let fine = 1;
  let stalls = side === 'below' ? LEAST_FACTOR : MOST_FACTOR;
  if (slowdownAt(stalls) <= STALLS) return stalls;
  for (let step = 0; step < FACTOR_STEPS; step += 1) {
    const middle = Math.sqrt(fine * stalls);
    if (slowdownAt(middle) <= STALLS) fine = middle;
    else stalls = middle;
  }
  return fine;
}
