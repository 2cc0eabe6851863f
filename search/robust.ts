import type { StepReport } from '../model/analytic/report.ts';
import { clockOf, predictedStepS, predictStep } from '../model/analytic/stepReport.ts';
import { contentOf, type Plan } from '../model/plan/plan.ts';
import { FROM_SEARCH } from '../model/plan/recipe.ts';
import type { Unknown } from '../model/system/unknowns.ts';
import type { Workload } from '../model/workload/workload.ts';
import { pooledBound } from './capBound.ts';
import { type Caps, fits } from './caps.ts';
import { judge, type SimulatedPlan, type StepsIn } from './judge.ts';
import { LEAST_GAIN, MOST_COST } from './leastRegret.ts';
import { familiesOf, type Optimum, optimise } from './optimise.ts';
import { namedByContent } from './planWords.ts';
import { presetCandidates } from './presetCandidates.ts';
import { type MachineScenario, scenariosOf } from './scenarios.ts';
import { type Effort, FULL_EFFORT, type Search, TIE } from './search.ts';
import { searchOn } from './searchOracle.ts';

/** One scenario, and the steps of both plans in it against the fastest of all that were compared. */
export interface JudgedScenario extends Pick<MachineScenario, 'factors'> {
  fastestS: number;
  nominalS: number;
  robustS: number;
}

/** The plan for a machine that is not known exactly, beside the one for the machine as it is written down. */
export interface RobustChoice {
  nominal: Optimum;
  /** Its gap is to the bound of the machine as written down. */
  robust: Optimum;
  unknowns: readonly Unknown[];
  /** The machine itself first. */
  scenarios: readonly JudgedScenario[];
  /** Largest regret of each over the scenarios. */
  nominalWorst: number;
  robustWorst: number;
  /** What the robust plan costs at the machine itself, as a share of the nominal plan's step. */
  costAtNominal: number;
}

/** Optima of scenarios are looked for with the closed form as the oracle; the simulator has the last word on them. */
const SCENARIO_EFFORT: Effort = { finalists: 2, rounds: 0, exhaustive: 0 };
/** Scenarios that are searched. */
const SEARCHED_SCENARIOS = 2;
/** Plans that are compared in all scenarios, beside the nominal one, the optima of scenarios and the presets. */
const MOST_NEAR = 10;
/** Presets that are slower in closed form, as a share of the nominal plan's step, are too slow to be chosen. */
const NEAR_PRESETS = 2 * MOST_COST;

/**
 * The plan that loses least over what is not known of a machine.
 *
 * 1. Nominal: the best plan of the machine as it is written down, as `optimise` finds it.
 * 2. Scenarios: the machine itself, each direction at the ends of its interval, two joint corners.
 * 3. Candidates: the nominal plan, what the search simulated within 1 % of it, the presets that are as near, and the optima of
 *    those scenarios in which the nominal plan is farther above the bound than at the machine itself, also in its pieces.
 * 4. Judge: all candidates in all scenarios in closed form, scaled by what the simulator says at the machine itself; the steps
 *    that decide are simulated, until nothing that was not simulated decides.
 * 5. Choose: least largest regret, within a bounded cost at the machine itself (`leastRegret`); the nominal plan in a tie, and of
 *    others that tie the leanest.
 *
 * @param unknowns of the machine; without any, the nominal plan is the choice.
 * @param known plans from elsewhere that the search is to consider, as `optimise` has them.
 * @throws UserError where nothing fits the caps.
 */
export function robustPlan(
  search: Search,
  caps: Caps,
  unknowns: readonly Unknown[],
  effort: Effort = FULL_EFFORT,
  known: readonly Plan[] = [],
): RobustChoice {
  const { workload, system } = search;
  const simulated = new Map<string, SimulatedPlan>();
  const oracle = (plan: Plan): StepReport => {
    const report = simulated.get(contentOf(plan))?.report ?? search.oracle(plan);
    simulated.set(contentOf(plan), { plan, report });
    return report;
  };
  const found = optimise({ ...search, oracle }, caps, effort, known);
  const scenarios = scenariosOf(system, unknowns, workload.ranks);
  const places = scenarios.map((scenario) => ({ ...scenario, search: searchOn(search, scenario.system) }));
  const optima = scenarioOptima(found, places, caps)
    .flatMap((plan) => [plan, ...inPiecesOf(found.plan, plan)])
    .filter((plan) => fits(workload, system, plan, caps))
    .map((plan) => ({ plan, report: oracle(plan) }));
  const nominal = fastestOf(workload, found, optima);
  const near = nearTies(nominal, [...simulated.values()]);
  const presets = places.length === 1 ? [] : nearPresets({ ...search, oracle }, nominal, caps);
  const candidates = distinct([nominal, ...leanestFirst([...near, ...presets, ...optima])]);
  const { chosen, worst, stepsS } = judge(candidates, places.map(stepsIn));
  const { plan, report } = candidates[chosen]!;
  return {
    nominal,
    robust: chosen === 0 ? nominal : withPlan(nominal, namedByContent(plan, workload), report),
    unknowns,
    scenarios: scenarios.map(({ factors }, place) => ({
      factors,
      fastestS: Math.min(...stepsS.map((steps) => steps[place]!)),
      nominalS: stepsS[0]![place]!,
      robustS: stepsS[chosen]![place]!,
    })),
    ...{ nominalWorst: worst[0]!.regret, robustWorst: worst[chosen]!.regret },
    costAtNominal: report.stepTimeS / nominal.report.stepTimeS - 1,
  };
}

type Place = MachineScenario & { search: Search };

function stepsIn({ search: { workload, system, oracle } }: Place): StepsIn {
  // Plans that are compared are about as fast, and their clocks about the same.
  let likelyClock: number | undefined;
  return {
    predictedS: (plan) => {
      const stepS = predictedStepS(workload, system, plan, likelyClock);
      likelyClock = clockOf(workload, system, plan);
      return stepS;
    },
    simulatedS: (plan) => oracle(plan).stepTimeS,
  };
}

function leanestFirst(seen: readonly SimulatedPlan[]): SimulatedPlan[] {
  return [...seen].sort(
    (a, b) => a.report.gpuPeakBytes - b.report.gpuPeakBytes || a.report.stepTimeS - b.report.stepTimeS,
  );
}

/** The first of equal plans, in their order. */
function distinct(seen: readonly SimulatedPlan[]): SimulatedPlan[] {
  const contents = seen.map(({ plan }) => contentOf(plan));
  return seen.filter((_, index) => contents.indexOf(contents[index]!) === index);
}

function withPlan(optimum: Optimum, plan: Plan, report: StepReport): Optimum {
  const gap = report.stepTimeS / optimum.bound.stepTimeS - 1;
  const isAsFast = report.stepTimeS <= optimum.report.stepTimeS * (1 + TIE);
  const proven = gap <= TIE || (optimum.proven && isAsFast);
  return { ...optimum, plan, report: { ...report, plan: plan.name }, gap, proven };
}

/** A scenario's optimum in the nominal plan's pieces, where only those make it too dear at the machine itself. */
function inPiecesOf({ transport, pieceBytes }: Plan, plan: Plan): Plan[] {
  return plan.transport === transport && plan.pieceBytes !== pieceBytes
    ? [{ ...plan, recipe: FROM_SEARCH, pieceBytes }]
    : [];
}

/** A scenario's optimum that is faster where all is as written is the nominal plan. */
function fastestOf(workload: Workload, found: Optimum, optima: readonly SimulatedPlan[]): Optimum {
  return optima.reduce<Optimum>(
    (best, { plan, report }) =>
      report.stepTimeS < best.report.stepTimeS * (1 - TIE)
        ? withPlan(best, namedByContent(plan, workload), report)
        : best,
    found,
  );
}

/** The fastest of the plans that cost little at the machine itself. */
function nearTies({ report }: Optimum, simulated: readonly SimulatedPlan[]): SimulatedPlan[] {
  return simulated
    .filter((seen) => seen.report.stepTimeS <= report.stepTimeS * (1 + MOST_COST))
    .sort((a, b) => a.report.stepTimeS - b.report.stepTimeS)
    .slice(0, MOST_NEAR);
}

/** Presets that the search may have left out, since their bound is no better than the best plan. */
function nearPresets(
  { workload, system, space, oracle }: Search,
  { report }: Optimum,
  caps: Caps,
): SimulatedPlan[] {
  const most = report.stepTimeS * (1 + NEAR_PRESETS);
  return presetCandidates({ workload, system }, space.backends, caps, report.clock)
    .filter((plan) => predictedStepS(workload, system, plan, report.clock) <= most)
    .map((plan) => ({ plan, report: oracle(plan) }));
}

/**
 * Optima of the scenarios in which the nominal plan is farthest above what a pooled bound says no plan goes below, if it is
 * farther there than at the machine itself by more than a robust plan must gain.
 */
function scenarioOptima({ plan, report }: Optimum, places: readonly Place[], caps: Caps): Plan[] {
  const slacks = places.map(({ search: { workload, system, space } }) => {
    const bounds = familiesOf(space.backends).flatMap((family) => {
      const bound = pooledBound(workload, system, family, caps);
      return bound === null ? [] : [bound.stepTimeS];
    });
    return predictedStepS(workload, system, plan, report.clock) / Math.min(...bounds);
  });
  const [own = 1] = slacks;
  return places
    .map(({ search }, index) => ({ search, slack: slacks[index]! }))
    .filter(({ slack }) => slack > own + LEAST_GAIN)
    .sort((a, b) => b.slack - a.slack)
    .slice(0, SEARCHED_SCENARIOS)
    .map(({ search }) => {
      const { workload, system } = search;
      const oracle = (one: Plan) => predictStep(workload, system, one);
      return optimise({ ...search, oracle, stressedOracle: oracle }, caps, SCENARIO_EFFORT, [plan]).plan;
    });
}
