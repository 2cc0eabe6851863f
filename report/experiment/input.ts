import type { StepRun } from '../../studies/dataset/stepRecords.ts';

/** Measured steps, and what predicts them. */
export interface ExperimentInput {
  /** Datasets of measured steps, JSON Lines. */
  files: readonly string[];
  /** Name or file of a machine; null for each cell's own. */
  machine: string | null;
  /** Experiment whose cells have choices, and the launch modes that they are looked for in; null for none. */
  choices: { file: string; modes: readonly StepRun['mode'][] } | null;
}

/** What names the steps and what predicts them, behind `validate` or `plot predicted-vs-measured`. */
export function stepWords({ files, machine }: Pick<ExperimentInput, 'files' | 'machine'>): string[] {
  return [...files, ...(machine === null ? [] : ['--machine', machine])];
}
