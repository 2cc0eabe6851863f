import { closedForm } from '../../../model/analytic/closedForm.ts';
import { Walk } from '../../../model/analytic/walk.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import type { System } from '../../../model/system/system.ts';
import type { Workload } from '../../../model/workload/workload.ts';
import { evaluate, parse } from './expressionMath.ts';
import { ExpressionQuantities } from './expressionQuantities.ts';
import { ExpressionTally } from './expressionTally.ts';
import type { Laurent } from './laurent.ts';
import { Symbols, termTexts } from './symbols.ts';

/** A sum of terms, mathjs syntax, in quantities and in sums of them that have a name. */
export interface Expression {
  terms: readonly string[];
  sums: Readonly<Record<string, string>>;
  /** SI value of every quantity and every named sum. */
  values: Readonly<Record<string, number>>;
}

/** The step time of a plan at a clock, and its expression in the regime in which it runs. */
export interface ExpressedStep {
  /** Seconds, as the closed form has them. */
  stepTimeS: number;
  /** Null where the step has none; `obstacle` says why. */
  expression: Expression | null;
  obstacle: string | null;
}

/** What the expression may differ from the closed form by: rounding, in a thousand additions. */
const SAME_SHARE = 1e-9;

/**
 * The step time of a plan in closed form at a clock, as an expression of the machine's numbers: each block's windows by what
 * they are here (hidden, beside a collective, waited for), what cancels left out.
 *
 * Where the step has no such expression, or one that is not worth what the closed form says, `obstacle` says so.
 */
export function expressStep(workload: Workload, system: System, plan: Plan, clock: number): ExpressedStep {
  const { stepTimeS } = closedForm(workload, system, plan, clock, true);
  const symbols = new Symbols(workload, system, plan, clock);
  const quantities = new ExpressionQuantities(workload, system, plan, symbols);
  const walk = expressionWalk(workload, system, plan, quantities);
  walk.settle();
  if (quantities.obstacle !== null) return { stepTimeS, expression: null, obstacle: quantities.obstacle };
  const terms = termTexts(walk.tally.stepTimeS);
  const { sums } = symbols;
  const values: Record<string, number> = { ...symbols.values };
  for (const [name, text] of Object.entries(sums)) values[name] = evaluate(parse(text), values);
  const valueS = terms.reduce((sum, term) => sum + evaluate(parse(term), values), 0);
  if (Math.abs(valueS / stepTimeS - 1) <= SAME_SHARE)
    return { stepTimeS, expression: { terms, sums, values }, obstacle: null };
  const obstacle = `its expression is worth ${valueS} s, the closed form ${stepTimeS} s`;
  return { stepTimeS, expression: null, obstacle };
}

/**
 * The walk of the closed form over expressions, before its first step. Which way each window goes (hidden, beside a collective, waited
 * for) is what their values say, so an expression is that of the regime in which the plan runs here, and holds until a window goes
 * another way.
 */
export function expressionWalk(
  workload: Workload,
  system: System,
  plan: Plan,
  quantities: ExpressionQuantities,
): Walk<Laurent, ExpressionTally> {
  const tally = new ExpressionTally();
  return new Walk<Laurent, ExpressionTally>({
    workload,
    system,
    plan,
    quantities,
    tally,
    everyBlock: true,
  });
}
