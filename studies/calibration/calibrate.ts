import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type BuildOptions, type BuiltProgram, buildPrograms } from '../../build/build.ts';
import { type BundleOptions, bundle } from '../../build/bundle.ts';
import { onStop, stoppable } from '../../build/stopSignals.ts';
import { generateCalibration } from '../../codegen/calibration/generateCalibration.ts';
import type { Generated } from '../../codegen/generate.ts';
import type { Manifest } from '../../codegen/manifest.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { type MeasureOptions, measurePrograms } from '../../measure/measurePrograms.ts';
import { readMeasurement } from '../../measure/readMeasurement.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { checked, readYamlFile } from '../../model/input/yamlFile.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { readyToAppend } from '../grid/resultsFile.ts';
import { lockResults } from '../grid/runLock.ts';
import { type CalibrationFile, calibrationFormat } from './calibrationFile.ts';
import { generateSegments, SEGMENTS, segmentArguments, segmentPrograms } from './segmentPrograms.ts';

export interface CalibrateOptions {
  machine: string;
  /** Ranks of the collectives: the machine's GPUs, or 2 where peers are not real. */
  groupSize?: number;
  /** Which of NCCL's transports the environment of this run gives; the machine's default where left out. */
  transport?: string;
  /** Only what depends on the host. */
  quick?: boolean;
  /** Folder of the results and of the calibration file that `fit` reads. */
  results: string;
  rounds: number;
  onNote: (text: string) => void;
}

/** The file in the results folder that `fit` reads. */
export const CALIBRATION_FILE = 'calibration.yaml';

/**
 * Measures a machine with generated micro-benchmarks: copies, collectives, both at once, and single segments. What the
 * results hold already, of the same program, is not measured again.
 *
 * @returns failures, one line each.
 * @throws UserError where another process writes to the same results, or nothing can be built.
 */
export function calibrate(options: CalibrateOptions, build: BuildOptions): Promise<string[]> {
  return stoppable(options.onNote, () => measureAll(options, build));
}

async function measureAll(options: CalibrateOptions, build: BuildOptions): Promise<string[]> {
  mkdirSync(options.results, { recursive: true });
  const unlock = lockResults(options.results);
  const keep = onStop(unlock);
  try {
    const folders = writePrograms(options, join(options.results, 'sources'));
    const { programs } = await buildPrograms(folders, build);
    return await measureCalibration(programs, options);
  } finally {
    keep();
    unlock();
  }
}

/** What a machine's built programs are measured with. */
export type CalibrationRun = Pick<CalibrateOptions, 'results' | 'rounds' | 'onNote'> &
  Pick<MeasureOptions, 'launch'>;

/**
 * Measures what the results lack of the programs of a calibration.
 *
 * @returns failures, one line each.
 */
export async function measureCalibration(
  programs: readonly BuiltProgram[],
  options: CalibrationRun,
): Promise<string[]> {
  const failures: string[] = [];
  for (const [index, program] of programs.entries()) {
    options.onNote(`program ${index + 1} of ${programs.length}: ${program.manifest.id}`);
    const failure = await measure(program, options);
    if (failure !== null) failures.push(`${program.manifest.id}: ${failure}`);
  }
  return failures;
}

/** Whether the results of some programs of a calibration lack nothing. */
export function isCalibrated(manifests: readonly Manifest[], results: string, rounds: number): boolean {
  return manifests.every((manifest) => {
    const file = join(results, `${manifest.id}.jsonl`);
    return manifest.cases.length > 0
      ? missingCases(manifest, file, rounds).length === 0
      : hasSegments(manifest, file);
  });
}

/** Packs the same for a machine without Node; its results folder takes the place of `results`. */
export async function bundleCalibration(options: CalibrateOptions, pack: BundleOptions): Promise<void> {
  const folders = writePrograms(options, join(options.results, 'sources'));
  const argumentsOf = (id: string) => (id.startsWith(SEGMENTS) ? segmentArguments(id) : null);
  await bundle(folders, { ...pack, args: ['--rounds', String(options.rounds)], argumentsOf });
}

function writePrograms(options: CalibrateOptions, sources: string): string[] {
  const { programs, file } = calibrationPrograms(options);
  mkdirSync(sources, { recursive: true });
  addToCalibration(options.results, file);
  return programs.map((program) => writeProgram(program, sources));
}

/** The programs that calibrate a machine, and what is to stand of them in the file that `fit` reads. */
export function calibrationPrograms({
  groupSize,
  ...options
}: Pick<CalibrateOptions, 'machine' | 'groupSize' | 'transport' | 'quick'>): {
  programs: Generated[];
  file: CalibrationFile;
} {
  const system = loadSystem(options.machine);
  const group = groupSize ?? usualGroup(system);
  const { transport, quick = false } = options;
  const shapes = quick ? {} : segmentPrograms(system, group);
  const cases = generateCalibration(system, group, {
    ...{ id: casesId(system, group, options), quick },
    ...(transport === undefined ? {} : { nccl: transport }),
  });
  const segments = Object.entries(shapes).map(([id, shape]) => generateSegments(id, shape, system));
  return {
    programs: [cases, ...segments],
    file: {
      ...{ machine: options.machine, split: quick ? 'none' : 'sha256-even' },
      ...(quick ? { hostOnly: true } : {}),
      ...{ cases: [`${cases.id}.jsonl`], segments: Object.keys(shapes).map((id) => `${id}.jsonl`) },
      programs: shapes,
    },
  };
}

/** Runs with other transports or groups have results of their own in the same folder. */
function casesId(
  system: System,
  groupSize: number,
  { transport, quick }: Pick<CalibrateOptions, 'transport' | 'quick'>,
): string {
  const parts = [
    ...[quick ? 'quick-calibration' : 'calibration', system.id],
    ...(transport === undefined || transport === system.defaultTransport ? [] : [transport]),
    ...(groupSize === usualGroup(system) ? [] : [`sp${groupSize}`]),
  ];
  return parts.join('-');
}

/** Adds what is measured to what the file names already, where that is of the same machine and kind. */
export function addToCalibration(results: string, added: CalibrationFile): void {
  const file = join(results, CALIBRATION_FILE);
  const before = existsSync(file) ? checked(readYamlFile(file), calibrationFormat) : null;
  if (before !== null && (before.machine !== added.machine || before.hostOnly !== (added.hostOnly ?? false)))
    throw new UserError(
      `is a calibration of ${shown(before.machine)}${before.hostOnly ? ', a quick one' : ''}; give another folder`,
      { file },
    );
  const both = (key: 'cases' | 'segments') => [...new Set([...(before?.[key] ?? []), ...added[key]])];
  writeFileSync(
    file,
    stringify({
      ...{ ...added, cases: both('cases'), segments: both('segments') },
      programs: { ...before?.programs, ...added.programs },
    }),
  );
}

function usualGroup(system: System): number {
  return system.peer === 'real' ? system.gpus.length : 2;
}

async function measure(
  program: BuiltProgram,
  { results, rounds, launch, onNote }: CalibrationRun,
): Promise<string | null> {
  const file = join(results, `${program.manifest.id}.jsonl`);
  await readyToAppend(file, onNote);
  const missing = missingCases(program.manifest, file, rounds);
  const isCases = program.manifest.cases.length > 0;
  if (isCases ? missing.length === 0 : hasSegments(program.manifest, file)) return null;
  const args = isCases
    ? ['--rounds', String(rounds), '--cases', missing.join(',')]
    : segmentArguments(program.manifest.id);
  const [measured] = await measurePrograms([program], {
    args,
    outFile: () => file,
    runner: 'executable',
    launch,
    onNote,
  });
  return measured!.failure;
}

/** Cases that have not been measured in every round by this very program. */
function missingCases(manifest: Manifest, file: string, rounds: number): number[] {
  const done = new Map<string, number>();
  if (existsSync(file)) {
    for (const { run, cases } of readMeasurement([file]).runs) {
      if (run.fingerprint !== manifest.fingerprint) continue;
      for (const { id } of cases) done.set(id, (done.get(id) ?? 0) + 1);
    }
  }
  return manifest.cases.flatMap(({ id }, index) => ((done.get(id) ?? 0) < rounds ? [index] : []));
}

function hasSegments(manifest: Manifest, file: string): boolean {
  if (!existsSync(file)) return false;
  return readMeasurement([file]).runs.some(
    ({ run, segments, end }) =>
      run.fingerprint === manifest.fingerprint && segments.length > 0 && end?.ok === true,
  );
}
