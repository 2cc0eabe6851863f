import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type MeasuredRun, readMeasurement } from '../../codegen/measure/readMeasurement.ts';
import { UserError } from '../../model/input/userError.ts';
import { checked, readYamlFile } from '../../model/input/yamlFile.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { otherMachine } from '../dataset/otherMachine.ts';

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

/** What was measured to fit a machine to, and how its readings are split. */
const calibrationFormat = z.strictObject({
  machine: z.string(),
  split: z.literal('sha256-even').describe("the first byte of the sha256 of a reading's id: even is fitted"),
  cases: z.array(z.string()).default([]).describe('results of calibration programs, beside this file'),
  segments: z.array(z.string()).default([]).describe('results of programs run with --segments'),
  programs: z.record(z.string(), program).default({}).describe('what the programs of segments compute'),
});

export type SegmentProgram = z.output<typeof program>;

export interface Calibration {
  file: string;
  machine: string;
  /** Runs of calibration programs. */
  cases: MeasuredRun[];
  /** Runs of single segments, each with what its program computes. */
  segments: { run: MeasuredRun; computes: SegmentProgram }[];
  /** The results files, for provenance. */
  sources: string[];
  notes: string[];
}

/**
 * Reads a calibration and the results that it names.
 *
 * @throws UserError with file and line for what is broken, is of another machine's place, or computes nobody knows what.
 */
export function readCalibration(file: string): Calibration {
  const { machine, cases, segments, programs } = checked(readYamlFile(file), calibrationFormat);
  const beside = (name: string) => join(dirname(file), name);
  const ofCases = readMeasurement(cases.map(beside));
  const ofSegments = readMeasurement(segments.map(beside));
  const system = loadSystem(machine);
  for (const run of [...ofCases.runs, ...ofSegments.runs]) refuseOther(run, system);
  return {
    file,
    machine,
    cases: ofCases.runs,
    segments: ofSegments.runs.map((run) => {
      const computes = programs[run.run.program];
      if (computes === undefined) {
        throw new UserError(
          `programs: ${run.run.program}, measured in ${run.file}:${run.line}, is not there; say what it computes`,
          { file },
        );
      }
      return { run, computes };
    }),
    sources: [...cases, ...segments],
    notes: [...ofCases.notes, ...ofSegments.notes],
  };
}
