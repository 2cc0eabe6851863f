import type { CollectiveKind } from '../../model/dit/kinds.ts';
import { UserError } from '../../model/input/userError.ts';
import type { CollectiveReading } from './importedReading.ts';
import { checkBusBandwidth } from './ncclTestsBandwidth.ts';
import type { NcclTestsRow, NcclTestsTime } from './ncclTestsTable.ts';
import type { Usable } from './usable.ts';

interface PlaceOfLine {
  file: string;
  line: number;
}

/** One run of a program of nccl-tests, filled line by line. */
export class NcclTestsRun {
  /** Names of the table's columns; null before its header. */
  columns: string[] | null = null;
  /** Rows so far, usable or not. */
  rows = 0;
  readonly place: PlaceOfLine;
  readonly #collective: CollectiveKind | null;
  readonly #usable: Usable;
  readonly #readings: CollectiveReading[] = [];
  readonly #groupOfRank = new Map<number, number>();
  readonly #hosts = new Set<string>();
  readonly #noted = new Map<string, { first: PlaceOfLine; count: number }>();
  #isUsable: boolean;
  #isComplete = false;
  #wrongRows = 0;

  /**
   * @param collective null where the run is of none that is known, whose rows are passed over.
   * @param usable keeps the faults of rows, and of the run.
   */
  constructor(place: PlaceOfLine, collective: CollectiveKind | null, usable: Usable) {
    this.place = place;
    this.#collective = collective;
    this.#usable = usable;
    this.#isUsable = collective !== null;
  }

  /** Readings of the rows that can be used. */
  get readings(): readonly CollectiveReading[] {
    return this.#isUsable ? this.#readings : [];
  }

  /** Whether its last line was read. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get hasRanks(): boolean {
    return this.#groupOfRank.size > 0;
  }

  /** Reads a part without which no row can be used. */
  need<T>(read: () => T): T | undefined {
    if (!this.#isUsable) return undefined;
    const result = this.#usable.attempt(read);
    if (result === undefined) this.#isUsable = false;
    return result;
  }

  addRank(rank: number, group: number, host: string, place: PlaceOfLine): void {
    this.need(() => {
      if (this.#groupOfRank.has(rank)) {
        throw new UserError(
          `rank ${rank} is listed twice: programs ran beside each other unaware; build nccl-tests with MPI=1`,
          place,
        );
      }
      this.#groupOfRank.set(rank, group);
      this.#hosts.add(host);
      return rank;
    });
  }

  /** Adds the times of a row, read where the run can be used at all. */
  addRow(read: () => NcclTestsRow, place: PlaceOfLine): void {
    this.rows++;
    const collective = this.#collective;
    if (!this.#isUsable || collective === null) return;
    const ranks = this.need(() => this.#ranks(place));
    if (ranks === undefined) return;
    const row = this.#usable.attempt(read);
    if (row === undefined) return;
    // Parts of an odd all-reduce are not whole bytes; a reading counts whole ones.
    const sentBytes = Math.round(sentBytesOf(collective, row.sizeBytes, ranks));
    if (sentBytes === 0) {
      this.#note('rows of size 0; left out', place);
      return;
    }
    const add = (buffers: CollectiveReading['buffers'], time: NcclTestsTime | null) => {
      if (time === null) return;
      if (time.wrong !== null && time.wrong > 0) this.#wrongRows++;
      this.#usable.attempt(() => {
        checkTime(buffers, time, place);
        checkBusBandwidth({ collective, ranks, sentBytes }, time, place);
        this.#readings.push({
          ...{ source: `${place.file}:${place.line}`, kind: 'collective', collective, ranks, sentBytes },
          ...{ seconds: time.timeUs / 1e6, buffers },
        });
      });
    };
    add('out-of-place', row.outOfPlace);
    if (row.outOfPlace?.wrong === null) this.#note('rows whose results were not checked', place);
    if (collective === 'all-to-all') {
      // NCCL sends what it has overwritten: nccl-tests runs it and never checks it.
      this.#note('in-place times of all-to-all, which is not defined in place; left out', place);
    } else {
      add('in-place', row.inPlace);
    }
  }

  /** The line `# Out of bounds values : n`. Wrong elements of rows that name them are no fault of the others. */
  end(outOfBounds: number, place: PlaceOfLine): void {
    this.#isComplete = true;
    if (outOfBounds === 0 || this.#wrongRows > 0) return;
    this.need(() => {
      throw new UserError(
        `${outOfBounds} values are out of bounds and no row says which: the results are wrong, and their times say nothing`,
        place,
      );
    });
  }

  /** What was left out or is doubtful, with its place. */
  notes(): string[] {
    if (!this.#isUsable) return [];
    const { file, line } = this.place;
    const notes = [...this.#noted].map(
      ([what, { first, count }]) => `${file}:${first.line}: ${count} ${what}, the first here`,
    );
    const groups = new Set(this.#groupOfRank.values()).size;
    if (groups > 1) notes.push(`${file}:${line}: ${groups} groups of ranks ran at once and share links`);
    if (this.#hosts.size > 1) notes.push(`${file}:${line}: the ranks are on ${this.#hosts.size} hosts`);
    if (this.rows === 0) notes.push(`${file}:${line}: the run has no rows`);
    if (!this.#isComplete) {
      notes.push(`${file}:${line}: the run has no line "# Out of bounds values"; it ended early`);
    }
    return notes;
  }

  #note(what: string, place: PlaceOfLine): void {
    const noted = this.#noted.get(what);
    if (noted === undefined) this.#noted.set(what, { first: place, count: 1 });
    else noted.count++;
  }

  /** Ranks of a group; every group has as many. */
  #ranks(place: PlaceOfLine): number {
    const sizes = new Map<number, number>();
    for (const group of this.#groupOfRank.values()) sizes.set(group, (sizes.get(group) ?? 0) + 1);
    const [size = 0, ...others] = new Set(sizes.values());
    if (others.length > 0) {
      throw new UserError(
        `the groups have ${[...sizes.values()].join(' and ')} ranks, expected equal ones`,
        place,
      );
    }
    if (size >= 2) return size;
    throw new UserError(
      `a row of a run with ${size} ranks ("# Rank ..." lines above it), expected at least 2; ` +
        'keep all of the output, of a run on several GPUs',
      place,
    );
  }
}

function checkTime(buffers: string, { wrong, timeUs }: NcclTestsTime, place: PlaceOfLine): void {
  if (wrong !== null && wrong > 0)
    throw new UserError(
      `#wrong: ${wrong} elements of the ${buffers} call are wrong; its time says nothing`,
      place,
    );
  if (timeUs === 0)
    throw new UserError(`time: expected more than 0 us for the ${buffers} call; run the size again`, place);
}

/**
 * Bytes that one rank sends to all its peers together, of a row's size and P ranks. The size is a rank's
 * whole buffer, of an all-gather the one that it receives:
 *
 *   all-to-all  size (P - 1) / P       all-gather  size / P (P - 1)       all-reduce  2 size (P - 1) / P
 *
 * @example sentBytesOf('all-reduce', 1024, 4) // 1536
 */
export function sentBytesOf(collective: CollectiveKind, sizeBytes: number, ranks: number): number {
  const rounds = collective === 'all-reduce' ? 2 : 1;
  return (rounds * sizeBytes * (ranks - 1)) / ranks;
}
