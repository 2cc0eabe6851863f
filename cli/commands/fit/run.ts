import { fit } from '../../../library/fit.ts';
import { UserError } from '../../../model/input/userError.ts';
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
  const { id } = flags;
  const fitted = fit(file, {
    ...(id !== undefined && { id }),
    watch: (total) => startProgress(output, 'stages', total),
  });
  if (flags.json)
    output.result(`${JSON.stringify({ stages: fitted.stages, notes: fitted.notes }, null, 1)}\n`);
  else printFit(fitted, flags.worst, output);
  for (const note of fitted.notes) output.diagnostic(`note: ${note}\n`);
  if (flags.out === undefined) return;
  writeWholeFile(flags.out, fitted.machine);
  output.diagnostic(`wrote ${flags.out}; use it with --machine ${flags.out}\n`);
}
