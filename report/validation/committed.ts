import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { UserError } from '../../model/input/userError.ts';

interface CommittedBase {
  id: string;
  /** What was measured, as README says it. */
  what: string;
  /** In a word or two. */
  short: string;
}

/** A dataset that this project shows its predictions by, and what predicts it. Paths are from the project's folder. */
export type Committed = CommittedBase &
  (
    | { kind: 'steps'; files: readonly string[]; machine: string }
    | { kind: 'attached'; files: readonly string[]; profiles: string; machine: string }
    | { kind: 'published' }
    | { kind: 'choices'; experiment: string; files: readonly string[]; machine: string }
  );

const PAIR = 'experiments/pair';
const ATTACHED = 'experiments/attach/pair-grid';

/** The rows of README's table, in its order; a test holds both together. */
export function committedDatasets(): Committed[] {
  return [
    {
      ...{ kind: 'steps', id: 'pair', short: 'Pair', what: 'steps of a pair of H200s' },
      files: ['steps', 'nvlink', 'full-depth'].map((name) => `${PAIR}/host-b/pair-${name}.jsonl`),
      machine: 'h200-x2-fitted',
    },
    {
      ...{ kind: 'steps', id: 'four', short: 'Four GPUs', what: 'steps of four H200s' },
      files: ['experiments/four/host-c/four-steps.jsonl'],
      machine: 'experiments/four/host-c/host-c.yaml',
    },
    {
      ...{ kind: 'steps', id: 'one', short: 'One GPU', what: 'steps of one H200' },
      files: linesIn('experiments/h200-steps'),
      machine: 'h200-x1-fitted',
    },
    {
      ...{
        kind: 'attached',
        id: 'attached',
        short: 'Attached',
        what: "steps of diffusers' own models, attached",
      },
      files: [`${ATTACHED}/steps-x2.jsonl`],
      profiles: `${ATTACHED}/profiles`,
      machine: `${PAIR}/host-d/host-d.yaml`,
    },
    { kind: 'published', id: 'published', short: 'Published', what: 'steps that others published' },
    {
      ...{
        kind: 'choices',
        id: 'choices',
        short: 'Choices',
        what: 'chosen plans against the best that was measured',
      },
      experiment: `${PAIR}/pair-choices.yaml`,
      files: ['steps', 'choices'].map((name) => `${PAIR}/host-b/pair-${name}.jsonl`),
      machine: `${PAIR}/host-a/host-a.yaml`,
    },
  ];
}

/** A path of the project from wherever the command runs. @throws UserError where the project's measurements are not there. */
export function committedPath(path: string): string {
  const file = join(packageRoot, path);
  if (existsSync(file)) return file;
  throw new UserError(
    `validation: ${path} is not there; the project's measurements are in a clone of it: run this there`,
  );
}

/** Name of a machine, or its file's path from wherever the command runs. */
export function committedMachine(machine: string): string {
  return machine.endsWith('.yaml') ? committedPath(machine) : machine;
}

/** Datasets of a folder, as `*.jsonl` names them. */
function linesIn(folder: string): string[] {
  return readdirSync(committedPath(folder))
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => `${folder}/${name}`);
}
