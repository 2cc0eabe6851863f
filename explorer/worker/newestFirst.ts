import { UserError } from '../../model/input/userError.ts';
import { type Answered, type Ask, type Asked, type Replies, SUPERSEDED } from '../protocol.ts';

const MAY_BE_STALE: ReadonlySet<string> = new Set(SUPERSEDED);

/**
 * Takes asks as they come and answers them one after another, of each kind that a drag sends only the newest of those that wait.
 */
export class NewestFirst {
  readonly #answer: (ask: Ask) => Promise<Replies[Ask['kind']]>;
  readonly #post: (answered: Answered) => void;
  #waiting: Asked[] = [];
  #isBusy = false;

  constructor(answer: (ask: Ask) => Promise<Replies[Ask['kind']]>, post: (answered: Answered) => void) {
    this.#answer = answer;
    this.#post = post;
  }

  hear(asked: Asked): void {
    const { kind } = asked.ask;
    if (MAY_BE_STALE.has(kind)) {
      for (const { id, ask } of this.#waiting) if (ask.kind === kind) this.#post({ id, stale: true });
      this.#waiting = this.#waiting.filter(({ ask }) => ask.kind !== kind);
    }
    this.#waiting.push(asked);
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    // What was posted meanwhile is heard before the next answer is begun.
    for (await turn(); this.#waiting.length > 0; await turn()) {
      const { id, ask } = this.#waiting.shift()!;
      this.#post(await this.#answered(id, ask));
    }
    this.#isBusy = false;
  }

  async #answered(id: number, ask: Ask): Promise<Answered> {
    try {
      return { id, reply: await this.#answer(ask) };
    } catch (error) {
      if (error instanceof UserError) return { id, mistake: oneLine(error.message) };
      return { id, bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  }
}

/** Lets messages in that came while an answer was computed. A timer would wait some milliseconds where it follows another. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    // Of a browser's port and of Node's, whose types differ.
    const port: { onmessage?: () => void; close(): void } = channel.port1;
    port.onmessage = () => {
      port.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}

function oneLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join(' ');
}
