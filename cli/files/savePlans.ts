import { shown, UserError } from '../../model/input/userError.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planElsewhere } from '../../model/plan/planElsewhere.ts';
import { isPlanFile, planText } from '../../model/plan/planFile.ts';
import { planLine } from '../../model/plan/planLines.ts';
import type { System } from '../../model/system/system.ts';
import type { Workload } from '../../model/workload/workload.ts';
import { writeWholeFile } from './wholeFile.ts';

/** Whether a file holds a plan a line, many of them, rather than one plan. */
export function holdsManyPlans(file: string): boolean {
  return file.endsWith('.jsonl');
}

/** @throws UserError for a name that --plan would not take for a file. */
export function refuseOtherPlanFiles(file: string): void {
  if (isPlanFile(file) && !file.includes('.jsonl#')) return;
  throw new UserError(
    `--save-plan ${shown(file)}: expected a name that ends in .json, or .jsonl for several`,
  );
}

/**
 * Writes plans for --plan to take, on any machine: one as JSON, any number as JSON Lines.
 *
 * @param system that they were made for.
 *
 * @throws UserError for another kind of file, for several plans in a file of one, and where it cannot be written.
 */
export function savePlans(file: string, made: readonly Plan[], workload: Workload, system: System): void {
  refuseOtherPlanFiles(file);
  const plans = made.map((plan) => planElsewhere(plan, workload, system));
  if (holdsManyPlans(file)) {
    writeWholeFile(file, plans.map((plan) => planLine(plan, workload)).join(''), '--save-plan');
    return;
  }
  const [plan, ...others] = plans;
  if (plan === undefined || others.length > 0)
    throw new UserError(
      `--save-plan ${file}: holds one plan, and there are ${plans.length}; give one --plan, or a name that ends in .jsonl`,
    );
  writeWholeFile(file, planText(plan, workload), '--save-plan');
}
