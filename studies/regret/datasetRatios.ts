import { max, median, min } from 'simple-statistics';
import { grouped } from '../../model/input/grouped.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { textOf } from '../../model/plan/recipe.ts';
import { withoutTransport } from '../../model/presets/planText.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import { type MeasuredCell, type MeasuredPlan, measuredCells } from './measuredCells.ts';
import { noiseOf } from './regret.ts';

/** Of one ratio over the cells. */
export interface RatioSpread {
  median: number;
  least: number;
  most: number;
}

/** One plan in both datasets. Every ratio is the second dataset's over the first's; null where no cell has both steps of it. */
export interface PlanRatios {
  /** Without its transport. */
  plan: string;
  transport: string;
  mode: StepRun['mode'];
  /** That both datasets measured the plan in. */
  cells: number;
  step: RatioSpread;
  /** Of step over the step of no offload, and of `layerwise`, on the same transport. Null for these themselves. */
  overNone: RatioSpread | null;
  overLayerwise: RatioSpread | null;
  /** Of step over the step of the same plan on the transport that all are held against. */
  overTransport: RatioSpread | null;
  /** Median over cells of the noise of both steps together, relative (`noiseOf`); null for single visits. */
  noise: number | null;
}

/** How two datasets of the same cells differ, such as one of a mirrored peer and one of a pair. */
export interface DatasetRatios {
  /** Where each was measured, such as `real on NVIDIA H200`. */
  first: string;
  second: string;
  /** Transport of `overTransport`. */
  against: string;
  rows: PlanRatios[];
  notes: string[];
}

/** One plan of one cell in both datasets, with the ratios of `PlanRatios`. */
interface Both {
  plan: string;
  transport: string;
  mode: StepRun['mode'];
  steps: [first: MeasuredPlan, second: MeasuredPlan];
  step: number;
  overNone: number | null;
  overLayerwise: number | null;
  overTransport: number | null;
}

/**
 * Compares steps that two datasets measured of the same plans in the same cells, on whatever machine the plans were made for.
 *
 * @param against transport that every plan is held against on its own; null for the first one of the first dataset.
 * @throws UserError for datasets without a common plan, for a transport that none of these has, and for a dataset that measured
 *   a cell in two places.
 */
export function datasetRatios(
  first: readonly StepRun[],
  second: readonly StepRun[],
  against: string | null,
): DatasetRatios {
  const cells = [measuredCells(first), measuredCells(second)] as const;
  for (const each of cells) refuseTwoPlaces(each);
  const common = cells[0].flatMap((cell) => {
    const other = cells[1].find((one) => keyOf(one) === keyOf(cell));
    return other === undefined ? [] : [[cell, other] as const];
  });
  const transport = against ?? common[0]?.[0].plans[0]?.transport ?? '';
  const both = common.flatMap(([cell, other]) => plansOfBoth(cell, other, transport));
  if (both.length === 0)
    throw new UserError('the datasets have no plan of a cell in common; give two of the same experiment');
  const measured = [...new Set(both.map((each) => each.transport))];
  if (!measured.includes(transport))
    throw new UserError(
      `--against ${shown(transport)}: no plan of both was measured on it; expected one of ${measured.join(', ')}`,
    );
  const groups = grouped(both, ({ plan, transport, mode }) => JSON.stringify([transport, plan, mode]));
  return {
    first: placesOf(common.map(([cell]) => cell)),
    second: placesOf(common.map(([, cell]) => cell)),
    against: transport,
    rows: [...groups.values()].map(planRatios),
    notes: cells.flatMap((each) =>
      each.flatMap(({ cell, wrongOutput }) =>
        wrongOutput.map((plan) => `${cell}, ${plan}: other bits, left out`),
      ),
    ),
  };
}

function plansOfBoth(first: MeasuredCell, second: MeasuredCell, against: string): Both[] {
  const stepRatio = (name: string, transport: string) => {
    const [one, other] = [first, second].map(({ plans }) =>
      plans.find((plan) => plan.transport === transport && textOver(plan) === name),
    );
    return one === undefined || other === undefined ? null : other.stepS / one.stepS;
  };
  return first.plans.flatMap((one) => {
    const other = second.plans.find(({ plan }) => plan === one.plan);
    if (other === undefined) return [];
    const [plan, step] = [textOver(one), other.stepS / one.stepS];
    const over = (name: string, transport: string) => {
      const ratio = name === plan && transport === one.transport ? null : stepRatio(name, transport);
      return ratio === null ? null : step / ratio;
    };
    return {
      ...{ plan, transport: one.transport, mode: first.mode, steps: [one, other], step },
      overNone: over('none', one.transport),
      overLayerwise: over('layerwise', one.transport),
      overTransport: over(plan, against),
    };
  });
}

function planRatios(cells: readonly Both[]): PlanRatios {
  const [{ plan, transport, mode }] = cells as [Both];
  const spread = (value: (cell: Both) => number | null): RatioSpread | null => {
    const ratios = cells.flatMap((cell) => value(cell) ?? []);
    return ratios.length === 0 ? null : { median: median(ratios), least: min(ratios), most: max(ratios) };
  };
  const noises = cells.flatMap(({ steps }) => noiseOf(steps) ?? []);
  return {
    ...{ plan, transport, mode, cells: cells.length },
    step: spread(({ step }) => step)!,
    overNone: spread(({ overNone }) => overNone),
    overLayerwise: spread(({ overLayerwise }) => overLayerwise),
    overTransport: spread(({ overTransport }) => overTransport),
    noise: noises.length === 0 ? null : median(noises),
  };
}

/** The text of a measured preset without its transport; of any other plan its name. */
function textOver({ plan, recipe, transport }: MeasuredPlan): string {
  const text = textOf(recipe);
  return text === null ? plan : withoutTransport(text, transport);
}

function keyOf({ cell, mode }: MeasuredCell): string {
  return JSON.stringify([cell, mode]);
}

function placesOf(cells: readonly MeasuredCell[]): string {
  return [...new Set(cells.map(({ place, device }) => `${place} on ${device}`))].join(', ');
}

function refuseTwoPlaces(cells: readonly MeasuredCell[]): void {
  for (const same of grouped(cells, keyOf).values()) {
    if (same.length > 1)
      throw new UserError(
        `${same[0]!.cell}: one dataset measured it ${same.map((cell) => placesOf([cell])).join(' and ')}; give it in two`,
      );
  }
}
