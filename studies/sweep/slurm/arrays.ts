import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { arraySpec, numbersOfSpec } from '../../../cluster/slurm/arraySpec.ts';
import { shown, UserError } from '../../../model/input/userError.ts';

/** An array of jobs that was submitted, or is about to be: which tasks each of its elements answers. */
const arrayFormat = z.strictObject({
  schema: z.literal('chunkflow/sweep-array@1'),
  /** As `--tasks` takes them, by element. */
  elements: z.array(z.string()).min(1),
  submittedAt: z.string(),
});

export interface SubmittedArray {
  file: string;
  /** Tasks of each element. */
  elements: readonly (readonly number[])[];
  /** The scheduler's number; null where whoever submitted it was ended before it was known, and no element has begun. */
  job: string | null;
}

const ARRAY = /^array-(\d+)\.json$/;

export function slurmFolder(results: string): string {
  return join(results, 'slurm');
}

/** Logs of elements: `JOB_ELEMENT.log`. */
export function logFolder(results: string): string {
  return join(slurmFolder(results), 'logs');
}

/** Writes which tasks the elements of an array answer, before it is submitted: an element may begin at once. */
export function writeArray(results: string, elements: readonly (readonly number[])[]): string {
  const folder = slurmFolder(results);
  mkdirSync(logFolder(results), { recursive: true });
  const taken = readdirSync(folder).flatMap((name) => ARRAY.exec(name)?.[1] ?? []);
  for (let number = Math.max(0, ...taken.map(Number)) + 1; ; number += 1) {
    const file = join(folder, `array-${number}.json`);
    try {
      const content: z.output<typeof arrayFormat> = {
        schema: 'chunkflow/sweep-array@1',
        elements: elements.map(arraySpec),
        submittedAt: new Date().toISOString(),
      };
      const descriptor = openSync(file, 'wx');
      writeFileSync(descriptor, `${JSON.stringify(content)}\n`, { flush: true });
      closeSync(descriptor);
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Keeps the scheduler's number of an array; its elements do so, too, where whoever submitted it could not. */
export function keepJob(arrayFile: string, job: string): void {
  const file = jobFile(arrayFile);
  if (existsSync(file)) return;
  const fresh = `${file}.${process.pid}.tmp`;
  writeFileSync(fresh, `${job}\n`);
  renameSync(fresh, file);
}

function jobFile(arrayFile: string): string {
  return arrayFile.replace(/\.json$/, '.job');
}

/** @throws UserError for a file that is none. */
export function readArray(file: string): SubmittedArray {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UserError(`${shown(file)}: is no array of a sweep (${(error as Error).message})`);
  }
  const parsed = arrayFormat.safeParse(value);
  if (!parsed.success) throw new UserError(`${shown(file)}: is no array of a sweep; submit it anew`);
  const job = jobFile(file);
  return {
    file,
    elements: parsed.data.elements.map((spec) => numbersOfSpec(spec, file)),
    job: existsSync(job) ? readFileSync(job, 'utf8').trim() : null,
  };
}

/** All arrays of a results folder, the oldest first. */
export function submittedArrays(results: string): SubmittedArray[] {
  const folder = slurmFolder(results);
  if (!existsSync(folder)) return [];
  const numbers = readdirSync(folder).flatMap((name) => ARRAY.exec(name)?.[1] ?? []);
  return numbers
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => readArray(join(folder, `array-${number}.json`)));
}
