import { readCalibration } from '../studies/calibration/calibrationFile.ts';
import { type FittedMachine, fitMachine } from '../studies/calibration/fitMachine.ts';
import { fittedMachineFile } from '../studies/calibration/machineFile.ts';
import { type Progress, UNWATCHED, type Watch } from './progress.ts';

/** What the fitted machine is called. */
export interface FitOptions {
  /** Of the fitted machine; the calibrated machine's with `-fitted` unless given. */
  id?: string;
  watch?: Watch;
}

/** A machine as a calibration shows it. */
export interface Fit extends Pick<FittedMachine, 'stages' | 'notes'> {
  /** The machine's file, YAML, with what each number rests on. */
  machine: string;
}

/**
 * Fits a machine's numbers to a calibration, as `chunkflow fit` does.
 *
 * @param calibration YAML that names the readings.
 * @returns every stage's parameters with 95 % intervals, and its errors on readings that it was fitted to and on those held out.
 * @throws UserError with file, line and column of what does not fit.
 * @example
 * const { stages, machine } = fit('experiments/pair/host-f/calibration.yaml', { id: 'my-pair' });
 * console.log(stages.map(({ name, result }) => [name, result.parameters]));
 */
export function fit(calibration: string, { id, watch = UNWATCHED }: FitOptions = {}): Fit {
  let progress: Progress | undefined;
  const fitted = fitMachine(readCalibration(calibration), (_, index, count) => {
    if (index === 0) progress = watch(count);
    else progress!.advance();
  });
  progress?.advance();
  return { stages: fitted.stages, notes: fitted.notes, machine: fittedMachineFile(fitted, id) };
}
