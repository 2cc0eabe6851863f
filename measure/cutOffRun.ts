import { median, medianAbsoluteDeviation, min, quantile } from 'simple-statistics';
import { grouped } from '../model/input/grouped.ts';
import type { MeasuredRun } from './readMeasurement.ts';
import type { MeasurementRecord } from './records.ts';

/** The middle 80 % of steady steps lie within this share of their median. */
const STEADY = 0.05;

export interface WholeRounds {
  /** The run without its last, broken round, and with the summaries that it did not come to write. */
  run: MeasuredRun;
  rounds: number;
}

/**
 * What a run holds that was cut off, by a time limit for example: the rounds in which every plan had its turn.
 *
 * @returns null for a run that ended, well or with an error, and for one that was cut off in its first round.
 */
export function wholeRounds(measured: MeasuredRun): WholeRounds | null {
  if (measured.end !== null) return null;
  const plans = [...new Set(measured.outputs.map(({ plan }) => plan))];
  const modes = [...new Set(measured.visits.map(({ mode }) => mode))];
  const wanted = plans.flatMap((plan) => modes.map((mode) => keyOf({ plan, mode })));
  const byRound = grouped(measured.visits, ({ round }) => round);
  const whole = [...byRound.values()].filter((visits) => {
    const had = new Set(visits.map(keyOf));
    return wanted.every((key) => had.has(key));
  });
  if (whole.length === 0 || wanted.length === 0) return null;
  const visits = whole.flat();
  const ofPlan = grouped(visits, keyOf);
  const summaries = [...ofPlan.values()].map((own) => summary(own, whole.length, measured));
  return { run: { ...measured, visits, summaries }, rounds: whole.length };
}

function keyOf({ plan, mode }: { plan: number; mode: string }): string {
  return `${plan} ${mode}`;
}

/** Median and deviation are what the runtime would have written. */
function summary(
  visits: readonly MeasurementRecord<'visit'>[],
  rounds: number,
  { memory }: MeasuredRun,
): MeasurementRecord<'summary'> {
  const { plan, mode } = visits[0]!;
  const steps = visits.flatMap(({ stepS }) => stepS);
  const medianS = median(steps);
  const [p10S, p90S] = [quantile(steps, 0.1), quantile(steps, 0.9)];
  const spread = (p90S - p10S) / medianS;
  return {
    ...{ record: 'summary', plan, name: memory.find((record) => record.plan === plan)?.name ?? '', mode },
    ...{ medianS, madS: medianAbsoluteDeviation(steps), p10S, p90S, minS: min(steps) },
    ...{ steps: steps.length, rounds, spread, steady: spread <= STEADY, tracedOverNot: null },
  };
}
