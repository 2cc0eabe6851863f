import type { CollectiveKind } from '../../model/dit/kinds.ts';
import { UserError } from '../../model/input/userError.ts';
import type { CollectiveReading, ImportedReadings } from './importedReading.ts';
import { collectiveOf } from './ncclTestsProgram.ts';
import { NcclTestsRun } from './ncclTestsRun.ts';
import { columnsOf, readRow } from './ncclTestsTable.ts';
import type { ImportedText } from './text/importedText.ts';
import { Usable } from './usable.ts';

/** Lines behind the `#` that say nothing of a time. */
const KNOWN_LINE =
  /^\s*(Using devices|out-of-place|\(B\)|Avg bus bandwidth|nccl-tests version|Collective test concluded|GPU memory usage)/;

/** Whether a text has the output of a program of nccl-tests. */
export function isNcclTestsText({ text }: ImportedText): boolean {
  return /^[ \t]*#?[ \t]*(nThread \d|Collective test starting:)/m.test(text);
}

/**
 * Collectives from what nccl-tests' `alltoall_perf`, `all_gather_perf` and `all_reduce_perf` print; several outputs may follow each
 * other in one file, and the `#` before lines may be lost. Before version 2.16 or so the output does not name its program: say it in
 * `collective`.
 *
 * Rows and runs that cannot be used are notes with their places: rows that do not fit their header, wrong results, other programs.
 *
 * @throws UserError, the first of these, where nothing can be used.
 */
export function ncclTestsReadings(
  { file, lines }: ImportedText,
  collective?: CollectiveKind,
): ImportedReadings<CollectiveReading> {
  const usable = new Usable(file);
  const runs: NcclTestsRun[] = [];
  const devices = new Set<string>();
  const stray: number[] = [];
  let program: Program | undefined;
  let isOrphanNamed = false;
  /** The run that a line belongs to; the first line without one is a fault. */
  const runAt = (place: { file: string; line: number }): NcclTestsRun | undefined => {
    const run = runs.at(-1);
    if (run !== undefined || isOrphanNamed) return run;
    isOrphanNamed = true;
    usable.attempt(() => {
      throw new UserError('stands before the line "# nThread ..."; keep all of the output', place);
    });
    return undefined;
  };
  for (const [index, text] of lines.entries()) {
    const place = { file, line: index + 1 };
    const bare = text.replace(/^\s*#/, '');
    const run = runs.at(-1);
    const name = /^\s*Collective test starting: (\S+)/.exec(bare)?.[1];
    const device =
      /^\s*Rank\s+(\d+)\s+(?:Group\s+(\d+)\s+)?Pid\s+\d+ on\s+(\S+)\s+device\s+\d+ \[[^\]]*\]\s*(.*?)\s*$/.exec(
        bare,
      );
    const outOfBounds = /^\s*Out of bounds values\s*:\s*(\d+)/.exec(bare)?.[1];
    if (name !== undefined) {
      program = { name, place };
    } else if (/^\s*nThread \d/.test(bare)) {
      runs.push(newRun(run, { program, collective, place, usable }));
      program = undefined;
    } else if (device !== null) {
      runAt(place)?.addRank(Number(device[1]), Number(device[2] ?? 0), device[3]!, place);
      if (device[4] !== '') devices.add(device[4]!);
    } else if (/^\s*size\s+count\s/.test(bare)) {
      const of = runAt(place);
      if (of !== undefined) of.columns = of.need(() => columnsOf(bare, place)) ?? null;
    } else if (outOfBounds !== undefined) {
      runAt(place)?.end(Number(outOfBounds), place);
    } else if (/^\s*\d+\s/.test(text) && run?.isComplete !== true) {
      runAt(place)?.addRow(() => readRow(text, columnsAt(run!, place), place), place);
    } else if (text.trim() !== '' && !text.trimStart().startsWith('#') && !KNOWN_LINE.test(text)) {
      stray.push(place.line);
    }
  }
  const readings = runs.flatMap((run) => run.readings);
  usable.refuseIfNone(readings);
  if (runs.length === 0) {
    throw new UserError('has no line "# nThread ..."; expected the whole output of a program of nccl-tests', {
      file,
    });
  }
  const notes = [...runs.flatMap((run) => run.notes()), ...usable.notes()];
  if (stray.length > 0) {
    notes.push(
      `${file}:${stray[0]}: ${stray.length} lines that are none of nccl-tests, the first here; left out`,
    );
  }
  return { readings, devices: [...devices], notes };
}

/** The line that names a program. */
interface Program {
  name: string;
  place: { file: string; line: number };
}

interface RunStart {
  program: Program | undefined;
  collective: CollectiveKind | undefined;
  place: { file: string; line: number };
  usable: Usable;
}

/** A run that begins behind another. Two of which neither has listed its ranks print into each other. */
function newRun(
  before: NcclTestsRun | undefined,
  { program, collective, place, usable }: RunStart,
): NcclTestsRun {
  const kind = usable.attempt(() => {
    if (before !== undefined && before.rows === 0 && !before.hasRanks)
      throw new UserError(
        `a second output begins before the one of line ${before.place.line} has a row; ` +
          'build nccl-tests with MPI=1, or keep one output a file',
        place,
      );
    return collectiveOf(program?.name, collective, program?.place ?? place);
  });
  return new NcclTestsRun(place, kind ?? null, usable);
}

function columnsAt({ columns }: NcclTestsRun, place: { file: string; line: number }): string[] {
  if (columns !== null) return columns;
  throw new UserError('a row before the header "# size count type ..."; keep all of the output', place);
}
