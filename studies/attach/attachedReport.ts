import { mean } from 'simple-statistics';
import { grouped } from '../../model/input/grouped.ts';
import { type ErrorStatistics, errorStatistics } from '../heldOut/errorStatistics.ts';
import { orderOf, type PlanOrder } from '../heldOut/planOrder.ts';
import type { ClassErrors } from '../heldOut/report.ts';
import { type ComparedAttached, isPredicted } from './compareAttached.ts';
import type { AttachedMeasurement } from './readAttachSteps.ts';

/** How far predictions of attached models are off, and what was measured beside. */
export interface AttachedReport {
  classes: ClassErrors[];
  all: ClassErrors;
  /** Of each model at each size. */
  orders: PlanOrder[];
  /** Claim against what the device reported; null where none reported its memory. */
  memory: ErrorStatistics | null;
  /** The steps farthest off, worst first. */
  worst: ComparedAttached[];
  /** Share of a step that the host spends in hooks at the most; null without an attached plan. */
  largestHostShare: number | null;
  /** Measurements whose outputs had other bits than no offload. */
  otherBits: string[];
  /** Measurements whose warm-up did not become steady. */
  unsteady: string[];
  /** Measurements of other tools, which are not predicted. */
  notPredicted: string[];
}

/** What steps are classed by: place and transport, model and size, preset. */
const CLASSES: readonly ((step: ComparedAttached) => string)[] = [
  ({ measured }) => attachedPlace(measured),
  ({ measured }) => attachedModel(measured),
  ({ measured }) => attachedPreset(measured),
];

/** Place and transport. */
export function attachedPlace({ record: { ranks, place, transport } }: AttachedMeasurement): string {
  return ranks === 1 ? place : `${place}, ${transport}`;
}

/** Model, size and ranks. */
export function attachedModel({ record: { model, tokens, ranks } }: AttachedMeasurement): string {
  const { name, storage } = model;
  return `${name}${storage === 'bfloat16' ? '' : ` in ${storage}`}, ${tokens} tokens, x${ranks}`;
}

/** `yield` of `yield,resident=0.25`; `planned` of `planned within 60%`. */
export function attachedPreset({ record }: AttachedMeasurement): string {
  return record.variant.name.split(/[ ,]/, 1)[0]!;
}

/**
 * Sums up how far predictions are off.
 *
 * @param measurements all of them, with those that are not predicted.
 * @param steps the others beside their predictions; at least one.
 * @param worst how many of the steps farthest off are listed.
 */
export function attachedReport(
  measurements: readonly AttachedMeasurement[],
  steps: readonly ComparedAttached[],
  worst: number,
): AttachedReport {
  const named = (which: (measured: AttachedMeasurement) => boolean) =>
    measurements.filter(which).map(({ record }) => `${record.case}, ${record.variant.key}`);
  const hostShares = measurements.flatMap(({ record: { hostS }, stepS }) =>
    hostS === null ? [] : [hostS / stepS],
  );
  return {
    classes: CLASSES.flatMap((classOf) =>
      [...grouped(steps, classOf)]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, own]) => errorsOf(name, own)),
    ),
    all: errorsOf('all', steps),
    orders: [...grouped(steps, ({ measured: { record } }) => record.case)].map(([id, own]) =>
      orderOf(
        id,
        own.map(({ measured, simulatedS, noise }) => ({
          ...{ measuredS: measured.stepS, predictedS: simulatedS, noise: noise ?? 0 },
        })),
      ),
    ),
    memory: errorStatistics(steps.flatMap(({ memoryError }) => (memoryError === null ? [] : [memoryError]))),
    worst: [...steps].sort((a, b) => Math.abs(b.simulatedError) - Math.abs(a.simulatedError)).slice(0, worst),
    largestHostShare: hostShares.length === 0 ? null : Math.max(...hostShares),
    otherBits: named(({ isSame }) => !isSame),
    unsteady: named(({ isSteady }) => !isSteady),
    notPredicted: named((measured) => !isPredicted(measured)),
  };
}

function errorsOf(name: string, steps: readonly ComparedAttached[]): ClassErrors {
  const simulated = steps.map(({ simulatedError }) => simulatedError);
  const noises = steps.flatMap(({ noise }) => (noise === null ? [] : [noise]));
  return {
    name,
    simulated: errorStatistics(simulated)!,
    closedForm: errorStatistics(steps.map(({ closedFormError }) => closedFormError))!,
    noise: noises.length === 0 ? null : mean(noises),
    covered: steps.filter(({ covered }) => covered).length / steps.length,
    within5Percent: simulated.filter((error) => Math.abs(error) <= 0.05).length / simulated.length,
  };
}
