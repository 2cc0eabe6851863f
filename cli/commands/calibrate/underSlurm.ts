import { resolve } from 'node:path';
import { UserError } from '../../../model/input/userError.ts';
import {
  type CalibrationRequest,
  calibrationFiles,
  submitCalibrations,
} from '../../../studies/jobs/calibrationJobs.ts';
import { jobPlaces } from '../../../studies/jobs/places.ts';
import { itemStates } from '../../../studies/jobs/states.ts';
import { jobOptions, nodeChoice } from '../../jobOptions.ts';
import type { Output } from '../../output.ts';
import { statesText } from '../../text/jobsText.ts';
import { howTo, waitForJobs } from '../../waitForJobs.ts';
import type { CalibrateFlags } from './command.ts';

/** Submits the calibrations that a folder lacks. Returns the exit code: 1 when one failed, as far as that is known. */
export async function runUnderSlurm(
  request: CalibrationRequest,
  flags: CalibrateFlags,
  output: Output,
): Promise<number> {
  if (flags.bundle !== undefined)
    throw new UserError('--bundle and --slurm: expected one of them, got both; a bundle is started by hand');
  const root = resolve(flags.results);
  const places = jobPlaces(root, nodeChoice(flags), flags.partition);
  const nodes = places.flatMap(({ node }) => node ?? []);
  const chosen = nodes.length === 0 ? null : nodes;
  const { jobs, wanted, submitted } = await submitCalibrations(
    ...([request, chosen, root, jobOptions(flags, request.machine, output)] as const),
  );
  if (jobs.length > 0) output.diagnostic(`submitted ${submitted} calibrations: jobs ${jobs.join(' ')}\n`);
  const what = chosen === null ? 'calibrations' : 'nodes';
  const states = flags.wait
    ? await waitForJobs({ root, what, wanted, jobs }, output)
    : itemStates(root, wanted);
  if (typeof states === 'number') return states;
  for (const file of calibrationFiles(flags.results)) output.result(`${file}\n`);
  output.diagnostic(`${statesText(what, states)}: ${flags.results}\n`);
  const failed = states.flatMap((state, index) =>
    state.is === 'failed' ? [`${wanted[index]!.id}: ${state.reason}`] : [],
  );
  for (const line of failed) output.diagnostic(`error: ${line}\n`);
  if (!flags.wait && states.some(({ is }) => is === 'queued')) output.diagnostic(`${howTo(jobs)}\n`);
  else if (failed.length === 0) output.diagnostic('next: chunkflow fit FILE --out fitted.yaml, of each\n');
  return failed.length === 0 ? 0 : 1;
}
