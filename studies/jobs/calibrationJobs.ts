import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Manifest } from '../../codegen/manifest.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { UserError } from '../../model/input/userError.ts';
import {
  CALIBRATION_FILE,
  type CalibrateOptions,
  calibrationPrograms,
  isCalibrated,
} from '../calibration/calibrate.ts';
import { calibrationFormat } from '../calibration/calibrationFile.ts';
import { lockResults } from '../grid/runLock.ts';
import { ranksStarted } from './ranksStarted.ts';
import { shapeOf } from './srun.ts';
import { itemStates, type Wanted } from './states.ts';
import { type JobOptions, submitMeasurements } from './submit.ts';

/** What is calibrated under Slurm. */
export type CalibrationRequest = Pick<
  CalibrateOptions,
  'machine' | 'groupSize' | 'transport' | 'quick' | 'rounds'
>;

export interface SubmittedCalibrations {
  /** Numbers of jobs; none where all is done or queued. */
  jobs: string[];
  /** One for each node, or one for whichever node takes it. */
  wanted: Wanted[];
  submitted: number;
}

/** The calibration files in a results folder, of the nodes that have begun. */
export function calibrationFiles(root: string): string[] {
  const folders = existsSync(root) ? readdirSync(root, { withFileTypes: true }) : [];
  return folders
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, name, CALIBRATION_FILE))
    .filter((file) => existsSync(file))
    .sort();
}

/**
 * Submits the calibrations that a folder lacks and nothing in the queue will make: of each named node, or of one.
 *
 * @param nodes null for whichever node Slurm chooses.
 * @throws UserError where another start submits to the same results, or Slurm refuses.
 */
export async function submitCalibrations(
  request: CalibrationRequest,
  nodes: readonly string[] | null,
  root: string,
  options: JobOptions,
): Promise<SubmittedCalibrations> {
  // Nodes' files stand in folders of their own, from where a relative path leads elsewhere.
  const machine = existsSync(request.machine) ? resolve(request.machine) : request.machine;
  const { programs, file } = calibrationPrograms({ ...request, machine });
  const manifests = programs.map(({ manifest }) => manifest);
  const wanted = wantedCalibrations(manifests, request.rounds, nodes, root);
  const ranks = Math.max(...manifests.map((manifest) => ranksStarted(manifest, [])));
  const { nodes: taken } = shapeOf(ranks, options.ranksPerNode);
  if (nodes !== null && taken > 1)
    throw new UserError(
      `--machine ${machine}: its calibration has ${ranks} ranks, which take ${taken} nodes; leave --each-node and --nodes out, or give --sp`,
    );
  mkdirSync(root, { recursive: true });
  const unlock = lockResults(root);
  try {
    const states = itemStates(root, wanted);
    const open = wanted.filter((_, index) => ['open', 'failed'].includes(states[index]!.is));
    if (open.length === 0) return { jobs: [], wanted, submitted: 0 };
    const [{ fingerprint }] = wanted as [Wanted];
    const sources = join(root, 'sources', fingerprint);
    const jobs = await submitMeasurements(
      {
        ...{ root, name: 'calibrate', folders: programs.map((program) => writeProgram(program, sources)) },
        items: open.map(({ isDone: _, ...item }) => ({ ...item, ranks })),
        work: { kind: 'calibration', file: calibrationFormat.parse(file), rounds: request.rounds },
      },
      options,
    );
    return { jobs, wanted, submitted: open.length };
  } finally {
    unlock();
  }
}

function wantedCalibrations(
  manifests: readonly Manifest[],
  rounds: number,
  nodes: readonly string[] | null,
  root: string,
): Wanted[] {
  const all = manifests.map(({ id, fingerprint }) => `${id} ${fingerprint}`).join('\n');
  const fingerprint = createHash('sha256').update(all).digest('hex').slice(0, 16);
  const isDone = (results: string) => isCalibrated(manifests, results, rounds);
  if (nodes !== null)
    return nodes.map((node) => ({
      ...{ id: node, fingerprint, results: root, node },
      isDone: () => isDone(join(root, node)),
    }));
  const anywhere = () => calibrationFiles(root).some((file) => isDone(join(file, '..')));
  return [{ id: 'calibration', fingerprint, results: root, node: null, isDone: anywhere }];
}
