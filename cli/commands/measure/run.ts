import { join } from 'node:path';
import { type BuiltProgram, buildPrograms } from '../../../build/build.ts';
import type { Manifest } from '../../../codegen/manifest.ts';
import { buildAddon } from '../../../measure/addon.ts';
import { arenaText } from '../../../measure/arenaSpread.ts';
import { manifestNotes, manifestOf, type Results, readResults } from '../../../measure/findResults.ts';
import { type MeasuredPlan, measuredPlans, placeLabel } from '../../../measure/measuredPlans.ts';
import { type MeasuredProgram, measurePrograms, type Runner } from '../../../measure/measurePrograms.ts';
import { type MeasuredRun, readMeasurement } from '../../../measure/readMeasurement.ts';
import { timelinesOf } from '../../../measure/timelineOf.ts';
import { UserError } from '../../../model/input/userError.ts';
import { buildOptions } from '../../buildOptions.ts';
import { tracePaths, writeTraces } from '../../files/traceFiles.ts';
import { programArguments } from '../../flags/program.ts';
import type { Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';
import type { MeasureFlags } from './command.ts';

const scaled = (value: number | null, by: number) => (value === null ? null : value * by);
const answer = (yes: boolean | null, no: string) => (yes === null ? null : yes ? 'yes' : no);

const PREDICTED: readonly Column<MeasuredPlan>[] = [
  { header: 'predicted ms', value: ({ predictedS }) => scaled(predictedS, 1e3), digits: 2 },
  { header: 'error %', value: ({ error }) => scaled(error, 100), digits: 1 },
];

/** Left out where all plans have the same one, which the heading says. */
const TRANSPORT: Column<MeasuredPlan> = { header: 'transport', value: ({ transport }) => transport };

const COLUMNS: readonly Column<MeasuredPlan>[] = [
  { header: 'plan', value: ({ plan, mode }) => (mode === 'graph' ? `${plan} (graph)` : plan) },
  TRANSPORT,
  { header: 'median ms', value: ({ medianS }) => scaled(medianS, 1e3), digits: 2 },
  { header: '+- MAD', value: ({ madS }) => scaled(madS, 1e3), digits: 2 },
  { header: 'x first', value: ({ timesFirst }) => timesFirst, digits: 3 },
  { header: 'steady', value: ({ steady }) => answer(steady, 'no') },
  ...PREDICTED,
  { header: 'claimed GiB', value: ({ claimedBytes }) => scaled(claimedBytes, 2 ** -30), digits: 2 },
  { header: 'used GiB', value: ({ measuredBytes }) => scaled(measuredBytes, 2 ** -30), digits: 2 },
  { header: 'same output', value: ({ sameOutput }) => answer(sameOutput, 'NO') },
];

/**
 * Builds and runs generated programs, or reads what was measured elsewhere, and shows it beside the predictions. Returns the
 * exit code: 1 when a run failed.
 */
export async function run(folders: readonly string[], flags: MeasureFlags, output: Output): Promise<number> {
  // A trace that cannot be written there is better known before a long run.
  if (flags.trace !== undefined) tracePaths(flags.trace, [{ name: 'plan' }]);
  if (flags.from !== undefined) return report(readResults(flags.from, folders), flags, output);
  const backend = buildOptions(flags);
  output.diagnostic(`building for ${backend.backend} ...\n`);
  const { programs, notes } = await buildPrograms(folders, backend);
  for (const note of notes) output.diagnostic(`${note}\n`);
  const measured = await measurePrograms(programs, {
    args: programArguments({ ...flags, timeline: flags.timeline || flags.trace !== undefined }),
    outFile: resultsFiles(flags.out, new Date()),
    runner: await chooseRunner(programs, flags, output),
    onNote: (text) => output.diagnostic(`${text}\n`),
  });
  // Nothing has run, so there are no records.
  if (flags.checkWeights) return measured.some(({ failure }) => failure !== null) ? 1 : 0;
  for (const { file } of measured) output.diagnostic(`results: ${file}\n`);
  return report(resultsOf(measured), flags, output, measured);
}

function report(
  results: Results,
  flags: MeasureFlags,
  output: Output,
  measured: readonly MeasuredProgram[] = [],
): number {
  const { measurement, manifests } = results;
  for (const note of [...measurement.notes, ...manifestNotes(results)]) output.diagnostic(`${note}\n`);
  for (const run of measurement.runs) {
    const manifest = manifestOf(run, manifests);
    const plans = measuredPlans(run, manifest);
    if (plans.length === 0) continue;
    const why = whyNothingPredicted(run.run.place, manifest);
    const over = commonTransport(plans);
    const columns = COLUMNS.filter(
      (column) =>
        (why === undefined || !PREDICTED.includes(column)) && (over === undefined || column !== TRANSPORT),
    );
    output.result(`${heading(run, over)}\n${formatTable(columns, plans, output.layout)}\n`);
    if (why !== undefined) output.result(`predicted: none, since ${why}\n\n`);
    const unclaimed = whyMoreMemory(run);
    if (unclaimed !== undefined) output.result(`${unclaimed}\n\n`);
    if (run.arena !== null) output.result(`${arenaText(run.arena)}\n\n`);
    const { wrong, chunks } = verified(run);
    if (chunks > 0) output.result(`${wrong} of ${chunks} chunks were not there in time\n\n`);
  }
  if (flags.trace !== undefined) writeMeasuredTraces(flags.trace, results, output);
  for (const { program, failure } of measured) {
    if (failure !== null) output.diagnostic(`error: ${program.manifest.id}: ${failure}\n`);
  }
  const failed = measurement.runs.some((run) => run.end?.ok !== true);
  return failed || measured.some(({ failure }) => failure !== null) ? 1 : 0;
}

/** Why a run's steps are not held against a prediction; undefined where they are. */
function whyNothingPredicted(
  place: MeasuredRun['run']['place'],
  manifest: Manifest | null,
): string | undefined {
  if (place === 'host') return 'CPU cores stand for the GPUs that the machine file describes';
  if (place === 'colocated')
    return 'ranks that share a GPU take turns, which says nothing of a step on GPUs of their own';
  return manifest === null ? 'the manifest of what ran is not at hand' : undefined;
}

/** What no claim has of a machine whose file says nothing of it; undefined where the file does. */
function whyMoreMemory({ memory }: MeasuredRun): string | undefined {
  const most = Math.max(0, ...memory.map(({ contextBytes }) => contextBytes));
  if (most === 0 || memory.some(({ claim }) => claim.reserveBytes !== 0)) return undefined;
  return `used: with ${(most * 2 ** -30).toFixed(2)} GiB of libraries' workspace, which the machine file's claims leave out`;
}

/** The transport of all plans; undefined where they differ, or no manifest says it. */
function commonTransport(plans: readonly MeasuredPlan[]): string | undefined {
  const [first] = plans;
  return plans.every(({ transport }) => transport === first!.transport)
    ? (first!.transport ?? undefined)
    : undefined;
}

function heading({ run }: MeasuredRun, over: string | undefined): string {
  const devices = [...new Set(run.devices.map(({ name }) => name))].join(', ');
  const ranks = `${run.ranks} rank${run.ranks === 1 ? '' : 's'} in groups of ${run.groupSize}`;
  const nccl = run.nccl === '' ? '' : `, NCCL ${run.nccl}`;
  return `${run.program}: ${run.title}\non ${devices}, ${placeLabel(run)}, ${ranks}${over === undefined ? '' : ` over ${over}`}, ${run.startedAt}${nccl}\n`;
}

function verified({ verifications }: MeasuredRun): { wrong: number; chunks: number } {
  const sum = (value: (record: (typeof verifications)[number]) => number) =>
    verifications.reduce((total, record) => total + value(record), 0);
  return { wrong: sum(({ wrong }) => wrong), chunks: sum(({ chunks }) => chunks) };
}

async function chooseRunner(
  programs: readonly BuiltProgram[],
  { inProcess, ranks, sanitize }: MeasureFlags,
  output: Output,
): Promise<Runner> {
  if (inProcess === false) return 'executable';
  // A sanitizer must be in a process from its start.
  const apart = ranks === 'processes' ? '--ranks processes' : sanitize && '--sanitize';
  if (apart) {
    if (inProcess) throw new UserError(`${apart} cannot run --in-process; leave one of them out`);
    return 'executable';
  }
  const severalGpus = programs.some(({ manifest }) => manifest.ranks > 1 && manifest.system.peer === 'real');
  if (severalGpus && inProcess === undefined) {
    output.diagnostic('running the executable: a process for each GPU\n');
    return 'executable';
  }
  try {
    await buildAddon();
    output.diagnostic('running in this process\n');
    return 'in-process';
  } catch (error) {
    if (inProcess || !(error instanceof UserError)) throw error;
    output.diagnostic(`running the executable: ${error.message}\n`);
    return 'executable';
  }
}

function resultsFiles(out: string | undefined, now: Date): (program: BuiltProgram) => string {
  const time = now.toISOString().replaceAll(':', '').replace(/\..*/, 'Z');
  return ({ manifest }) => out ?? join('out', 'measurements', `${manifest.id}-${time}.jsonl`);
}

/** The run just made is the last one in its file: one that is appended to holds earlier ones too. */
function resultsOf(measured: readonly MeasuredProgram[]): Results {
  const files = [...new Set(measured.map(({ file }) => file))];
  const { runs, notes } = readMeasurement(files);
  const latest = measured.flatMap(({ file, program }) => {
    const { fingerprint } = program.manifest;
    const run = runs.findLast(
      (candidate) => candidate.file === file && candidate.run.fingerprint === fingerprint,
    );
    return run === undefined ? [] : [run];
  });
  return {
    measurement: { runs: latest, notes },
    manifests: new Map(measured.map(({ program: { manifest } }) => [manifest.fingerprint, manifest])),
  };
}

function writeMeasuredTraces(file: string, { measurement, manifests }: Results, output: Output): void {
  const traces = measurement.runs.flatMap((run) => {
    const manifest = manifestOf(run, manifests);
    if (manifest === null) return [];
    const several = measurement.runs.length > 1 ? `${manifest.id}.` : '';
    return timelinesOf(run, manifest).map(({ plan, timeline }) => ({
      name: `${several}${manifest.plans[plan]!.name}`,
      timeline,
    }));
  });
  if (traces.length === 0) {
    throw new UserError('--trace: no timeline was measured of a program at hand; measure with --timeline');
  }
  const files = tracePaths(file, traces);
  writeTraces(
    traces.map(({ name, timeline }, index) => ({
      file: files[index]!,
      steps: [{ name: `${timeline.source}: ${name}`, timeline }],
    })),
  );
  for (const written of files) output.diagnostic(`wrote ${written}; open it at https://ui.perfetto.dev\n`);
}
