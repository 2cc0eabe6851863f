import type { StepReport } from '../model/analytic/report.ts';
import type { Plan } from '../model/plan/plan.ts';
import { leastRegret, type RegretChoice } from './leastRegret.ts';

/** A plan with its step at the machine as its file has it. */
export interface SimulatedPlan {
  plan: Plan;
  report: StepReport;
}

/** Steps of plans in one scenario, seconds. */
export interface StepsIn {
  /** In closed form. */
  predictedS: (plan: Plan) => number;
  simulatedS: (plan: Plan) => number;
}

/** The choice, and the steps of each plan in each scenario that it was made by. */
export interface Judgement extends RegretChoice {
  stepsS: readonly (readonly number[])[];
}

/**
 * The plan of least regret (`leastRegret`), with as few simulations as that takes: steps are the closed form's, scaled by what the
 * simulator says of the plan at the machine itself. Where the nominal and the chosen plan lose most, they and the fastest plan are
 * simulated; that may change the choice, so it is repeated until all that decides has been simulated.
 *
 * @param plans of which the first is the nominal one.
 * @param scenarios of which the first is the machine itself.
 */
export function judge(plans: readonly SimulatedPlan[], scenarios: readonly StepsIn[]): Judgement {
  const stepsS = plans.map(({ plan, report }) => {
    const predictedS = scenarios.map((scenario) => scenario.predictedS(plan));
    return predictedS.map((stepS) => report.stepTimeS * (stepS / predictedS[0]!));
  });
  const isSimulated = plans.map(() => scenarios.map((_, index) => index === 0));
  for (;;) {
    const choice = leastRegret(stepsS);
    const { chosen, worst } = choice;
    const deciding = [worst[0]!, worst[chosen]!].flatMap(({ scenario }) =>
      [0, chosen, fastestIn(stepsS, scenario)].map((index) => ({ index, scenario })),
    );
    const open = deciding.filter(({ index, scenario }) => !isSimulated[index]![scenario]);
    if (open.length === 0) return { ...choice, stepsS };
    for (const { index, scenario } of open) {
      if (isSimulated[index]![scenario]) continue;
      isSimulated[index]![scenario] = true;
      stepsS[index]![scenario] = scenarios[scenario]!.simulatedS(plans[index]!.plan);
    }
  }
}

function fastestIn(stepsS: readonly (readonly number[])[], scenario: number): number {
  const own = stepsS.map((steps) => steps[scenario]!);
  return own.indexOf(Math.min(...own));
}
