import type { SimulatedPlan } from '../../../documents/simulation.ts';
import { simulationOf } from '../../../library/simulationOf.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { requestFacts } from '../../../model/scenario/requestFacts.ts';
import { scenarioOf } from '../../../model/scenario/scenario.ts';
import { tracePaths, writeTraces } from '../../files/traceFiles.ts';
import { jsonText, type Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
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
  const scenario = scenarioOf(flags, FILES);
  const { system, plans, spIsDefault } = scenario;
  if (flags.trace !== undefined) for (const plan of plans) refuseUntraced(plan);
  const files = flags.trace === undefined ? null : tracePaths(flags.trace, plans);
  const { document, timelines } = simulationOf(scenario, request, {
    traces: files,
    watch: (total) => startProgress(output, 'plans', total),
  });
  writeTraces(
    timelines.map((timeline, index) => {
      const step = { name: `simulated: ${system.id}, ${plans[index]!.name}`, timeline };
      return { file: files![index]!, steps: [step] };
    }),
  );
  output.result(
    flags.json ? jsonText(document) : readable(document, COLUMNS, { how: 'Simulated', spIsDefault }),
  );
  for (const file of files ?? []) output.diagnostic(`wrote ${file}; open it at https://ui.perfetto.dev\n`);
}
