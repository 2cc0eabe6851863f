import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type StopSignal = (typeof SIGNALS)[number];

/** How long a program may take to end by itself, ms; a second signal shortens it. */
const GRACE_MS = 10_000;

/** Work that a signal has stopped, after the programs that it ran had ended. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
  /** As shells have it: 128 and the signal's number. */
  readonly exitCode: number;

  constructor(signal: StopSignal, ended: number) {
    const programs = ended === 0 ? 'nothing was running' : 'the running program was ended';
    super(`stopped by ${signal}; ${programs}, and what was done stays: start again to go on`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** What runs now, and the signal that is to end it. */
class Stoppable {
  readonly #running = new Set<ChildProcess>();
  readonly #releases = new Set<() => void>();
  readonly #onNote: (text: string) => void;
  #stopped: { signal: StopSignal; ended: number } | null = null;

  constructor(onNote: (text: string) => void) {
    this.#onNote = onNote;
  }

  error(): StoppedError | null {
    return this.#stopped === null ? null : new StoppedError(this.#stopped.signal, this.#stopped.ended);
  }

  add(child: ChildProcess): void {
    this.#running.add(child);
    child.on('close', () => this.#running.delete(child));
    child.on('error', () => this.#running.delete(child));
  }

  onStop(release: () => void): () => void {
    this.#releases.add(release);
    return () => this.#releases.delete(release);
  }

  stop(signal: StopSignal): void {
    if (this.#stopped !== null) {
      this.#end('SIGKILL');
      return;
    }
    this.#stopped = { signal, ended: this.#running.size };
    if (this.#running.size > 0) {
      this.#end('SIGTERM');
      setTimeout(() => this.#end('SIGKILL'), GRACE_MS).unref();
      return;
    }
    // What runs in this process, such as a program's library, cannot be asked to end.
    const error = this.error()!;
    for (const release of this.#releases) release();
    this.#onNote(error.message);
    process.exit(error.exitCode);
  }

  #end(signal: 'SIGTERM' | 'SIGKILL'): void {
    for (const { pid } of this.#running) {
      if (pid === undefined) continue;
      try {
        process.kill(-pid, signal);
      } catch {
        // It has ended in between.
      }
    }
  }
}

let current: Stoppable | null = null;

/**
 * Does work that runs programs of its own so that SIGINT, SIGTERM and SIGHUP end those first, each with its whole process
 * group; the work then throws a StoppedError. Inside other such work it is part of that.
 *
 * @param onNote what there is to say where the process must end at once.
 */
export async function stoppable<T>(onNote: (text: string) => void, work: () => Promise<T>): Promise<T> {
  if (current !== null) return work();
  const own = new Stoppable(onNote);
  current = own;
  const handlers = SIGNALS.map((signal) => ({ signal, stop: () => own.stop(signal) }));
  for (const { signal, stop } of handlers) process.on(signal, stop);
  try {
    return await work();
  } finally {
    for (const { signal, stop } of handlers) process.off(signal, stop);
    current = null;
  }
}

/**
 * Starts a program, in stoppable work as a process group of its own.
 *
 * @throws StoppedError where the work has been stopped.
 */
export function start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const error = stopped();
  if (error !== null) throw error;
  const child = spawn(command, args, { ...options, detached: current !== null });
  current?.add(child);
  return child;
}

/** Why the current work must not go on; null where nothing has stopped it. */
export function stopped(): StoppedError | null {
  return current?.error() ?? null;
}

/** Has something released where the process must end at once; returns what takes that back. */
export function onStop(release: () => void): () => void {
  return current?.onStop(release) ?? (() => undefined);
}
