import { generate } from '../../../library/generate.ts';
import type { Output } from '../../output.ts';
import { generateAttachedCommand } from './attached.ts';
import type { GenerateFlags } from './command.ts';

/** Writes the sources of a runtime for one workload and its plans. */
export function run(flags: GenerateFlags, output: Output): void {
  if (flags.attach !== undefined) {
    generateAttachedCommand(flags.attach, flags, output);
    return;
  }
  const { folder, files, plans } = generate({ ...flags, out: flags.out ?? 'generated' });
  output.result(`${folder}\n`);
  output.diagnostic(
    `wrote ${files.length} files for ${plans.length} plans; next: chunkflow measure ${folder}\n`,
  );
}
