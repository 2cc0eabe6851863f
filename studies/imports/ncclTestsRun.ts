import type { CollectiveKind } from '../../model/dit/kinds.ts';
import { UserError } from '../../model/input/userError.ts';
import type { CollectiveReading } from './importedReading.ts';
import { checkBusBandwidth } from './ncclTestsBandwidth.ts';
import type { NcclTestsRow, NcclTestsTime } from './ncclTestsTable.ts';

interface PlaceOfLine {
  file: string;
  line: number;
}

/** One run of a program of nccl-tests, filled line by line. */
export class NcclTestsRun {
  readonly readings: CollectiveReading[] = [];
  /** Names of the table's columns; null before its header. */
  columns: string[] | null = null;
  /** Rows so far. */
  rows = 0;
  readonly place: PlaceOfLine;
  readonly #collective: CollectiveKind;
  readonly #groupOfRank = new Map<number, number>();
  readonly #hosts = new Set<string>();
  readonly #noted = new Map<string, { first: PlaceOfLine; count: number }>();
  #isComplete = false;

  constructor(place: PlaceOfLine, collective: CollectiveKind) {
    this.place = place;
    this.#collective = collective;
  }

  addRank(rank: number, group: number, host: string, place: PlaceOfLine): void {
    if (this.#groupOfRank.has(rank)) {
      throw new UserError(
        `rank ${rank} is listed twice: programs ran beside each other unaware; build nccl-tests with MPI=1`,
        place,
      );
    }
    this.#groupOfRank.set(rank, group);
    this.#hosts.add(host);
  }

  addRow({ sizeBytes, outOfPlace, inPlace }: NcclTestsRow, place: PlaceOfLine): void {
    this.rows++;
    const ranks = this.#ranks(place);
    // Parts of an odd all-reduce are not whole bytes; a reading counts whole ones.
    const sentBytes = Math.round(sentBytesOf(this.#collective, sizeBytes, ranks));
    if (sentBytes === 0) {
      this.#note('rows of size 0; left out', place);
      return;
    }
    const add = (buffers: CollectiveReading['buffers'], time: NcclTestsTime) => {
      if (time.wrong !== null && time.wrong > 0) {
        throw new UserError(
          `#wrong: ${time.wrong} elements of the ${buffers} call are wrong; its time says nothing`,
          place,
        );
      }
      if (time.timeUs === 0) {
        throw new UserError(
          `time: expected more than 0 us for the ${buffers} call; run the size again`,
          place,
        );
      }
      checkBusBandwidth({ collective: this.#collective, ranks, sentBytes }, time, place);
      const source = `${place.file}:${place.line}`;
      const { timeUs } = time;
      this.readings.push({
        ...{ source, kind: 'collective', collective: this.#collective, ranks, sentBytes },
        ...{ seconds: timeUs / 1e6, buffers },
      });
    };
    add('out-of-place', outOfPlace);
    if (outOfPlace.wrong === null) this.#note('rows whose results were not checked', place);
    if (this.#collective === 'all-to-all') {
      // NCCL sends what it has overwritten: nccl-tests runs it and never checks it.
      this.#note('in-place times of all-to-all, which is not defined in place; left out', place);
    } else {
      add('in-place', inPlace);
    }
  }

  /** The line `# Out of bounds values : n`. */
  end(outOfBounds: number, place: PlaceOfLine): void {
    if (outOfBounds > 0) {
      throw new UserError(
        `${outOfBounds} values are out of bounds: the results are wrong, and their times say nothing`,
        place,
      );
    }
    this.#isComplete = true;
  }

  /** What was left out or is doubtful, with its place. */
  notes(): string[] {
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
