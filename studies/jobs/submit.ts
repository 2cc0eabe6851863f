import type { SlurmOptions } from '../../cluster/slurm/options.ts';
import { isAlive, queuedElements } from '../../cluster/slurm/queue.ts';
import { largestElement, submitArray } from '../../cluster/slurm/submit.ts';
import { type PlannedArray, type PlannedItem, planArrays } from './arrays.ts';
import { buildRequested, isBuilt, type JobBuild, keepBuildRequest } from './builds.ts';
import { buildLauncher, withOwnMounts } from './srun.ts';
import { keepJob, keepSubmission, logsOf, type Submission, submittedJobs } from './submission.ts';

/** How measurements are submitted. */
export interface JobOptions {
  slurm: SlurmOptions;
  build: JobBuild;
  /** Whether programs are built by this process and not by a job. */
  buildHere: boolean;
  /** Null for all ranks of a program on one node. */
  ranksPerNode: number | null;
  /** Command line that does what a file of a submission says for the element that it runs in. */
  command: (file: string) => string[];
  onNote: (text: string) => void;
}

export interface JobRequest {
  /** Absolute: folder of the results, which all nodes see. */
  root: string;
  /** As the queue shows it. */
  name: string;
  work: Exclude<Submission['work'], { kind: 'build' }>;
  /** Folders of all programs: the same ones have the same build. */
  folders: readonly string[];
  items: readonly PlannedItem[];
}

/** What all arrays of a submission have in common. */
interface Context extends JobOptions {
  root: string;
  container: Submission['container'];
  build: JobBuild;
  /** Folder of the programs. */
  folder: string;
}

/**
 * Submits measurements as job arrays, behind one job that builds their programs where they are not built.
 *
 * @returns the numbers of the jobs, that of the build first.
 * @throws UserError with Slurm's own words where it refuses, and where programs cannot be built here.
 */
export async function submitMeasurements(request: JobRequest, options: JobOptions): Promise<string[]> {
  const { root, work, folders, items } = request;
  const { slurm, build, buildHere, ranksPerNode, onNote } = options;
  const container = withOwnMounts(slurm.container, root);
  const folder = keepBuildRequest(root, folders, build, container?.image ?? null);
  const context = { ...options, root, container, folder };
  if (buildHere && !isBuilt(folder))
    await buildRequested(folder, `here-${process.pid}`, buildLauncher(container), onNote);
  const building =
    buildHere || isBuilt(folder) ? null : (buildJobOf(root, folder) ?? submitBuild(request, context));
  const arrays = planArrays(items, ranksPerNode, largestElement() + 1).map((array) =>
    submitPlanned(request.name, work, array, building, context),
  );
  return building === null ? arrays : [building, ...arrays];
}

/** The job that builds this already, where it will still do so. */
function buildJobOf(root: string, folder: string): string | null {
  const jobs = submittedJobs(root).filter(({ work, build }) => work.kind === 'build' && build === folder);
  return queuedElements(jobs.map(({ job }) => job)).find(isAlive)?.job ?? null;
}

function submitBuild({ name }: JobRequest, context: Context): string {
  const { root, slurm, folder } = context;
  const submission = submissionOf({ kind: 'build' }, null, context, [
    { results: root, node: null, items: [{ id: 'build', fingerprint: folder }] },
  ]);
  // Compilers need no GPU, and a core each.
  const cpusPerTask = context.build.jobs ?? slurm.cpusPerTask;
  const options = { ...slurm, gpusPerNode: undefined, cpusPerTask };
  return submitted(`${name}-build`, submission, context, { options });
}

function submitPlanned(
  name: string,
  work: JobRequest['work'],
  { shape, node, tasks }: PlannedArray,
  building: string | null,
  context: Context,
): string {
  return submitted(name, submissionOf(work, building, context, tasks), context, {
    ...{ options: context.slurm, shape, node: node ?? undefined },
    after: building === null ? [] : [building],
  });
}

function submissionOf(
  work: Submission['work'],
  after: string | null,
  { folder, ranksPerNode, container }: Context,
  tasks: Submission['tasks'],
): Submission {
  return {
    ...{ schema: 'chunkflow/submission@1', work, build: folder, after, ranksPerNode, container },
    tasks,
  };
}

function submitted(
  name: string,
  submission: Submission,
  { root, command }: Context,
  more: Pick<Parameters<typeof submitArray>[0], 'options' | 'shape' | 'node' | 'after'>,
): string {
  const file = keepSubmission(root, submission);
  const job = submitArray({
    ...{ name, elements: submission.tasks.map((_, number) => number), command: command(file) },
    ...{ folder: process.cwd(), logs: logsOf(root), ...more },
  });
  keepJob(file, job);
  return job;
}
