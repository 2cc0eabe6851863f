import type { SimulatedPlan } from '../../../documents/simulation.ts';
import { simulationOf } from '../../../library/simulationOf.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { FILES } from '../../../model/scenario/files.ts';
import type { ScenarioQuestion } from '../../../model/scenario/question.ts';
import { requestFacts } from '../../../model/scenario/requestFacts.ts';
import { scenarioOf } from '../../../model/scenario/scenario.ts';
import { tracePaths, writeTraces } from '../../files/traceFiles.ts';
import { questionsOf } from '../../flags/sizes.ts';
import type { Output } from '../../output.ts';
import { printPlans } from '../../printPlans.ts';
import { sayLink } from '../../text/link.ts';
import { startProgress } from '../../text/progress.ts';
import type { Column } from '../../text/table.ts';
import type { SimulateFlags } from './command.ts';

const COLUMNS: readonly Column<SimulatedPlan>[] = [
  { header: 'closed form ms', value: (report) => report.closedFormStepTimeS * 1e3, digits: 1 },
];

/** @throws UserError for a plan some of whose copies stand on no stream: its trace would be shorter than its step. */
function refuseUntraced({ name, serialCopies }: Plan): void {
  if (serialCopies === undefined) return;
  throw new UserError(
    `--trace: ${name}: copies outside of its blocks, which a trace does not have; leave out --trace, or this plan`,
  );
}

/** Simulates a steady step of each plan, at each size, and writes its trace where asked. */
export function run(flags: SimulateFlags, output: Output): void {
  const request = requestFacts(flags);
  const ofOne = [
    ...(flags.trace === undefined ? [] : [`--trace ${flags.trace}`]),
    ...(flags.link === undefined ? [] : ['--link']),
  ];
  const questions = questionsOf<ScenarioQuestion>(flags, ofOne);
  const scenarios = questions.map((question) => scenarioOf(question, FILES));
  const [{ system, plans, spIsDefault }] = scenarios as [(typeof scenarios)[number]];
  if (flags.trace !== undefined) for (const plan of plans) refuseUntraced(plan);
  const files = flags.trace === undefined ? null : tracePaths(flags.trace, plans);
  const simulated = scenarios.map((scenario) =>
    simulationOf(scenario, request, {
      traces: files,
      watch: (total) => startProgress(output, 'plans', total),
    }),
  );
  const { timelines } = simulated[0]!;
  writeTraces(
    timelines.map((timeline, index) => {
      const step = { name: `simulated: ${system.id}, ${plans[index]!.name}`, timeline };
      return { file: files![index]!, steps: [step] };
    }),
  );
  const documents = simulated.map(({ document }) => document);
  printPlans(documents, COLUMNS, { how: 'Simulated', spIsDefault, json: flags.json === true }, output);
  sayLink(flags.link, questions[0]!, output);
  for (const file of files ?? []) output.diagnostic(`wrote ${file}; open it at https://ui.perfetto.dev\n`);
}
