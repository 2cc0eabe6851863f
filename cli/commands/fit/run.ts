import { UserError } from '../../../model/input/userError.ts';
import { readCalibration } from '../../../studies/calibration/calibrationFile.ts';
import { fitMachine } from '../../../studies/calibration/fitMachine.ts';
import { fittedMachineFile } from '../../../studies/calibration/machineFile.ts';
import { writeWholeFile } from '../../files/wholeFile.ts';
import type { Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
import type { FitFlags } from './command.ts';
import { printFit } from './printFit.ts';

/** Fits a machine to a calibration, or to other tools' files, prints what was found and how far off it is, and writes the machine's file. */
export async function run(files: readonly string[], flags: FitFlags, output: Output): Promise<void> {
  const calibration = files.find((file) => /\.ya?ml$/i.test(file));
  if (calibration === undefined) {
    const { fitFiles } = await import('./imported.ts');
    fitFiles(files, flags, output);
    return;
  }
  if (files.length > 1)
    throw new UserError(
      `${calibration}: a calibration is fitted by itself, got ${files.length} files; leave the others out`,
    );
  const [idle] = (['machine', 'transport', 'collective'] as const).filter(
    (flag) => flags[flag] !== undefined,
  );
  if (idle !== undefined)
    throw new UserError(
      `--${idle} ${flags[idle]}: is for files of other tools; a calibration says it itself: leave it out`,
    );
  fitCalibration(calibration, flags, output);
}

function fitCalibration(file: string, flags: FitFlags, output: Output): void {
  const calibration = readCalibration(file);
  let progress: ReturnType<typeof startProgress> | undefined;
  const fitted = fitMachine(calibration, (_, index, count) => {
    if (index === 0) progress = startProgress(output, 'stages', count);
    else progress!.advance();
  });
  progress?.advance();
  if (flags.json)
    output.result(`${JSON.stringify({ stages: fitted.stages, notes: fitted.notes }, null, 1)}\n`);
  else printFit(fitted, flags.worst, output);
  for (const note of fitted.notes) output.diagnostic(`note: ${note}\n`);
  if (flags.out === undefined) return;
  writeWholeFile(flags.out, fittedMachineFile(fitted, flags.id));
  output.diagnostic(`wrote ${flags.out}; use it with --machine ${flags.out}\n`);
}
