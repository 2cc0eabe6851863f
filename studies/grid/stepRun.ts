import { mean, median } from 'simple-statistics';
import type { Manifest, ManifestPlan } from '../../codegen/manifest.ts';
import { measuredPlans } from '../../measure/measuredPlans.ts';
import { type MeasuredRun, placeOfRecord } from '../../measure/readMeasurement.ts';
import type { MeasurementRecord } from '../../measure/records.ts';
import { ranksOf, timelineOf } from '../../measure/timelineOf.ts';
import { grouped } from '../../model/input/grouped.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { segmentTotals } from '../../model/program/timelineTotals.ts';
import { type Provenance, provenanceOf } from '../dataset/stepFormat.ts';
import type { StepRun } from '../dataset/stepRecords.ts';

/** What a raw run says of one plan and mode; the rest of a dataset line is known from the experiment. */
export type MeasuredStep = Omit<StepRun, 'schema' | 'experiment' | 'split' | 'cell' | 'stepProgram'>;

/** Segments are written to ten nanoseconds; a timeline is no finer. */
const SECONDS_DIGITS = 8;

/**
 * The timed plans of a run, one entry for each plan and mode.
 *
 * @param manifest of the program that ran.
 * @throws UserError for a plan whose memory was not recorded.
 */
export function measuredSteps(measured: MeasuredRun, manifest: Manifest): MeasuredStep[] {
  const { run } = measured;
  const { place } = run;
  // Ranks that take turns on one GPU say nothing of a step's time.
  if (place === 'colocated') return [];
  const rows = measuredPlans(measured, manifest);
  const [first] = run.devices;
  const visitsOf = grouped(measured.visits, planAndMode);
  return measured.summaries.map((summary, index): MeasuredStep => {
    const { plan, mode, medianS, madS, steps } = summary;
    const { name, transport } = planOf(measured, manifest, summary);
    // The timed plans come first, in the order of their summaries.
    const row = rows[index]!;
    const memory = memoryOf(measured, plan);
    const { reserveBytes } = memory.claim;
    const visits = visitsOf.get(planAndMode(summary)) ?? [];
    return {
      ...{ plan: name, mode, place, transport, fingerprint: run.fingerprint, stepS: medianS, madS, steps },
      visitS: visits.map(({ stepS }) => median(stepS)),
      smHz: meanOf(visits, 'smHz'),
      powerW: meanOf(visits, 'powerW'),
      memory: {
        claimedBytes: memory.claimedBytes,
        ...(reserveBytes === undefined ? {} : { reserveBytes }),
        deviceBytes: run.backend === 'host' ? memory.allocatedPeakBytes : memory.devicePeakBytes,
        pinnedBytes: memory.pinnedBytes,
        claimedPinnedBytes: memory.claimedPinnedBytes,
      },
      sameOutput: row.sameOutput ?? false,
      segments: mode === 'eager' ? segmentsOf(measured, manifest, plan) : [],
      device: { name: first?.name ?? '', driver: first?.driver ?? '', cuda: first?.cuda ?? '' },
      ...whoMeasured(run),
      libraries: run.nccl === '' ? run.libraries : `${run.libraries}, NCCL ${run.nccl}`,
      runtime: run.runtime ?? '',
      startedAt: run.startedAt,
    };
  });
}

/** As far as records say it. */
function whoMeasured({
  devices,
  commit,
  slurmJob,
  options,
}: Pick<MeasurementRecord<'run'>, 'devices' | 'commit' | 'slurmJob' | 'options'>): Provenance {
  const nodes = devices.flatMap(({ node }) => node ?? []);
  const { seed } = options;
  return provenanceOf({
    node: nodes[0],
    nodes: new Set(nodes).size > 1 ? nodes : undefined,
    // CPU cores have no bus, and numbers of their own for an identity.
    gpus: devices.some(({ pciBus }) => pciBus === '')
      ? undefined
      : devices.map(({ pciBus, uuid }) => ({ pciBus, uuid })),
    commit,
    seed: typeof seed === 'number' && Number.isSafeInteger(seed) ? seed : undefined,
    slurmJob,
  });
}

const planAndMode = ({ plan, mode }: { plan: number; mode: string }) => `${plan} ${mode}`;

/** @throws UserError where the program's manifest has another plan at that number, or none. */
function planOf(
  measured: MeasuredRun,
  manifest: Manifest,
  summary: MeasurementRecord<'summary'>,
): ManifestPlan {
  const plan = manifest.plans[summary.plan];
  if (plan?.name === summary.name) return plan;
  const is = plan === undefined ? `${manifest.plans.length} plans` : `${shown(plan.name)} there`;
  throw new UserError(
    `summary: plan ${summary.plan} is called ${shown(summary.name)}, and the program of this fingerprint has ${is}; measure it anew`,
    placeOfRecord(measured, summary),
  );
}

function memoryOf({ file, line, memory, run }: MeasuredRun, plan: number): MeasurementRecord<'memory'> {
  const found = memory.find((record) => record.plan === plan);
  if (found !== undefined) return found;
  throw new UserError(
    `the run of ${run.program} has a summary of plan ${plan} and no memory record; measure it anew`,
    {
      file,
      line,
    },
  );
}

/** Null where the device did not say it in any round. */
function meanOf(visits: readonly MeasurementRecord<'visit'>[], reading: 'smHz' | 'powerW'): number | null {
  const values = visits.flatMap((visit) => visit[reading] ?? []);
  return values.length === 0 ? null : mean(values);
}

/** Timelines are recorded eagerly; a graph has none. */
function segmentsOf(run: MeasuredRun, manifest: Manifest, plan: number): StepRun['segments'] {
  const ranks = ranksOf(run, plan);
  if (ranks.length === 0) return [];
  return segmentTotals(timelineOf(ranks, manifest, plan, 'measured')).map((total) => ({
    ...total,
    seconds: Number(total.seconds.toFixed(SECONDS_DIGITS)),
  }));
}
