import { mean } from 'simple-statistics';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planElsewhere } from '../../model/plan/planElsewhere.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import { unknownsOf } from '../../model/system/unknowns.ts';
import type { Workload } from '../../model/workload/workload.ts';
import { machineCaps } from '../../search/caps.ts';
import { judge, type StepsIn } from '../../search/judge.ts';
import { PlanPool } from '../../search/planPool.ts';
import { scenariosOf } from '../../search/scenarios.ts';
import { searchOracles } from '../../search/searchOracle.ts';
import { usualSpace } from '../../search/searchSpace.ts';
import { loadSolver } from '../../search/solver.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import { cellScenario } from '../grid/cellScenario.ts';
import { cellOfRecord } from '../grid/recordedCell.ts';
import { measuredCells, runsOf } from './measuredCells.ts';

/** A machine that choices are made by. What measured the plans is another matter. */
export interface Belief {
  name: string;
  system: System;
}

/** One question, answered twice: the best of the plans measured within a cap, nominally and over what is not known. */
export interface TwoChoices {
  belief: string;
  cell: string;
  /** Bytes of GPU memory. */
  cap: number;
  nominal: string;
  robust: string;
  /** Measured steps over that of the fastest measured plan within the cap, less 1. */
  nominalRegret: number;
  robustRegret: number;
  /** What the robust choice costs by the belief's own numbers. */
  cost: number;
}

/** Shares of the memory between what `layerwise` takes and no offload. */
const CAPS = [0, 0.25, 0.5, 0.75, 1];
/** Plans whose rounds differ by more measured a disturbance of the host, not themselves. */
const MOST_NOISE = 0.02;

interface Measured {
  plan: Plan;
  name: string;
  stepS: number;
  gpuBytes: number;
}

/**
 * Chooses among the measured plans of every cell, by each belief, within several caps, over any transport: as `optimise` ranks
 * plans, ties and all, and as `robustPlan` does. So the search itself plays no part, and both have all measured plans to choose from.
 *
 * Left out are plans whose rounds differ by more than 2 %, and those in pieces that are smaller than what `plan` searches.
 */
export async function robustChoices(
  runs: readonly StepRun[],
  beliefs: readonly Belief[],
  onCell: (cell: string) => void = () => {},
): Promise<TwoChoices[]> {
  const highs = await loadSolver();
  return measuredCells(runs).flatMap((cell) => {
    onCell(cell.cell);
    const own = runsOf(runs, cell);
    const { workload, system } = cellScenario(cellOfRecord(own[0]!));
    const pieces = usualSpace(workload, system).backends.map(({ pieceBytes }) => pieceBytes);
    const plans = cell.plans
      .filter(({ noise }) => (noise ?? 0) <= MOST_NOISE)
      .map(({ plan: name, stepS, gpuBytes }): Measured => {
        const [made] = cellScenario(cellOfRecord(own.find((run) => run.plan === name)!)).plans as [Plan];
        return { plan: planElsewhere(made, workload, system), name, stepS, gpuBytes };
      })
      .filter(({ plan }) => pieces.includes(plan.pieceBytes));
    return beliefs.flatMap((belief) => {
      const places = scenariosOf(belief.system, unknownsOf(belief.system), workload.ranks).map((scenario) =>
        stepsIn(workload, scenario.system),
      );
      const search = { highs, workload, system: belief.system, space: usualSpace(workload, belief.system) };
      const oracles = searchOracles(workload, belief.system);
      const oracle = remembered(oracles.oracle);
      const stressedOracle = remembered(oracles.stressedOracle);
      return capsOf(workload, system).flatMap((cap) => {
        const within = plans.filter(({ gpuBytes }) => gpuBytes <= cap);
        if (within.length < 3) return [];
        const pool = new PlanPool(
          { ...search, oracle, stressedOracle },
          { ...machineCaps(workload, system), gpuBytes: cap },
        );
        pool.simulateAll(
          within.map(({ plan }) => plan),
          () => 0,
        );
        const nominal = within.find(({ plan }) => plan === pool.best!.plan)!;
        const others = within
          .filter((one) => one !== nominal)
          .sort((a, b) => a.gpuBytes - b.gpuBytes || a.stepS - b.stepS);
        const candidates = [nominal, ...others];
        const { chosen, stepsS } = judge(
          candidates.map(({ plan }) => ({ plan, report: oracle(plan) })),
          places,
        );
        const robust = candidates[chosen]!;
        const fastestS = Math.min(...within.map(({ stepS }) => stepS));
        return {
          ...{ belief: belief.name, cell: cell.cell, cap, nominal: nominal.name, robust: robust.name },
          nominalRegret: nominal.stepS / fastestS - 1,
          robustRegret: robust.stepS / fastestS - 1,
          cost: stepsS[chosen]![0]! / stepsS[0]![0]! - 1,
        };
      });
    });
  });
}

function capsOf(workload: Workload, system: System): number[] {
  const bytesOf = (preset: string) =>
    memoryNeed(workload, system, makePlan(preset, workload, system)).gpuPeakBytes;
  const [least, most] = [bytesOf('layerwise'), bytesOf('none')];
  return CAPS.map((share) => Math.ceil(least + share * (most - least)));
}

function stepsIn(workload: Workload, system: System): StepsIn {
  const { oracle } = searchOracles(workload, system);
  return {
    predictedS: remembered((plan) => predictStep(workload, system, plan).stepTimeS),
    simulatedS: remembered((plan) => oracle(plan).stepTimeS),
  };
}

/** A function of a plan that is worked out once for each. */
function remembered<Answer>(of: (plan: Plan) => Answer): (plan: Plan) => Answer {
  const known = new Map<Plan, Answer>();
  return (plan) => {
    const answer = known.get(plan) ?? of(plan);
    known.set(plan, answer);
    return answer;
  };
}

/** What both kinds of choices measured over many questions. */
export interface ChoicesCompared {
  belief: string;
  questions: number;
  nominalMean: number;
  robustMean: number;
  nominalLargest: number;
  robustLargest: number;
  /** Questions with two answers, and of those the ones in which the robust one measured faster or slower by more than a tie. */
  changed: number;
  better: number;
  worse: number;
  meanCost: number;
}

/** Steps this close measured alike. */
const ALIKE = 1e-3;

/** Two kinds of choices held against each other. */
export function compareChoices(belief: string, choices: readonly TwoChoices[]): ChoicesCompared {
  const changed = choices.filter(({ nominal, robust }) => nominal !== robust);
  const gains = changed.map(({ nominalRegret, robustRegret }) => nominalRegret - robustRegret);
  return {
    belief,
    questions: choices.length,
    nominalMean: mean(choices.map(({ nominalRegret }) => nominalRegret)),
    robustMean: mean(choices.map(({ robustRegret }) => robustRegret)),
    nominalLargest: Math.max(...choices.map(({ nominalRegret }) => nominalRegret)),
    robustLargest: Math.max(...choices.map(({ robustRegret }) => robustRegret)),
    changed: changed.length,
    better: gains.filter((gain) => gain > ALIKE).length,
    worse: gains.filter((gain) => gain < -ALIKE).length,
    meanCost: mean(choices.map(({ cost }) => cost)),
  };
}
