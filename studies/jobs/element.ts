import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onStop, stoppable } from '../../build/stopSignals.ts';
import { type Allocation, ownAllocation } from '../../cluster/slurm/allocation.ts';
import type { MeasureOptions } from '../../measure/measurePrograms.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { addToCalibration, measureCalibration } from '../calibration/calibrate.ts';
import { cellFiles, publish } from '../grid/cellFiles.ts';
import { cellProgress } from '../grid/cellProgress.ts';
import { measurePlans } from '../grid/runExperiment.ts';
import { lockedProgram } from '../grid/runLock.ts';
import { buildRequested, builtProgram, requestedPrograms } from './builds.ts';
import { ranksStarted } from './ranksStarted.ts';
import { buildLauncher, freshSecret, rankLaunch } from './srun.ts';
import { keepJob, readSubmission, type Submission, type Task } from './submission.ts';

/** Something of an element's work that failed. */
export interface ElementFailure {
  id: string;
  why: string;
}

/** An element at work. */
interface Element {
  submission: Submission;
  task: Task;
  allocation: Allocation;
  launch: NonNullable<MeasureOptions['launch']>;
  onNote: (text: string) => void;
}

/**
 * Does what a submission says for the element of its job array that this process runs in. Started again on another node, it goes on
 * with what is missing.
 *
 * @returns what failed; nothing where all of it is done, whoever did it.
 * @throws UserError outside of a job array; StoppedError where a signal has ended what was running, such as that of a time limit.
 */
export function runElement(file: string, onNote: (text: string) => void): Promise<ElementFailure[]> {
  const allocation = ownAllocation();
  if (allocation === null)
    throw new UserError(
      `${shown(file)}: is done by elements of job arrays, and SLURM_ARRAY_TASK_ID is not set; submit with --slurm`,
    );
  const submission = readSubmission(file);
  const task = submission.tasks[allocation.element];
  if (task === undefined)
    throw new UserError(
      `${shown(file)}: has ${submission.tasks.length} elements, and this is number ${allocation.element}; submit it anew`,
    );
  const { job, element, restart, node } = allocation;
  keepJob(file, job);
  const again = restart === 0 ? '' : `, started again (${restart})`;
  onNote(`element ${element} of job ${job} on ${node}${again}`);
  const launch = launchOf(submission);
  return stoppable(onNote, () => work({ submission, task, allocation, launch, onNote }));
}

/** Ranks of all programs of an element know each other by one secret, which ends with it. */
function launchOf({ work, ranksPerNode, container }: Submission): Element['launch'] {
  const secret = freshSecret();
  const args = work.kind === 'experiment' ? work.measure : [];
  return ({ manifest }) => rankLaunch(ranksStarted(manifest, args), ranksPerNode, container, secret);
}

async function work(element: Element): Promise<ElementFailure[]> {
  const { submission } = element;
  const { work } = submission;
  switch (work.kind) {
    case 'build':
      return build(element);
    case 'experiment':
      return measureCells(element, work.measure);
    case 'calibration':
      return calibrateNode(element, work);
  }
}

/** Programs that do not compile fail in their own elements, and the build only where there is none that does. */
async function build({ submission, allocation, onNote }: Element): Promise<ElementFailure[]> {
  const { job, restart } = allocation;
  const { programs, failures } = await buildRequested(
    submission.build,
    `job-${job}.${restart}`,
    buildLauncher(submission.container),
    onNote,
  );
  const failed = Object.entries(failures).map(([id, why]) => ({ id, why }));
  for (const { id, why } of failed) onNote(`${id}: ${why}`);
  return Object.keys(programs).length === 0 ? failed : [];
}

async function measureCells(element: Element, measure: readonly string[]): Promise<ElementFailure[]> {
  const failures: ElementFailure[] = [];
  for (const { id } of element.task.items) {
    try {
      await measureCell(id, element, measure);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failures.push({ id, why: error.message });
    }
  }
  return failures;
}

async function measureCell(id: string, element: Element, measure: readonly string[]): Promise<void> {
  const { results } = element.task;
  mkdirSync(results, { recursive: true });
  const unlock = await lockedProgram(results, id, element.onNote);
  const keep = onStop(unlock);
  try {
    while (!(await isMeasured(id, element, measure)));
  } finally {
    keep();
    unlock();
  }
}

/**
 * Measures what a cell lacks, into a file of this start's own, and publishes that when it is whole.
 *
 * @returns false where another start has published something meanwhile, so that it must be looked at again.
 */
async function isMeasured(
  id: string,
  { submission, task: { results }, allocation, launch, onNote }: Element,
  measure: readonly string[],
): Promise<boolean> {
  const program = builtProgram(submission.build, id);
  const { files, next } = cellFiles(results, id);
  const { missing } = cellProgress(files, program.manifest);
  if (missing.length === 0) {
    onNote(`${id}: is measured`);
    return true;
  }
  onNote(`${id}: measuring ${missing.length} plans`);
  const { job, element, restart } = allocation;
  const file = join(results, `${id}.${next}.${job}_${element}.${restart}.attempt`);
  await measurePlans({ manifest: program.manifest, missing }, program, measure, { file, launch, onNote });
  if (await publish(file, results, id, next)) return true;
  onNote(`${id}: another job has published the same meanwhile; what was measured here stays in ${file}`);
  return false;
}

async function calibrateNode(
  { submission, task, allocation, launch, onNote }: Element,
  { file, rounds }: Extract<Submission['work'], { kind: 'calibration' }>,
): Promise<ElementFailure[]> {
  // Hosts of one kind differ: what another node has begun is not gone on with here.
  const results = join(task.results, allocation.node);
  mkdirSync(results, { recursive: true });
  const unlock = await lockedProgram(results, 'calibration', onNote);
  const keep = onStop(unlock);
  try {
    addToCalibration(results, file);
    const ids = [...requestedPrograms(submission.build).keys()];
    const programs = ids.map((id) => builtProgram(submission.build, id));
    const failures = await measureCalibration(programs, { results, rounds, launch, onNote });
    return failures.map((why) => ({ id: task.items[0]!.id, why }));
  } finally {
    keep();
    unlock();
  }
}
