import { type Simulation, simulationFormat } from '../documents/simulation.ts';
import { predict } from '../model/analytic/predict.ts';
import type { RequestFacts } from '../model/analytic/request.ts';
import { CHECKED_ONCE } from '../model/input/checkedOnce.ts';
import type { Timeline } from '../model/program/timeline.ts';
import type { Scenario } from '../model/scenario/scenario.ts';
import { simulate } from '../sim/simulate.ts';
import { comparePlans } from './comparePlans.ts';
import { UNWATCHED, type Watch } from './progress.ts';
import { planFields, scenarioFields } from './scenarioFields.ts';

export interface SimulationOptions {
  /** Files that the document says the plans' traces are in, in the order of plans. */
  traces?: readonly string[] | null;
  watch?: Watch;
}

/** A scenario's plans as they were simulated. */
export interface Simulated {
  document: Simulation;
  /** One of each plan; none without traces. */
  timelines: readonly Timeline[];
}

/** A steady step of each plan of a scenario, simulated, as the JSON of `simulate` has it. */
export function simulationOf(
  scenario: Scenario,
  request: RequestFacts | null = null,
  { traces = null, watch = UNWATCHED }: SimulationOptions = {},
): Simulated {
  const { workload, system, plans } = scenario;
  const compared = comparePlans(scenario, watch, (plan) => {
    const closedForm = predict(workload, system, plan);
    const timeline = traces !== null && plans.includes(plan);
    const simulated = simulate(workload, system, plan, { timeline, breakEven: false });
    // Where a plan breaks even is a question to the closed form: it takes many sizes, not one step.
    return { ...simulated, report: { ...simulated.report, breakEven: closedForm.breakEven }, closedForm };
  });
  const document: Simulation = {
    schema: 'chunkflow/simulation@1',
    ...scenarioFields(scenario),
    plans: compared.map((one, index) => ({
      ...planFields(one, scenario, request),
      closedFormStepTimeS: one.result.closedForm.stepTimeS,
      steady: one.result.steady,
      steps: one.result.steps,
      trace: traces?.[index] ?? null,
    })),
  };
  const timelines = traces === null ? [] : compared.map(({ result }) => result.timeline!);
  return { document: simulationFormat.parse(document, CHECKED_ONCE), timelines };
}
