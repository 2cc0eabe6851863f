import type { Manifest } from '../manifest.ts';
import type { MeasuredRun } from './readMeasurement.ts';
import type { MeasurementRecord } from './records.ts';

/** One plan as it was measured, beside what was predicted of it. */
export interface MeasuredPlan {
  program: string;
  plan: string;
  /** Null where there is no manifest to say it. */
  transport: string | null;
  place: string;
  mode: 'eager' | 'graph';
  medianS: number;
  /** Median of the absolute deviations from the median, seconds. */
  madS: number;
  steady: boolean;
  /** Null for what no prediction is of: CPU cores, and ranks that share a GPU. */
  predictedS: number | null;
  error: number | null;
  claimedBytes: number | null;
  /** What the device said was in use at the most; on the host, what the runtime had allocated. */
  measuredBytes: number | null;
  /** Whether the output has the same bits as the program's first measured plan; null where no output was recorded. */
  sameOutput: boolean | null;
}

/** What a result's place is called wherever it is shown, so that no place passes for another. */
export function placeLabel({ place, options }: Pick<MeasurementRecord<'run'>, 'place' | 'options'>): string {
  const labels = {
    host: 'host (no GPU)',
    mirrored: 'mirrored (one GPU)',
    colocated: 'colocated (no timing)',
    real: 'real',
  };
  return options.compute === 'synthetic' ? `${labels[place]}, synthetic compute` : labels[place];
}

/**
 * The summaries of a run, beside the prediction of its manifest.
 *
 * @param manifest of the program with the run's fingerprint; null where it is not at hand.
 */
export function measuredPlans(run: MeasuredRun, manifest: Manifest | null): MeasuredPlan[] {
  const comparable = run.run.place === 'real' || run.run.place === 'mirrored';
  return run.summaries.map((summary) => {
    const plan = manifest?.plans[summary.plan];
    const memory = run.memory.find((record) => record.plan === summary.plan);
    const predictedS = comparable ? (plan?.predictedStepS ?? null) : null;
    return {
      program: run.run.program,
      plan: summary.name,
      transport: plan?.transport ?? null,
      place: placeLabel(run.run),
      mode: summary.mode,
      medianS: summary.medianS,
      madS: summary.madS,
      steady: summary.steady,
      predictedS,
      error: predictedS === null ? null : predictedS / summary.medianS - 1,
      claimedBytes: memory?.claimedBytes ?? null,
      measuredBytes: memory === undefined ? null : inUse(run.run.backend, memory),
      sameOutput: sameOutput(run.outputs, summary.plan, summary.mode),
    };
  });
}

function inUse(backend: 'cuda' | 'host', memory: MeasurementRecord<'memory'>): number {
  return backend === 'host' ? memory.allocatedPeakBytes : memory.devicePeakBytes;
}

/** Digests of different numbers of steps say nothing about each other. */
function sameOutput(
  outputs: readonly MeasurementRecord<'output'>[],
  plan: number,
  mode: 'eager' | 'graph',
): boolean | null {
  const own = outputs.filter((record) => record.plan === plan);
  const output = own.find((record) => record.mode === mode) ?? own[0];
  const reference = outputs.find((record) => record.steps === output?.steps);
  if (output === undefined || reference === undefined) return null;
  return output.finite && digestsOf(output) === digestsOf(reference);
}

function digestsOf({ digests }: MeasurementRecord<'output'>): string {
  return digests.map(({ rank, residual, digest }) => `${rank} ${residual} ${digest}\n`).join('');
}
