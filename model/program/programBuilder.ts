import type { Op, StepProgram, StreamKind, Wait } from './stepProgram.ts';

type Distribute<T> = T extends Op ? Omit<T, 'id' | 'waits'> : never;
/** An operation before it has a number; `waits` may be filled in later, while the step is being built. */
export type OpDraft = Distribute<Op>;

type WaitingOp = Op & { waits: Wait[] };

interface Stream {
  rank: number;
  kind: StreamKind;
  ops: number[];
}

/** Collects a step's operations: numbers them, keeps each stream's order, adds waits. */
export class ProgramBuilder {
  readonly #ops: WaitingOp[] = [];
  /** By rank, then by kind. */
  readonly #streams: Partial<Record<StreamKind, Stream>>[] = [];
  /** The stream that was added to last: operations come in runs. */
  #last: Stream | undefined;

  /** The number of the operation that is added next. */
  get next(): number {
    return this.#ops.length;
  }

  /** Appends an operation to its stream and returns its id. Waits on undefined are left out. */
  add(draft: OpDraft, waits: readonly (number | undefined)[] = []): number {
    // Plans are lowered by the thousand, so the draft becomes the operation instead of being copied into one.
    const op = draft as unknown as WaitingOp & { id: number };
    op.id = this.next;
    op.waits = [];
    for (const wait of waits) if (wait !== undefined) op.waits.push({ op: wait, stepsAgo: 0 });
    this.append(op);
    return op.id;
  }

  /** Appends an operation that has its waits, and as its number the next one: without them it would have to grow. */
  append(op: WaitingOp): void {
    this.#ops.push(op);
    if (this.#last?.rank !== op.rank || this.#last.kind !== op.stream) this.#last = this.#streamOf(op);
    this.#last.ops.push(op.id);
  }

  #streamOf({ rank, stream }: Op): Stream {
    this.#streams[rank] ??= {};
    const known = this.#streams[rank]![stream];
    if (known !== undefined) return known;
    const added: Stream = { rank, kind: stream, ops: [] };
    this.#streams[rank]![stream] = added;
    return added;
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
