import type { Op, StepProgram, StreamKind, Wait } from './stepProgram.ts';

type Distribute<T> = T extends Op ? Omit<T, 'id' | 'waits'> : never;
/** An operation before it has a number; `waits` may be filled in later, while the step is being built. */
export type OpDraft = Distribute<Op>;

/** Collects a step's operations: numbers them, keeps each stream's order, adds waits. */
export class ProgramBuilder {
  readonly #ops: (Op & { waits: Wait[] })[] = [];
  readonly #streams = new Map<string, { rank: number; kind: StreamKind; ops: number[] }>();

  /** Appends an operation to its stream and returns its id. Waits on undefined are left out. */
  add(draft: OpDraft, waits: readonly (number | undefined)[] = []): number {
    const id = this.#ops.length;
    const op = { ...draft, id, waits: [] } as unknown as Op & { waits: Wait[] };
    this.#ops.push(op);
    const key = `${draft.rank} ${draft.stream}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = { rank: draft.rank, kind: draft.stream, ops: [] };
      this.#streams.set(key, stream);
    }
    stream.ops.push(id);
    for (const wait of waits) if (wait !== undefined) this.wait(id, wait);
    return id;
  }

  /** Makes `id` wait for `op` of this step or, with stepsAgo 1, of the step before. */
  wait(id: number, op: number, stepsAgo: 0 | 1 = 0): void {
    this.#ops[id]!.waits.push({ op, stepsAgo });
  }

  /** The last operation of a stream so far. */
  last(rank: number, kind: StreamKind): number | undefined {
    return this.#streams.get(`${rank} ${kind}`)?.ops.at(-1);
  }

  get ops(): readonly Op[] {
    return this.#ops;
  }

  finish(rest: Omit<StepProgram, 'ops' | 'streams'>): StepProgram {
    const streams = [...this.#streams.values()].sort((a, b) => a.rank - b.rank);
    return { ...rest, ops: this.#ops, streams };
  }
}
