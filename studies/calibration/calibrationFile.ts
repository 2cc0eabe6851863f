import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type MeasuredRun, placeOfRecord, readMeasurement } from '../../measure/readMeasurement.ts';
import type { MeasurementRecord } from '../../measure/records.ts';
import { beyondAnyCase, caseId } from '../../model/calibration/cases.ts';
import { atPlace, type Place, shown, UserError } from '../../model/input/userError.ts';
import { checked, readYamlFile, type YamlFile } from '../../model/input/yamlFile.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { otherMachine } from '../dataset/otherMachine.ts';
import { asNcclWent } from './ncclPath.ts';

const program = z.strictObject({
  model: z.string(),
  size: z.string(),
  sp: z.int().min(1),
  blocks: z.int().min(1),
});

function refuseOther({ file, line, run }: MeasuredRun, system: System): void {
  const at = { place: run.place, ranks: run.groupSize, device: run.devices[0]?.name ?? 'nothing' };
  const why = otherMachine(at, system);
  if (why !== null)
    throw new UserError(`${run.program} ${why}; leave it out, or name its machine`, { file, line });
}

/**
 * A case's record must be of the case that its name says, and no larger than any: a changed one can take hours to simulate.
 *
 * @throws UserError with file and line.
 */
function refuseOdd(run: MeasuredRun, record: MeasurementRecord<'case'>): void {
  const { id, parameters, ranks } = record;
  const called = caseId(parameters);
  const calls = parameters.kind === 'copies' ? 0 : parameters.calls;
  const odd =
    called === id
      ? (beyondAnyCase(parameters) ??
        (ranks.every(({ callS }) => callS.length === calls)
          ? null
          : `callS: expected ${calls} calls of each rank, got ${ranks.map(({ callS }) => callS.length).join(', ')}`))
      : `its parameters are those of ${shown(called)}`;
  if (odd !== null)
    throw new UserError(`case ${shown(id)}: ${odd}; measure it anew`, placeOfRecord(run, record));
}

/** What a whole calibration has and this one has not; a file that was cut off at the end of a line looks so. */
function missingOf(
  { file, isEnded, lines }: YamlFile,
  { cases, segments, hostOnly }: { cases: readonly string[]; segments: readonly string[]; hostOnly: boolean },
): string[] {
  const notes: string[] = [];
  if (!isEnded) notes.push(`${file}:${lines}: the last line has no end; the file may be cut off`);
  if (cases.length === 0)
    notes.push(`${file}:${lines}: names no cases; what copies and collectives take is not fitted`);
  if (segments.length === 0 && !hostOnly)
    notes.push(`${file}:${lines}: names no segments; what compute takes is not fitted`);
  return notes;
}

/** Runs of results files that may not all be there: a measurement may have been stopped, or brought home in part. */
function runsOf(
  source: YamlFile,
  key: 'cases' | 'segments',
  names: readonly string[],
): { runs: MeasuredRun[]; notes: string[] } {
  const found = names.map((name, index) => {
    const file = join(dirname(source.file), name);
    const { line } = source.place([key, index]);
    const why = (text: string) => `${source.file}:${line}: ${key}: ${name} ${text}; the rest is fitted`;
    if (!existsSync(file)) return { runs: [], notes: [why('is not there')] };
    const { runs, notes } = readMeasurement([file]);
    return { runs, notes: runs.length === 0 ? [...notes, why('has no run')] : notes };
  });
  return { runs: found.flatMap(({ runs }) => runs), notes: found.flatMap(({ notes }) => notes) };
}

/** Programs that are described and were not measured, but for those whose own file is missing, which is said already. */
function unmeasured(
  source: YamlFile,
  programs: readonly string[],
  segments: readonly string[],
  runs: readonly MeasuredRun[],
): string[] {
  return programs
    .filter((id) => !runs.some(({ run }) => run.program === id) && !segments.includes(`${id}.jsonl`))
    .map((id) => {
      const { line } = source.place(['programs', id]);
      return `${source.file}:${line}: programs: ${id} has no results; the rest is fitted`;
    });
}

/** What was measured to fit a machine to, and how its readings are split. */
export const calibrationFormat = z.strictObject({
  machine: z.string(),
  split: z
    .enum(['sha256-even', 'none'])
    .describe("the first byte of the sha256 of a reading's id: even is fitted; none: every reading is"),
  hostOnly: z
    .boolean()
    .default(false)
    .describe(
      'of a quick calibration: links, host memory and transports are fitted, the rest keeps its numbers',
    ),
  cases: z.array(z.string()).default([]).describe('results of calibration programs, beside this file'),
  segments: z.array(z.string()).default([]).describe('results of programs run with --segments'),
  programs: z.record(z.string(), program).default({}).describe('what the programs of segments compute'),
});

export type CalibrationFile = z.input<typeof calibrationFormat> & { cases: string[]; segments: string[] };
export type SegmentProgram = z.output<typeof program>;

export interface Calibration {
  file: string;
  machine: string;
  split: z.output<typeof calibrationFormat>['split'];
  hostOnly: boolean;
  /** Runs of calibration programs. */
  cases: MeasuredRun[];
  /** Runs of single segments, each with what its program computes, and where that is said. */
  segments: { run: MeasuredRun; computes: SegmentProgram; place: Place }[];
  /** The results files, for provenance. */
  sources: string[];
  notes: string[];
}

/** A machine's file as it lies from the calibration's folder, where one does; a name, and a path from where one is, stay. */
function besideFile(file: string, nameOrFile: string): string {
  const beside = resolve(dirname(file), nameOrFile);
  return /\.ya?ml$/i.test(nameOrFile) && existsSync(beside) ? beside : nameOrFile;
}

/**
 * Reads a calibration and the results that it names. What is missing or was cut off is a note: the rest can be fitted.
 *
 * @throws UserError with file and line for what is broken, is of another machine's place, or computes nobody knows what.
 */
export function readCalibration(file: string): Calibration {
  const source = readYamlFile(file);
  const { split, hostOnly, cases, segments, programs, ...named } = checked(source, calibrationFormat);
  const machine = besideFile(file, named.machine);
  const ofCases = runsOf(source, 'cases', cases);
  const ofSegments = runsOf(source, 'segments', segments);
  const system = atPlace(source.place(['machine']), () => loadSystem(machine));
  for (const run of [...ofCases.runs, ...ofSegments.runs]) refuseOther(run, system);
  for (const run of ofCases.runs) for (const record of run.cases) refuseOdd(run, record);
  const asWent = ofCases.runs.map((run) => asNcclWent(run, system));
  return {
    ...{ file, machine, split, hostOnly },
    cases: asWent.map(({ run }) => run),
    segments: ofSegments.runs.map((run) => {
      const computes = programs[run.run.program];
      if (computes === undefined) {
        throw new UserError(
          `programs: ${run.run.program}, measured in ${run.file}:${run.line}, is not there; say what it computes`,
          { file },
        );
      }
      return { run, computes, place: source.place(['programs', run.run.program]) };
    }),
    sources: [...cases, ...segments],
    notes: [
      ...missingOf(source, { cases, segments, hostOnly }),
      ...ofCases.notes,
      ...asWent.flatMap(({ notes }) => notes),
      ...ofSegments.notes,
      ...unmeasured(source, Object.keys(programs), segments, ofSegments.runs),
    ],
  };
}
