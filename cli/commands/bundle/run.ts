import { bundle as pack } from '../../../build/bundle.ts';
import type { BundleFlags } from '../../flags/bundle.ts';
import type { Output } from '../../output.ts';

/** Packs generated programs for a machine that has no chunkflow. */
export async function run(folders: readonly string[], flags: BundleFlags, output: Output): Promise<void> {
  const { files, notes } = await pack(folders, flags);
  for (const note of notes) output.diagnostic(`${note}\n`);
  output.result(`${flags.out}: ${files.length} files; unpack it there and run ./measure.sh\n`);
}
