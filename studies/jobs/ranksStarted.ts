import type { Manifest } from '../../codegen/manifest.ts';

/**
 * Processes that Slurm starts of a program: one for each rank, but for ranks that share a GPU or that the program starts by itself
 * (`--ranks`), which are all in one.
 */
export function ranksStarted({ ranks, system }: Manifest, args: readonly string[]): number {
  return system.peer === 'colocated' || args.includes('--ranks') ? 1 : ranks;
}
