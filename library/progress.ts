/** What hears of work as it goes on. */
export interface Progress {
  /** Counts one more piece of work as done; `name` is what comes next. */
  advance(name?: string): void;
  /** Nothing is left. */
  end(): void;
}

/** Called with the pieces of work that there are, before the first. */
export type Watch = (total: number) => Progress;

/** For callers to whom nothing need be said. */
export const UNWATCHED: Watch = () => ({ advance() {}, end() {} });
