import { closeSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import { shown, UserError } from '../../model/input/userError.ts';
import { type TracedStep, traceEvents } from '../../sim/trace.ts';

const LINES_PER_WRITE = 1000;

/**
 * Where each plan's trace goes: the file itself for one plan, a name with the plan in it for several
 * (`step.json` becomes `step.layerwise.json`).
 *
 * @throws UserError if such a file cannot be written there.
 */
export function tracePaths(file: string, plans: readonly { name: string }[]): string[] {
  const { dir, name, ext } = parse(file);
  const slugs = plans.map((plan) => plan.name.replace(/[^A-Za-z0-9.-]+/g, '-'));
  const unique = slugs.map((slug, index) => (slugs.indexOf(slug) < index ? `${slug}.${index + 1}` : slug));
  const files = plans.length === 1 ? [file] : unique.map((slug) => join(dir, `${name}.${slug}${ext}`));
  refuseMissingFolder(file);
  for (const path of [file, ...files]) refuseFolder(path);
  return files;
}

/**
 * Writes all traces or none: each goes to a temporary file beside its place, and they take their names when
 * the last one is complete.
 */
export function writeTraces(traces: readonly { file: string; steps: readonly TracedStep[] }[]): void {
  const written: { temporary: string; file: string }[] = [];
  try {
    for (const { file, steps } of traces) {
      const temporary = `${file}.${process.pid}.tmp`;
      written.push({ temporary, file });
      writeLines(temporary, traceEvents(steps));
    }
    for (const { temporary, file } of written) renameSync(temporary, file);
  } catch (error) {
    for (const { temporary } of written) rmSync(temporary, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(`--trace ${shown(traces[0]!.file)}: cannot be written (${code})`);
  }
}

function writeLines(file: string, lines: Iterable<string>): void {
  const descriptor = openSync(file, 'w');
  try {
    let pending: string[] = [];
    for (const line of lines) {
      pending.push(`${line}\n`);
      if (pending.length < LINES_PER_WRITE) continue;
      writeFileSync(descriptor, pending.join(''));
      pending = [];
    }
    writeFileSync(descriptor, pending.join(''));
  } finally {
    closeSync(descriptor);
  }
}

function refuseMissingFolder(file: string): void {
  const folder = dirname(file);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UserError(`--trace ${shown(file)}: there is no folder ${shown(folder)}; make it first`);
}

function refuseFolder(file: string): void {
  if (!statSync(file, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UserError(`--trace ${shown(file)}: is a folder; give the name of a file in it`);
}
