import { generateAttached } from '../../../codegen/attach/generateAttached.ts';
import { readProfiledPlan } from '../../../codegen/attach/readProfiledPlan.ts';
import { writeAttached } from '../../../codegen/attach/writeAttached.ts';
import { UserError } from '../../../model/input/userError.ts';
import type { Output } from '../../output.ts';
import type { GenerateFlags } from './command.ts';

/** Flags that a saved plan answers by itself. */
const ANSWERED = ['model', 'profile', 'machine', 'size', 'plan', 'sp', 'tp', 'transport', 'id'] as const;

/** Writes the source of the library that drives the profiled model by a saved plan. */
export function generateAttachedCommand(file: string, flags: GenerateFlags, output: Output): void {
  const given = ANSWERED.find((key) => flags[key] !== undefined);
  if (given !== undefined)
    throw new UserError(`--attach ${file}: the plan says itself what --${given} would; leave --${given} out`);
  if (flags.out === undefined) throw new UserError(`--attach ${file}: give the folder to write as --out`);
  const { workload, plan, model, text } = readProfiledPlan(file);
  const files = writeAttached(generateAttached(workload, plan, model), text, flags.out);
  output.result(`${flags.out}\n`);
  output.diagnostic(
    `wrote ${files.length} files; next, in Python: attach(model, ${JSON.stringify(flags.out)})\n`,
  );
}
