import { generateAttached } from '../codegen/attach/generateAttached.ts';
import { writeAttached } from '../codegen/attach/writeAttached.ts';
import { readProfiledPlan } from '../model/profile/profiledPlan.ts';
import type { Output } from './output.ts';

/** Writes the source of the library that drives the profiled model by a saved plan. */
export function generateAttachedCommand(plan: string, out: string, output: Output): void {
  const { workload, plan: read, model, text } = readProfiledPlan(plan);
  const files = writeAttached(generateAttached(workload, read, model), text, out);
  output.result(`${out}\n`);
  output.diagnostic(`wrote ${files.length} files; next: attach(model, ${JSON.stringify(out)}) in Python\n`);
}
