import type { CollectiveKind } from '../../model/dit/kinds.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import type { CollectiveReading, ImportedReadings } from './importedReading.ts';
import { type ImportedText, readImportedText } from './importedText.ts';
import { NcclTestsRun } from './ncclTestsRun.ts';
import { columnsOf, readRow } from './ncclTestsTable.ts';

/** Programs of nccl-tests by the name that their output gives, without `_perf`. */
const PROGRAMS: Readonly<Record<string, CollectiveKind>> = {
  alltoall: 'all-to-all',
  all_gather: 'all-gather',
  all_reduce: 'all-reduce',
};

/**
 * Collectives from what nccl-tests' `alltoall_perf`, `all_gather_perf` and `all_reduce_perf` print; several
 * outputs may follow each other in one file. Before version 2.16 or so the output does not name its program:
 * say it in `collective`.
 *
 * @throws UserError with file and line of a row that does not fit its header, of wrong results, and of an
 * output whose collective or ranks are not to be known.
 */
export function readNcclTests(
  file: string,
  collective?: CollectiveKind,
): ImportedReadings<CollectiveReading> {
  return ncclTestsReadings(readImportedText(file), collective);
}

/** As readNcclTests, for text that is already in memory. */
export function ncclTestsReadings(
  { file, lines }: ImportedText,
  collective?: CollectiveKind,
): ImportedReadings<CollectiveReading> {
  const runs: NcclTestsRun[] = [];
  const stray: number[] = [];
  let program: CollectiveKind | undefined;
  for (const [index, text] of lines.entries()) {
    const place = { file, line: index + 1 };
    const run = runs.at(-1);
    const name = /^# Collective test starting: (\S+)/.exec(text)?.[1];
    const device = /^#\s+Rank\s+(\d+)\s+(?:Group\s+(\d+)\s+)?Pid\s+\d+ on\s+(\S+)\s+device/.exec(text);
    const outOfBounds = /^# Out of bounds values\s*:\s*(\d+)/.exec(text)?.[1];
    if (name !== undefined) {
      program = collectiveNamed(name, place);
    } else if (/^# nThread \d/.test(text)) {
      if (run !== undefined && run.rows === 0) {
        throw new UserError(
          `a second output begins before the one of line ${run.place.line} has a row; ` +
            'build nccl-tests with MPI=1, or keep one output a file',
          place,
        );
      }
      runs.push(new NcclTestsRun(place, kindOf(program, collective, place)));
      program = undefined;
    } else if (device !== null) {
      runOf(run, place).addRank(Number(device[1]), Number(device[2] ?? 0), device[3]!, place);
    } else if (/^#\s+size\s+count\s/.test(text)) {
      runOf(run, place).columns = columnsOf(text, place);
    } else if (outOfBounds !== undefined) {
      runOf(run, place).end(Number(outOfBounds), place);
    } else if (/^\s*\d+\s/.test(text)) {
      const { columns } = runOf(run, place);
      if (columns === null) {
        throw new UserError('a row before the header "# size count type ..."; keep all of the output', place);
      }
      run!.addRow(readRow(text, columns, place), place);
    } else if (text.trim() !== '' && !text.startsWith('#')) {
      stray.push(place.line);
    }
  }
  if (runs.length === 0) {
    throw new UserError('has no line "# nThread ..."; expected the whole output of a program of nccl-tests', {
      file,
    });
  }
  const notes = runs.flatMap((run) => run.notes());
  if (stray.length > 0) {
    notes.push(
      `${file}:${stray[0]}: ${stray.length} lines that are none of nccl-tests, the first here; left out`,
    );
  }
  return { readings: runs.flatMap((run) => run.readings), notes };
}

function runOf(run: NcclTestsRun | undefined, place: { file: string; line: number }): NcclTestsRun {
  if (run !== undefined) return run;
  throw new UserError('stands before the line "# nThread ..."; keep all of the output', place);
}

function collectiveNamed(name: string, place: { file: string; line: number }): CollectiveKind {
  const [, stem = ''] = /([a-z_]+)_perf/.exec(name) ?? [];
  if (Object.hasOwn(PROGRAMS, stem)) return PROGRAMS[stem]!;
  const known = Object.keys(PROGRAMS).map((program) => `${program}_perf`);
  throw new UserError(`program ${shown(name)}: expected one of ${known.join(', ')}`, place);
}

function kindOf(
  named: CollectiveKind | undefined,
  given: CollectiveKind | undefined,
  place: { file: string; line: number },
): CollectiveKind {
  if (named !== undefined && given !== undefined && named !== given) {
    throw new UserError(`the output is of an ${named}, not of an ${given} as asked for`, place);
  }
  const kind = named ?? given;
  if (kind !== undefined) return kind;
  throw new UserError(
    'the output does not name its program; say whether it is an all-to-all, all-gather or all-reduce',
    place,
  );
}
