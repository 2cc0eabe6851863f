import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, type BundleOptions, bundle } from '../../build/bundle.ts';
import { writeCellProgram } from './cellProgram.ts';
import type { Cell, Experiment } from './experimentFile.ts';

/**
 * Packs the programs of an experiment, so that its `measure.sh` measures them with the experiment's arguments.
 *
 * @throws UserError for a cell that no program can be made of, and for an output that is in the way.
 */
export async function bundleExperiment(
  { measure }: Experiment,
  cells: readonly Cell[],
  options: Omit<BundleOptions, 'args'>,
): Promise<Bundle> {
  const sources = mkdtempSync(join(tmpdir(), 'chunkflow-experiment-'));
  try {
    const folders = cells.map((cell) => writeCellProgram(cell, sources));
    return await bundle(folders, { ...options, args: measure });
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
}
