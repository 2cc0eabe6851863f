import type { Manifest } from '../codegen/manifest.ts';
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
  /** Null for what was checked and not timed, such as ranks that share a GPU; so are the next three. */
  medianS: number | null;
  /** Median of the absolute deviations from the median, seconds. */
  madS: number | null;
  /** Times the median of the program's first measured plan. */
  timesFirst: number | null;
  steady: boolean | null;
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
 * The plans of a run beside the predictions of its manifest: those that were timed, then those that were only checked.
 *
 * @param manifest of the program with the run's fingerprint; null where it is not at hand.
 */
export function measuredPlans(run: MeasuredRun, manifest: Manifest | null): MeasuredPlan[] {
  const comparable = run.run.place === 'real' || run.run.place === 'mirrored';
  // Ranks that take turns on one GPU say nothing of a step's time.
  const summaries = run.run.place === 'colocated' ? [] : run.summaries;
  const first = summaries[0]?.medianS;
  const timed = summaries.map((summary) => {
    const predictedS = comparable ? (manifest?.plans[summary.plan]?.predictedStepS ?? null) : null;
    return {
      ...checkedPlan(run, manifest, summary),
      ...{ medianS: summary.medianS, madS: summary.madS, steady: summary.steady },
      timesFirst: summary.medianS / first!,
      predictedS,
      error: predictedS === null ? null : predictedS / summary.medianS - 1,
    };
  });
  const checked = onlyChecked(run.outputs, summaries);
  return [...timed, ...checked.map((output) => checkedPlan(run, manifest, output))];
}

/** What says which plan a record is of. */
type PlanAndMode = Pick<MeasurementRecord<'output'>, 'plan' | 'mode'>;

/** One output of each plan and mode that is not among the timed ones. */
function onlyChecked(outputs: readonly PlanAndMode[], timed: readonly PlanAndMode[]): PlanAndMode[] {
  const key = ({ plan, mode }: PlanAndMode) => `${plan} ${mode}`;
  const rest = new Map(outputs.map((output) => [key(output), output]));
  for (const summary of timed) rest.delete(key(summary));
  return [...rest.values()];
}

function checkedPlan(
  { run, memory, outputs }: MeasuredRun,
  manifest: Manifest | null,
  { plan: index, mode }: PlanAndMode,
): MeasuredPlan {
  const plan = manifest?.plans[index];
  const used = memory.find((record) => record.plan === index);
  return {
    program: run.program,
    plan: used?.name ?? plan?.name ?? `plan ${index}`,
    transport: plan?.transport ?? null,
    place: placeLabel(run),
    mode,
    ...{ medianS: null, madS: null, timesFirst: null, steady: null, predictedS: null, error: null },
    claimedBytes: used?.claimedBytes ?? null,
    measuredBytes: used === undefined ? null : inUse(run.backend, used),
    sameOutput: sameOutput(outputs, index, mode),
  };
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
