import { mean } from 'simple-statistics';
import { makerOf } from '../../model/plan/recipe.ts';
import { depthRange, depthText } from '../dataset/programDepth.ts';
import { type ComparedStep, recipeOfRun, samplesOf, whereOf } from './compareSteps.ts';
import { type ErrorStatistics, errorStatistics } from './errorStatistics.ts';
import { NumberColumn } from './numberColumn.ts';
import { type PlanOrder, type PlanSamples, SamplesOfPlans } from './planOrder.ts';

/** Errors of a class of steps. */
export interface ClassErrors {
  name: string;
  simulated: ErrorStatistics;
  closedForm: ErrorStatistics;
  /** Mean noise floor of its measurements; null where none was repeated. */
  noise: number | null;
  /** Share of steps that are simulated within 5 % of what was measured. */
  within5Percent: number;
  /** Share of steps that were measured inside the 95 % interval around the simulated one; null where the predictions have none. */
  covered: number | null;
}

/** How far predictions are off on steps that no fit has seen. */
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

/** What steps are classed by: place and transport, model and depth, preset. */
const CLASSES: readonly ((step: ComparedStep) => string)[] = [
  ({ run }) => whereOf(run),
  ({ run, depth }) => `${run.cell.model}, ${depthText(depth)}`,
  ({ run }) => makerOf(recipeOfRun(run)),
];

/**
 * Sums up how far predictions are off, step by step: of a step its errors are kept as numbers, and of the worst steps all.
 */
export class HeldOutErrors {
  readonly #mostWorst: number;
  readonly #depths = new Set<ComparedStep['depth']>();
  readonly #classes = CLASSES.map(() => new Map<string, ErrorColumns>());
  readonly #all = new ErrorColumns();
  readonly #samples = new SamplesOfPlans();
  readonly #memory = new NumberColumn();
  readonly #clock = new NumberColumn();
  readonly #energy = new NumberColumn();
  readonly #parts = new PartColumns();
  #worst: ComparedStep[] = [];

  /** @param worst how many of the steps farthest off are kept. */
  constructor(worst: number) {
    this.#mostWorst = worst;
  }

  add(step: ComparedStep): void {
    const { memoryError, clockError, energyError, parts } = step;
    this.#depths.add(step.depth);
    const samples = this.#samples.add(step, step.simulatedS);
    this.#all.add(step, samples);
    for (const [index, classOf] of CLASSES.entries()) {
      const columns = this.#classes[index]!;
      const name = classOf(step);
      let own = columns.get(name);
      if (own === undefined) {
        own = new ErrorColumns();
        columns.set(name, own);
      }
      own.add(step, samples);
    }
    if (memoryError !== null) this.#memory.push(memoryError);
    if (clockError !== null) this.#clock.push(clockError);
    if (energyError !== null) this.#energy.push(energyError);
    if (parts !== null) this.#parts.add(parts);
    this.#worst.push(step);
    if (this.#worst.length >= 2 * this.#mostWorst + 1000) this.#worst = this.#worstSteps();
  }

  /** @param noises noise floors by `samplesOf`, where the steps do not say theirs. */
  report(noises?: ReadonlyMap<string, number | null>): HeldOutReport {
    if (noises !== undefined) this.#samples.setNoises(noises);
    const worst = this.#worstSteps();
    if (noises !== undefined) for (const step of worst) step.noise = noises.get(samplesOf(step.run)) ?? null;
    return {
      depth: depthRange([...this.#depths]),
      classes: this.#classes.flatMap((columns) =>
        [...columns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, own]) => own.errors(name)),
      ),
      all: this.#all.errors('all'),
      orders: this.#samples.orders(),
      memory: errorStatistics(this.#memory.values()),
      clock: errorStatistics(this.#clock.values()),
      energy: errorStatistics(this.#energy.values()),
      parts: this.#parts.errors(),
      worst,
    };
  }

  #worstSteps(): ComparedStep[] {
    return this.#worst
      .sort((a, b) => Math.abs(b.simulatedError) - Math.abs(a.simulatedError))
      .slice(0, this.#mostWorst);
  }
}

/** Sums up how far predictions are off: by place and transport, by model and depth, by preset, and over all. */
export function heldOutReport(steps: readonly ComparedStep[], worst: number): HeldOutReport {
  const errors = new HeldOutErrors(worst);
  for (const step of steps) errors.add(step);
  return errors.report();
}

/** Errors of the steps of a class, in their order. */
class ErrorColumns {
  readonly #simulated = new NumberColumn();
  readonly #closedForm = new NumberColumn();
  #covered = 0;
  /** Each plan's samples by number, and the number of each step. */
  readonly #plans = new Map<PlanSamples, number>();
  readonly #planOf = new NumberColumn();

  add({ simulatedError, closedFormError, covered }: ComparedStep, samples: PlanSamples): void {
    this.#simulated.push(simulatedError);
    this.#closedForm.push(closedFormError);
    if (covered) this.#covered += 1;
    let plan = this.#plans.get(samples);
    if (plan === undefined) {
      plan = this.#plans.size;
      this.#plans.set(samples, plan);
    }
    this.#planOf.push(plan);
  }

  errors(name: string): ClassErrors {
    const noises = [...this.#plans.keys()].map(({ noise }) => noise);
    const floors = this.#planOf
      .values()
      .map((plan) => noises[plan]!)
      .filter((noise) => noise !== null);
    const simulated = this.#simulated.values();
    const within = simulated.filter((error) => Math.abs(error) <= 0.05);
    return {
      name,
      simulated: errorStatistics(simulated)!,
      closedForm: errorStatistics(this.#closedForm.values())!,
      noise: floors.length === 0 ? null : mean(floors),
      within5Percent: within.length / simulated.length,
      covered: this.#covered / simulated.length,
    };
  }
}

/** Errors of each category's time, one for each step with a timeline. */
class PartColumns {
  readonly #shares = new Map<string, NumberColumn>();
  #steps = 0;

  add(parts: NonNullable<ComparedStep['parts']>): void {
    for (const category in parts) {
      if (this.#shares.has(category)) continue;
      const before = new NumberColumn();
      while (before.length < this.#steps) before.push(0);
      this.#shares.set(category, before);
    }
    for (const [category, shares] of this.#shares) shares.push(parts[category as keyof typeof parts] ?? 0);
    this.#steps += 1;
  }

  errors(): HeldOutReport['parts'] {
    if (this.#steps === 0) return null;
    return [...this.#shares]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([category, column]) => {
        const shares = column.values();
        return { category, mean: mean(shares.map(Math.abs)), bias: mean(shares) };
      });
  }
}
