import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, type BundleOptions, bundle } from '../../build/bundle.ts';
import { type KubernetesRun, kubernetesManifest, nodesFor } from '../../build/kubernetes.ts';
import { readManifest } from '../../codegen/manifest.ts';
import { writeCellProgram } from './cellProgram.ts';
import type { Cell, Experiment } from './experimentFile.ts';

/** How the programs are to run on a cluster: what is not given follows from the experiment. */
export type KubernetesOptions = Pick<KubernetesRun, 'image' | 'claim'> &
  Partial<Pick<KubernetesRun, 'nodes' | 'gpusPerNode'>>;

export interface ExperimentBundleOptions extends Omit<BundleOptions, 'args'> {
  kubernetes?: KubernetesOptions;
}

export interface ExperimentBundle extends Bundle {
  /** The manifest, where one was asked for. */
  kubernetes: string | null;
}

/**
 * Packs the programs of an experiment, so that its `measure.sh` measures them with the experiment's arguments.
 *
 * @throws UserError for a cell that no program can be made of, for an output that is in the way, and for programs that a
 * cluster's nodes do not fit.
 */
export async function bundleExperiment(
  { name, measure }: Experiment,
  cells: readonly Cell[],
  { kubernetes, ...options }: ExperimentBundleOptions,
): Promise<ExperimentBundle> {
  const sources = mkdtempSync(join(tmpdir(), 'chunkflow-experiment-'));
  try {
    const folders = cells.map((cell) => writeCellProgram(cell, sources));
    const manifest =
      kubernetes === undefined
        ? null
        : kubernetesManifest({ name, ...kubernetes, ...nodesFor(folders.map(readManifest), kubernetes) });
    return { ...(await bundle(folders, { ...options, args: measure })), kubernetes: manifest };
  } finally {
    rmSync(sources, { recursive: true, force: true });
  }
}
