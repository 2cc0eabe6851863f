import type { Op, StepProgram, StreamKind, Wait } from './stepProgram.ts';

type Distribute<T> = T extends Op ? Omit<T, 'id' | 'waits'> : never;
/** An operation before it has a number; `waits` may be filled in later, while the step is being built. */
export type OpDraft = Distribute<Op>;

/** Collects a step's operations: numbers them, keeps each stream's order, adds waits. */
export class ProgramBuilder {
  readonly #ops: (Op & { waits: Wait[] })[] = [];
  /** By rank, then by kind. */
  readonly #streams: Partial<Record<StreamKind, { rank: number; kind: StreamKind; ops: number[] }>>[] = [];

  /** Appends an operation to its stream and returns its id. Waits on undefined are left out. */
  add(draft: OpDraft, waits: readonly (number | undefined)[] = []): number {
    const id = this.#ops.length;
    // Plans are lowered by the thousand, so the draft becomes the operation instead of being copied into one.
    const op = draft as unknown as Op & { id: number; waits: Wait[] };
    op.id = id;
    op.waits = [];
    for (const wait of waits) if (wait !== undefined) op.waits.push({ op: wait, stepsAgo: 0 });
    this.#ops.push(op);
    this.#streams[op.rank] ??= {};
    const streams = this.#streams[op.rank]!;
    const stream = streams[op.stream];
    if (stream === undefined) streams[op.stream] = { rank: op.rank, kind: op.stream, ops: [id] };
    else stream.ops.push(id);
    return id;
  }

  /** Makes `id` wait for `op` of this step or, with stepsAgo 1, of the step before. */
  wait(id: number, op: number, stepsAgo: 0 | 1 = 0): void {
    this.#ops[id]!.waits.push({ op, stepsAgo });
  }

  /** The last operation of a stream so far. */
  last(rank: number, kind: StreamKind): number | undefined {
    return this.#streams[rank]?.[kind]?.ops.at(-1);
  }

  get ops(): readonly Op[] {
    return this.#ops;
  }

  finish(rest: Omit<StepProgram, 'ops' | 'streams'>): StepProgram {
    return { ...rest, ops: this.#ops, streams: this.#streams.flatMap((streams) => Object.values(streams)) };
  }
}
