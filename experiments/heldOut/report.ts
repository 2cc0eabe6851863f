import { mean } from 'simple-statistics';
import { grouped } from '../../model/input/grouped.ts';
import { depthRange, depthText } from '../dataset/programDepth.ts';
import { type ComparedStep, presetOf, whereOf } from './compareSteps.ts';
import { type ErrorStatistics, errorStatistics } from './errorStatistics.ts';
import { type PlanOrder, planOrders } from './planOrder.ts';

/** Errors of a class of steps. */
export interface ClassErrors {
  name: string;
  simulated: ErrorStatistics;
  closedForm: ErrorStatistics;
  /** Mean noise floor of its measurements; null where none was repeated. */
  noise: number | null;
  /** Share of steps that are simulated within 5 % of what was measured. */
  within5Percent: number;
}

export interface HeldOutReport {
  /** Depth of the measured programs, such as `2 to 9 of 40 to 60 blocks`. */
  depth: string;
  classes: ClassErrors[];
  all: ClassErrors;
  orders: PlanOrder[];
  /** Null where no device reported its memory. */
  memory: ErrorStatistics | null;
  clock: ErrorStatistics | null;
  energy: ErrorStatistics | null;
  /** Mean absolute error of each category's time, as shares of the step; null without timelines. */
  parts: { category: string; mean: number; bias: number }[] | null;
  /** The steps farthest off, worst first. */
  worst: ComparedStep[];
}

/** Sums up how far predictions are off: by place and transport, by model and depth, by preset, and over all. */
export function heldOutReport(steps: readonly ComparedStep[], worst: number): HeldOutReport {
  const groupings = [
    ({ run }: ComparedStep) => whereOf(run),
    ({ run, depth }: ComparedStep) => `${run.cell.model}, ${depthText(depth)}`,
    ({ run }: ComparedStep) => presetOf(run),
  ];
  const present = (values: readonly (number | null)[]) =>
    values.filter((value): value is number => value !== null);
  return {
    depth: depthRange(steps.map(({ depth }) => depth)),
    classes: groupings.flatMap((key) => groupsBy(steps, key).map(([name, own]) => classErrors(name, own))),
    all: classErrors('all', steps),
    orders: planOrders(steps, ({ simulatedS }) => simulatedS),
    memory: errorStatistics(present(steps.map(({ memoryError }) => memoryError))),
    clock: errorStatistics(present(steps.map(({ clockError }) => clockError))),
    energy: errorStatistics(present(steps.map(({ energyError }) => energyError))),
    parts: partErrors(steps),
    worst: [...steps].sort((a, b) => Math.abs(b.simulatedError) - Math.abs(a.simulatedError)).slice(0, worst),
  };
}

function classErrors(name: string, steps: readonly ComparedStep[]): ClassErrors {
  const floors = steps.flatMap(({ noise }) => (noise === null ? [] : [noise]));
  return {
    name,
    simulated: errorStatistics(steps.map(({ simulatedError }) => simulatedError))!,
    closedForm: errorStatistics(steps.map(({ closedFormError }) => closedFormError))!,
    noise: floors.length === 0 ? null : mean(floors),
    within5Percent: mean(steps.map(({ simulatedError }) => (Math.abs(simulatedError) <= 0.05 ? 1 : 0))),
  };
}

function partErrors(steps: readonly ComparedStep[]): HeldOutReport['parts'] {
  const timed = steps.flatMap(({ parts }) => (parts === null ? [] : [parts]));
  if (timed.length === 0) return null;
  const categories = [...new Set(timed.flatMap((parts) => Object.keys(parts)))].sort();
  return categories.map((category) => {
    const shares = timed.map((parts) => parts[category as keyof typeof parts] ?? 0);
    return { category, mean: mean(shares.map(Math.abs)), bias: mean(shares) };
  });
}

function groupsBy(
  steps: readonly ComparedStep[],
  key: (step: ComparedStep) => string,
): [string, ComparedStep[]][] {
  return [...grouped(steps, key)].sort(([a], [b]) => (a < b ? -1 : 1));
}
