import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../../model/input/jsonFile.ts';
import { UserError } from '../../model/input/userError.ts';
import { checked } from '../../model/input/yamlFile.ts';
import { calibrationFormat } from '../calibration/calibrationFile.ts';

/** Something that is measured as a whole: a cell of an experiment, or a machine's calibration. */
const item = z.strictObject({
  id: z.string(),
  fingerprint: z.string().describe('of what is measured: an item whose program has changed is another'),
});

const task = z.strictObject({
  results: z.string().describe('folder of its results; of a calibration, that of the nodes'),
  node: z.string().nullable().describe('that it must run on; null for any'),
  items: z.array(item).min(1),
});

/** What a job array's elements do. */
const work = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('build') }),
  z.strictObject({ kind: z.literal('experiment'), measure: z.array(z.string()) }),
  z.strictObject({
    kind: z.literal('calibration'),
    file: calibrationFormat.describe("what stands in each node's calibration.yaml"),
    rounds: z.int().min(1),
  }),
]);

const submissionFormat = z.strictObject({
  schema: z.literal('chunkflow/submission@1'),
  work,
  build: z.string().describe('folder of the programs'),
  after: z.string().nullable().describe('job that builds them; null where they are built'),
  ranksPerNode: z.int().min(1).nullable().describe('null for all of them'),
  container: z
    .strictObject({
      by: z.enum(['pyxis', 'apptainer']),
      image: z.string(),
      mounts: z.array(z.string()).readonly(),
    })
    .nullable(),
  tasks: z.array(task).min(1).describe('by number of the element'),
});

export type Submission = z.output<typeof submissionFormat>;
export type Task = z.output<typeof task>;
export type Item = z.output<typeof item>;

/** A submission of a results folder, with the number of its job. */
export interface SubmittedJob extends Submission {
  job: string;
}

/** Where a results folder keeps what was submitted for it. */
const FOLDER = 'slurm';

/** Where elements write what they print, `JOB_ELEMENT.log`. */
export function logsOf(root: string): string {
  return join(root, FOLDER, 'logs');
}

/** What an element of a job printed. */
export function logOf(root: string, job: string, element: number): string {
  return join(logsOf(root), `${job}_${element}.log`);
}

/**
 * Keeps a submission before it is submitted, so that its elements find it, and returns its file. The number of its job is added by
 * `keepJob`, by the submitter and by every element: a submission without one is of a start that was killed, and of which nothing has
 * begun; whatever Slurm has of it finds its work done, or does it.
 */
export function keepSubmission(root: string, submission: Submission): string {
  mkdirSync(logsOf(root), { recursive: true });
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 17);
  const file = join(root, FOLDER, `${time}-${randomBytes(3).toString('hex')}.json`);
  writeFileSync(`${file}.new`, `${JSON.stringify(submission, null, 1)}\n`);
  renameSync(`${file}.new`, file);
  return file;
}

export function keepJob(file: string, job: string): void {
  if (existsSync(jobFileOf(file))) return;
  const fresh = `${file}.${hostname()}.${process.pid}.new`;
  writeFileSync(fresh, job);
  renameSync(fresh, jobFileOf(file));
}

function jobFileOf(file: string): string {
  return file.replace(/json$/, 'job');
}

/** @throws UserError with place and remedy for what is none. */
export function readSubmission(file: string): Submission {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(
      `${file}: cannot be read (${(error as NodeJS.ErrnoException).code}); elements of job arrays get it from --slurm, and need the results folder on a file system of all nodes`,
    );
  }
  return checked(parseJson(file, text, 'submit it anew'), submissionFormat);
}

/** What was submitted for a results folder, the earliest first. */
export function submittedJobs(root: string): SubmittedJob[] {
  const folder = join(root, FOLDER);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(folder, name));
  return files.flatMap((file) =>
    existsSync(jobFileOf(file))
      ? [{ ...readSubmission(file), job: readFileSync(jobFileOf(file), 'utf8') }]
      : [],
  );
}
