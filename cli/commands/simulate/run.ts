import { predict } from '../../../model/analytic/predict.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { simulate } from '../../../sim/simulate.ts';
import { comparePlans } from '../../compare.ts';
import { planFields, scenarioFields } from '../../documents/scenarioFields.ts';
import { type SimulatedPlan, type Simulation, simulationFormat } from '../../documents/simulation.ts';
import { tracePaths, writeTraces } from '../../files/traceFiles.ts';
import { jsonText, type Output } from '../../output.ts';
import { requestFacts } from '../../requestFacts.ts';
import { buildScenario } from '../../scenario.ts';
import { PLAN_COLUMNS, readable } from '../../text/readable.ts';
import type { Column } from '../../text/table.ts';
import type { SimulateFlags } from './command.ts';

const COLUMNS: readonly Column<SimulatedPlan>[] = [
  ...PLAN_COLUMNS.slice(0, 2),
  { header: 'closed form ms', value: (report) => report.closedFormStepTimeS * 1e3, digits: 1 },
  ...PLAN_COLUMNS.slice(2),
];

/** @throws UserError for a plan some of whose copies stand on no stream: its trace would be shorter than its step. */
function refuseUntraced({ name, serialCopies }: Plan): void {
  if (serialCopies === undefined) return;
  throw new UserError(
    `--trace: ${name}: copies outside of its blocks, which a trace does not have; leave out --trace, or this plan`,
  );
}

/** Simulates a steady step of each plan, and writes its trace where asked. */
export function run(flags: SimulateFlags, output: Output): void {
  const request = requestFacts(flags);
  const scenario = buildScenario(flags);
  const { workload, system, plans, spIsDefault } = scenario;
  if (flags.trace !== undefined) for (const plan of plans) refuseUntraced(plan);
  const files = flags.trace === undefined ? null : tracePaths(flags.trace, plans);
  const compared = comparePlans(scenario, output, (plan) => {
    const closedForm = predict(workload, system, plan);
    const timeline = files !== null && plans.includes(plan);
    const simulated = simulate(workload, system, plan, { timeline, breakEven: false });
    // Where a plan breaks even is a question to the closed form: it takes many sizes, not one step.
    return { ...simulated, report: { ...simulated.report, breakEven: closedForm.breakEven }, closedForm };
  });
  const document = simulationFormat.parse({
    schema: 'chunkflow/simulation@1',
    ...scenarioFields(scenario),
    plans: compared.map((one, index) => ({
      ...planFields(one, scenario, request),
      closedFormStepTimeS: one.result.closedForm.stepTimeS,
      steady: one.result.steady,
      steps: one.result.steps,
      trace: files?.[index] ?? null,
    })),
  } satisfies Simulation);
  if (files !== null) {
    writeTraces(
      compared.map(({ plan, result }, index) => {
        const step = { name: `simulated: ${system.id}, ${plan.name}`, timeline: result.timeline! };
        return { file: files[index]!, steps: [step] };
      }),
    );
  }
  output.result(
    flags.json ? jsonText(document) : readable(document, COLUMNS, { how: 'Simulated', spIsDefault }),
  );
  for (const file of files ?? []) output.diagnostic(`wrote ${file}; open it at https://ui.perfetto.dev\n`);
}
