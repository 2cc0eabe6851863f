import { resolve } from 'node:path';
import type { Cell, Experiment } from '../../../../studies/grid/experimentFile.ts';
import { submitExperiment } from '../../../../studies/jobs/experimentJobs.ts';
import { jobPlaces } from '../../../../studies/jobs/places.ts';
import { itemStates } from '../../../../studies/jobs/states.ts';
import { jobOptions, nodeChoice } from '../../../jobOptions.ts';
import type { Output } from '../../../output.ts';
import { statesText } from '../../../text/jobsText.ts';
import { howTo, waitForJobs } from '../../../waitForJobs.ts';
import type { ExperimentRunFlags } from './command.ts';

/** Submits what an experiment's results lack. Returns the exit code: 1 when a cell failed, as far as that is known. */
export async function runUnderSlurm(
  experiment: Experiment,
  cells: readonly Cell[],
  flags: ExperimentRunFlags,
  output: Output,
): Promise<number> {
  const root = resolve(flags.results);
  const places = jobPlaces(root, nodeChoice(flags), flags.partition);
  const { jobs, wanted, submitted, failures } = await submitExperiment(
    ...([experiment, cells, places, root, jobOptions(flags, experiment.machine, output)] as const),
  );
  for (const { id, why } of failures) output.diagnostic(`error: ${id}: ${why}\n`);
  if (jobs.length > 0) output.diagnostic(`submitted ${submitted} cells: jobs ${jobs.join(' ')}\n`);
  const what = 'cells';
  const states = flags.wait
    ? await waitForJobs({ root, what, wanted, jobs }, output)
    : itemStates(root, wanted);
  if (typeof states === 'number') return states;
  output.result(`${statesText(what, states)}: ${flags.results}\n`);
  let failed = failures.length;
  for (const [index, state] of states.entries()) {
    if (state.is !== 'failed') continue;
    const { id, node } = wanted[index]!;
    output.diagnostic(`error: ${id}${node === null ? '' : ` on ${node}`}: ${state.reason}\n`);
    failed += 1;
  }
  if (!flags.wait && states.some(({ is }) => is === 'queued')) output.diagnostic(`${howTo(jobs)}\n`);
  return failed === 0 ? 0 : 1;
}
