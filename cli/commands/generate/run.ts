import { generate } from '../../../codegen/generate.ts';
import { writeProgram } from '../../../codegen/writeProgram.ts';
import { UserError } from '../../../model/input/userError.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { modelScenario } from '../../../model/scenario/scenario.ts';
import type { Output } from '../../output.ts';
import { generateAttachedCommand } from './attached.ts';
import type { GenerateFlags } from './command.ts';

/** Writes the sources of a runtime for one workload and its plans. */
export function run(flags: GenerateFlags, output: Output): void {
  if (flags.attach !== undefined) {
    generateAttachedCommand(flags.attach, flags, output);
    return;
  }
  if (flags.profile !== undefined)
    throw new UserError(
      `--profile ${flags.profile}: the blocks of a profile are your own model's, and nothing is generated for them; make a plan with \`chunkflow plan --profile --save-plan FILE\`, then give \`chunkflow generate --attach FILE\` or chunkflow_offload.attach`,
    );
  const { workload, system, plans } = modelScenario(flags, FILES, { padded: true });
  const program = generate(workload, system, plans, flags.id === undefined ? {} : { id: flags.id });
  const folder = writeProgram(program, flags.out ?? 'generated');
  output.result(`${folder}\n`);
  output.diagnostic(
    `wrote ${program.files.length} files for ${plans.length} plans; next: chunkflow measure ${folder}\n`,
  );
}
