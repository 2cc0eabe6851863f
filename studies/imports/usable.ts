import { UserError } from '../../model/input/userError.ts';

/** Faults of one kind of file that are named one by one. */
const MOST_NAMED = 10;

/** Takes what is usable of a file and keeps the faults of the rest, each one line with its place. */
export class Usable {
  readonly #faults: string[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** What a part of the file gives; undefined, with the fault kept, where it cannot be used. */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#faults.push(error.message);
      return undefined;
    }
  }

  /** The faults as notes. */
  notes(): string[] {
    const named = this.#faults.slice(0, MOST_NAMED).map((fault) => `${fault}; left out`);
    const rest = this.#faults.length - MOST_NAMED;
    return rest > 0 ? [...named, `${this.#file}: ${rest} more parts could not be used; left out`] : named;
  }

  /** @throws UserError, the first fault, where nothing could be used and there is one. */
  refuseIfNone(readings: readonly unknown[]): void {
    if (readings.length === 0 && this.#faults.length > 0) throw new UserError(this.#faults[0]!);
  }
}
