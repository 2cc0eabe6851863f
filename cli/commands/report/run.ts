import { extname } from 'node:path';
import { countLines } from '../../../model/input/fileLines.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import { attachedStepsReport } from '../../../report/attached/attachedStepsReport.ts';
import { calibrationReport } from '../../../report/calibration/calibrationReport.ts';
import { experimentReport } from '../../../report/experiment/experimentReport.ts';
import type { Report } from '../../../report/report.ts';
import { validationCount, validationReport } from '../../../report/validation/validationReport.ts';
import { writeWholeFile } from '../../files/wholeFile.ts';
import type { Output } from '../../output.ts';
import { startProgress } from '../../text/progress.ts';
import { REPORT_FORMATS, type ReportFlags } from './command.ts';

/** Writes what is known of steps, or of a calibration, as one page. */
export async function run(inputs: readonly string[], flags: ReportFlags, output: Output): Promise<void> {
  const format = formatOf(flags);
  const report = reportOf(inputs, flags, output);
  const text =
    format === 'md'
      ? (await import('../../../report/markdown/markdown.ts')).reportMarkdown(report)
      : (await import('../../../report/html/html.ts')).reportHtml(report);
  if (flags.out === undefined) output.result(text);
  else {
    writeWholeFile(flags.out, text);
    output.result(`${flags.out}\n`);
  }
}

/** In place of files: the datasets that this project shows itself by. A file of this name is `./validation`. */
const VALIDATION = 'validation';

function reportOf(inputs: readonly string[], flags: ReportFlags, output: Output): Report {
  if (inputs.includes(VALIDATION)) return ownReport(inputs, flags, output);
  if (inputs.some((file) => /\.ya?ml$/i.test(file))) return fitReport(inputs, flags, output);
  if (flags.profiles !== undefined) return attachedReport(inputs, flags.profiles, flags);
  return stepsReport(inputs, flags, output);
}

function stepsReport(files: readonly string[], flags: ReportFlags, output: Output): Report {
  const { machine = null, experiment, mode } = flags;
  const modes = mode === 'both' ? (['eager', 'graph'] as const) : ([mode] as const);
  const lines = files.reduce((sum, file) => sum + countLines(file), 0);
  const progress = startProgress(output, 'steps', lines);
  const choices = experiment === undefined ? null : { file: experiment, modes };
  return experimentReport({ files, machine, choices }, () => progress.advance());
}

function ownReport(inputs: readonly string[], flags: ReportFlags, output: Output): Report {
  if (inputs.length > 1)
    throw new UserError(`report ${VALIDATION}: takes no files beside it; give them to a run of their own`);
  refuseFlags(flags, ['machine', 'experiment', 'profiles'], 'each of these datasets has its own');
  const progress = startProgress(output, 'datasets', validationCount());
  return validationReport(() => progress.advance());
}

/** @throws UserError for the first of the flags that was given. */
function refuseFlags(
  flags: ReportFlags,
  names: readonly ('machine' | 'experiment' | 'profiles')[],
  why: string,
): void {
  for (const name of names)
    if (flags[name] !== undefined)
      throw new UserError(`--${name} ${shown(flags[name])}: ${why}; leave it out`);
}

function attachedReport(files: readonly string[], profiles: string, flags: ReportFlags): Report {
  const { machine } = flags;
  if (machine === undefined)
    throw new UserError(
      `--profiles ${shown(profiles)}: a profile says nothing of links; give --machine, such as one that was fitted`,
    );
  refuseFlags(flags, ['experiment'], 'is of generated programs, and --profiles of attached models');
  return attachedStepsReport({ files, profiles, machine });
}

function fitReport(files: readonly string[], flags: ReportFlags, output: Output): Report {
  const [file] = files as [string];
  if (files.length > 1)
    throw new UserError(
      `${shown(file)}: a calibration has a report of its own, got ${files.length} files; leave the others out`,
    );
  refuseFlags(
    flags,
    ['machine', 'experiment', 'profiles'],
    'is of measured steps, and this is a calibration',
  );
  let progress: ReturnType<typeof startProgress> | undefined;
  return calibrationReport(file, (_, index, count) => {
    if (index === 0) progress = startProgress(output, 'stages', count);
    else progress!.advance();
  });
}

type Format = (typeof REPORT_FORMATS)[number];

/** Of `--format`, else of the file's name, else Markdown, which a terminal shows and a pull request takes. */
function formatOf({ out, format }: ReportFlags): Format {
  if (format !== undefined || out === undefined) return format ?? 'md';
  const ending = extname(out).slice(1);
  const named = REPORT_FORMATS.find((known) => known === ending);
  if (named !== undefined) return named;
  throw new UserError(
    `--out ${shown(out)}: expected a name that ends in ${REPORT_FORMATS.map((known) => `.${known}`).join(' or ')}, or --format`,
  );
}
