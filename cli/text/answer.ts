import type { PlanReport } from '../../documents/planReport.ts';
import { GiB } from '../../model/input/byteUnits.ts';
import { fitsMachine } from './boundWords.ts';

/** Plans closer than this are as fast as each other: of them the one that takes least memory is the answer. */
const TIE = 1e-3;

/** The plan that answers the question which to take; null where none fits the machine. */
export function bestPlan<Report extends PlanReport>(plans: readonly Report[]): Report | null {
  const fitting = plans.filter(({ boundBy }) => fitsMachine(boundBy));
  const fastestS = Math.min(...fitting.map(({ stepTimeS }) => stepTimeS));
  return fitting
    .filter(({ stepTimeS }) => stepTimeS <= fastestS * (1 + TIE))
    .reduce<Report | null>(
      (best, plan) => (best === null || plan.gpuPeakBytes < best.gpuPeakBytes ? plan : best),
      null,
    );
}

/**
 * Which plan, how much and how sure, in a sentence.
 *
 * @example "yield: 3,660.5 ms a step (95 of 100 times 3,480 to 3,850), as fast as no offload, in 4.9 GiB of GPU memory; the fastest of 6"
 */
export function answerText(plans: readonly PlanReport[]): string {
  const best = bestPlan(plans);
  if (best === null) return noneFits(plans);
  const { plan, stepTimeS, versusNone, prefetchS, gpuPeakBytes, doubt } = best;
  const sure = `95 of 100 times ${doubt.stepS.map(significantMs).join(' to ')}`;
  const parts = [
    `${plan}: ${milliseconds(stepTimeS)} a step (${sure})`,
    ...(prefetchS === 0 ? ['all weights on the GPU'] : versusNone === null ? [] : [against(versusNone)]),
    `in ${gibibytes(gpuPeakBytes)} of GPU memory`,
  ].join(', ');
  const tied = plans.filter(
    (other) => fitsMachine(other.boundBy) && other.stepTimeS <= stepTimeS * (1 + TIE),
  ).length;
  return plans.length === 1 ? parts : `${parts}; ${rankText(tied, plans)}`;
}

function rankText(tied: number, plans: readonly PlanReport[]): string {
  const outside = plans.filter(({ boundBy }) => !fitsMachine(boundBy)).length;
  const fitting = plans.length - outside;
  const left = outside === 0 ? '' : ` (${outside} more ${outside === 1 ? 'does' : 'do'} not fit)`;
  if (fitting === 1) return `the only one of ${plans.length} that fits`;
  if (tied === 1) return `the fastest of ${fitting}${left}`;
  return tied === fitting
    ? `the smallest of ${fitting} that are as fast${left}`
    : `the smallest of the ${tied} fastest of ${fitting}${left}`;
}

function against(versusNone: number): string {
  const per = Math.round(1000 * (versusNone - 1)) / 10;
  if (per === 0) return 'as fast as no offload';
  return `${Math.abs(per).toFixed(1)} % ${per > 0 ? 'slower' : 'faster'} than no offload`;
}

function noneFits(plans: readonly PlanReport[]): string {
  const least = plans.reduce((most, one) => (one.gpuPeakBytes < most.gpuPeakBytes ? one : most));
  const what = plans.length === 1 ? 'does not fit' : `none of the ${plans.length} plans fits`;
  const which = plans.length === 1 ? least.plan : `the smallest, ${least.plan},`;
  return (
    `${what}: ${which} takes ${gibibytes(least.gpuPeakBytes)} of GPU memory and pins ` +
    `${gibibytes(least.hostPinnedBytes)} of the host's for each rank; \`chunkflow plan\` looks for one that does`
  );
}

/** Ends of intervals have three digits: they are not known to more. */
export function significantMs(seconds: number): string {
  return significant(seconds * 1e3);
}

export function significant(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1e3).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })} ms`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / GiB).toFixed(1)} GiB`;
}
