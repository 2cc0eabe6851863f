import { UserError } from '../model/input/userError.ts';
import type { Plan } from '../model/plan/plan.ts';

/**
 * Refuses plans that a generated program would run in another way than the tool whose settings they are: it makes no copies beside
 * those of blocks, and its arena is pinned.
 *
 * @throws UserError that names the plan and the nearest that can be generated.
 */
export function refuseUnmade({ name, source, sequential, serialCopies }: Plan): void {
  const instead = sequential ? 'sequential' : 'vllm-omni';
  const refuse = (what: string) => {
    throw new UserError(
      `plan ${name}: ${what}, a generated program does not; take ${instead}, or measure the tool itself`,
    );
  };
  if (serialCopies !== undefined) refuse('copies more than the weights of its blocks');
  if (source !== undefined) refuse(`copies from ${source} memory of its own`);
}
