import { makerOf } from '../../model/plan/recipe.ts';
import type { Choice } from '../grid/experimentFile.ts';
import type { MeasuredPlan } from './measuredCells.ts';

/** SGLang's policy and the ChunkFlow paper's baseline: no choice may lose to them with as much memory as they have. */
const BASELINES = ['layerwise', 'layerwise-drain'];

/** What a choice costs against the best that was measured. */
export interface Regret {
  capBytes: number;
  /** Of the plans that it was chosen from; null for any. */
  transport: string | null;
  choice: MeasuredPlan;
  /** The fastest plan within the cap; the choice itself where none is faster. */
  best: MeasuredPlan;
  /** choice / best - 1; null where nothing else was measured within the cap. */
  regret: number | null;
  /** Noise of both together: a smaller regret is none that was measured. Null where no plan was measured in several rounds. */
  noise: number | null;
  /** Plans within the cap beside the choice. */
  competitors: number;
  /** Baselines with as much memory as the choice or more that are faster than it, by more than the noise of both. */
  slowerThan: string[];
}

/**
 * The regret of a choice among the measured plans of its cell.
 *
 * The best of many measurements is a lucky one, so that the regret errs upwards.
 *
 * @returns null where the choice itself was not measured.
 */
export function regretOf(
  { capBytes, plan, transport }: Choice,
  measured: readonly MeasuredPlan[],
): Regret | null {
  const plans = measured.filter((one) => transport === undefined || one.transport === transport);
  const choice = plans.find((one) => one.plan === plan);
  if (choice === undefined) return null;
  const others = plans.filter((other) => other !== choice && other.gpuBytes <= capBytes);
  const best = others.reduce((least, other) => (other.stepS < least.stepS ? other : least), choice);
  const slowerThan = plans.filter(
    (other) =>
      BASELINES.includes(makerOf(other.recipe)) &&
      other.gpuBytes >= choice.gpuBytes &&
      choice.stepS / other.stepS - 1 > (noiseOf([choice, other]) ?? 0),
  );
  return {
    ...{ capBytes, transport: transport ?? null, choice, best },
    regret: others.length === 0 ? null : choice.stepS / best.stepS - 1,
    noise: noiseOf(best === choice ? [choice] : [choice, best]),
    competitors: others.length,
    slowerThan: slowerThan.map((other) => other.plan),
  };
}

/** How far apart plans may measure that are equally fast; null where none was repeated. */
export function noiseOf(plans: readonly MeasuredPlan[]): number | null {
  const known = plans.flatMap(({ noise }) => (noise === null ? [] : [noise]));
  return known.length === 0 ? null : known.reduce((sum, noise) => sum + noise, 0);
}
