import { shown, UserError } from '../../model/input/userError.ts';

/** One half of a row: the call with buffers of its own for the result, or in place. */
export interface NcclTestsTime {
  timeUs: number;
  /** The column busbw. */
  busBytesPerS: number;
  /** Elements that came out wrong; null where the run did not check them. */
  wrong: number | null;
}

/** A row of the table that nccl-tests prints. */
export interface NcclTestsRow {
  /** The whole of the larger buffer of a rank, bytes. */
  sizeBytes: number;
  /** Null where the program did not run it. */
  outOfPlace: NcclTestsTime | null;
  inPlace: NcclTestsTime | null;
}

interface PlaceOfLine {
  file: string;
  line: number;
}

/**
 * Names of the columns from the header line, `# size count type redop root time algbw busbw #wrong time ...`;
 * they differ between programs and versions.
 *
 * @throws UserError if there are not two columns of times, or if they are of the CPU.
 */
export function columnsOf(text: string, place: PlaceOfLine): string[] {
  const columns = text.replace(/^\s*#/, '').trim().split(/\s+/);
  if (columns.includes('cputime')) {
    throw new UserError('column cputime: the times are of the CPU; run nccl-tests without -C', place);
  }
  const times = columns.filter((column) => column === 'time').length;
  if (times !== 2) {
    throw new UserError(`expected two columns "time", out of place and in place, got ${times}`, place);
  }
  const rates = columns.filter((column) => column === 'busbw').length;
  if (rates !== 2) throw new UserError(`expected two columns "busbw", got ${rates}`, place);
  return columns;
}

/**
 * A row by its header's columns.
 *
 * @throws UserError if the numbers of values and columns differ, or a value is no number.
 */
export function readRow(text: string, columns: readonly string[], place: PlaceOfLine): NcclTestsRow {
  const values = text.trim().split(/\s+/);
  // A time stamp is a date and a time of day.
  const expected = columns.length + (columns.includes('timestamp') ? 1 : 0);
  if (values.length !== expected) {
    throw new UserError(
      `expected ${expected} values for the header's columns, got ${values.length}: ` +
        `${shown(text.trim())}; the line is cut short or mixed with other output`,
      place,
    );
  }
  const numberAt = (index: number): number => {
    const value = Number(values[index]);
    if (Number.isFinite(value) && value >= 0) return value;
    throw new UserError(
      `column ${columns[index]}: expected a number, got ${shown(values[index])}; run the size again`,
      place,
    );
  };
  const half = (from: number): NcclTestsTime => {
    const time = columns.indexOf('time', from);
    const wrong = columns.indexOf('#wrong', time);
    const isChecked = wrong >= 0 && values[wrong] !== 'N/A';
    return {
      timeUs: numberAt(time),
      busBytesPerS: numberAt(columns.indexOf('busbw', time)) * 1e9,
      wrong: isChecked ? numberAt(wrong) : null,
    };
  };
  const outOfPlace = half(0);
  return {
    sizeBytes: numberAt(columns.indexOf('size')),
    outOfPlace,
    inPlace: half(columns.indexOf('time') + 1),
  };
}
