import { fit } from '../../../library/fit.ts';
import { UserError } from '../../../model/input/userError.ts';
import { fitVerdict } from '../../../studies/calibration/fitVerdict.ts';
import { writeWholeFile } from '../../files/wholeFile.ts';
import type { Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
import type { FitFlags } from './command.ts';
import { printFit } from './printFit.ts';
import { verdictText } from './verdictText.ts';

/** Fits a machine to a calibration, or to other tools' files, prints what was found and how far off it is, and writes the machine's file. */
export async function run(files: readonly string[], flags: FitFlags, output: Output): Promise<number> {
  const calibration = files.find(isCalibration);
  if (calibration === undefined) {
    const { fitFiles } = await import('./imported.ts');
    fitFiles(files, flags, output);
    return 0;
  }
  const other = files.find((file) => !isCalibration(file));
  if (other !== undefined)
    throw new UserError(
      `${other}: is no calibration, as ${calibration} is; fit files of other tools by themselves`,
    );
  const [idle] = (['machine', 'transport', 'collective'] as const).filter(
    (flag) => flags[flag] !== undefined,
  );
  if (idle !== undefined)
    throw new UserError(
      `--${idle} ${flags[idle]}: is for files of other tools; a calibration says it itself: leave it out`,
    );
  if (files.length === 1) return fitCalibration(calibration, flags, output);
  const { fitNodes } = await import('./fleet.ts');
  fitNodes(files, flags, output);
  return 0;
}

function isCalibration(file: string): boolean {
  return /\.ya?ml$/i.test(file);
}

/** Returns the exit code: 1 where readings were held out and none of their stages is good enough to be used. */
function fitCalibration(file: string, flags: FitFlags, output: Output): number {
  const { id } = flags;
  const fitted = fit(file, {
    ...(id !== undefined && { id }),
    watch: (total) => startProgress(output, 'stages', total),
  });
  const verdict = fitVerdict(fitted.stages);
  if (flags.json)
    output.result(`${JSON.stringify({ stages: fitted.stages, notes: fitted.notes, verdict }, null, 1)}\n`);
  else {
    printFit(fitted, flags.worst, output);
    output.result(`\n${verdictText(verdict, output.layout)}`);
  }
  for (const note of fitted.notes) output.diagnostic(`note: ${note}\n`);
  const code = verdict.fit.length === 0 && verdict.unfit.length > 0 ? 1 : 0;
  if (flags.out === undefined) return code;
  writeWholeFile(flags.out, fitted.machine);
  const but = verdict.unfit.map(({ stage }) => stage).join('; ');
  output.diagnostic(
    `wrote ${flags.out}; use it with --machine ${flags.out}${but === '' ? '' : `, but not for ${but}`}\n`,
  );
  return code;
}
