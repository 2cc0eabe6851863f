import { TIE } from './search.ts';

/** Steps of one plan, seconds, one for each scenario; the machine itself comes first. */
export type ScenarioSteps = readonly number[];

/** What a robust plan may cost where the machine is as its file says. */
export const MOST_COST = 0.01;

/**
 * What it must gain where the nominal plan loses most: less is not worth another plan. Among measured plans, choices of others for
 * less were for the worse nearly as often as for the better; for 0.3 % and more, a third as often (docs/choices.md).
 */
export const LEAST_GAIN = 3e-3;

/** A choice among plans by the regret of each in all scenarios. */
export interface RegretChoice {
  /** Index of the plan; 0 for the nominal one. */
  chosen: number;
  /** Largest regret of each plan, and the scenario that it is in. */
  worst: readonly { regret: number; scenario: number }[];
}

/**
 * The plan whose largest regret over all scenarios is least. Regret is a step against the fastest of the plans in the same
 * scenario: s(p, k) / min over q of s(q, k) - 1. Time itself would not do, since no plan helps a slow machine.
 *
 * The first plan is the nominal optimum. Another one is taken only if it costs at most `MOST_COST` at the machine itself, gains at
 * least `LEAST_GAIN` at the worst, and gains more there than it costs at the machine itself; of several within a tie of the least
 * regret the first in their order. Plans that may not be chosen still count as what others are held against.
 *
 * @example leastRegret([[100, 120], [100.5, 110]]).chosen // 1: 9.1 % less regret in the second scenario for 0.5 %
 */
export function leastRegret(plans: readonly ScenarioSteps[]): RegretChoice {
  const [nominal] = plans as [ScenarioSteps];
  const fastestS = nominal.map((_, scenario) => Math.min(...plans.map((steps) => steps[scenario]!)));
  const worst = plans.map((steps) => {
    const regrets = steps.map((stepS, scenario) => stepS / fastestS[scenario]! - 1);
    const regret = Math.max(...regrets);
    return { regret, scenario: regrets.indexOf(regret) };
  });
  const isWorth = (index: number) => {
    const gain = worst[0]!.regret - worst[index]!.regret;
    const cost = plans[index]![0]! / nominal[0]! - 1;
    return gain >= LEAST_GAIN && gain > cost && cost <= MOST_COST;
  };
  const worthy = plans.flatMap((_, index) => (isWorth(index) ? [index] : []));
  const least = Math.min(...worthy.map((index) => worst[index]!.regret));
  return { chosen: worthy.find((index) => worst[index]!.regret <= least + TIE) ?? 0, worst };
}
