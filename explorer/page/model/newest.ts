/** An answer, or what went wrong, with the question that it is of. */
export type Outcome<Question, Reply> = { of: Question; reply: Reply } | { of: Question; error: Error };

/**
 * Asks one question at a time; of those that come meanwhile only the newest is asked next. A drag sends one at each frame, and each that
 * is not the newest would only keep that one waiting.
 */
export class Newest<Question, Reply> {
  readonly #ask: (question: Question) => Promise<Reply>;
  readonly #hear: (outcome: Outcome<Question, Reply>) => void;
  #isBusy = false;
  #next: { question: Question } | null = null;

  /** @param hear gets every outcome, in the order of the questions; that of a question which is no longer the newest too. */
  constructor(
    ask: (question: Question) => Promise<Reply>,
    hear: (outcome: Outcome<Question, Reply>) => void,
  ) {
    this.#ask = ask;
    this.#hear = hear;
  }

  want(question: Question): void {
    if (this.#isBusy) this.#next = { question };
    else void this.#send(question);
  }

  /** Forgets what was not asked yet. */
  drop(): void {
    this.#next = null;
  }

  async #send(question: Question): Promise<void> {
    this.#isBusy = true;
    this.#hear(await this.#outcomeOf(question));
    this.#isBusy = false;
    const next = this.#next;
    this.#next = null;
    if (next !== null) void this.#send(next.question);
  }

  async #outcomeOf(of: Question): Promise<Outcome<Question, Reply>> {
    try {
      return { of, reply: await this.#ask(of) };
    } catch (error) {
      return { of, error: error instanceof Error ? error : new Error(String(error)) };
    }
  }
}
