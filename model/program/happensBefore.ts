import type { StepProgram } from './stepProgram.ts';

/** An operation in one of the steps looked at, counted from 0. */
export interface Instance {
  op: number;
  step: number;
}

/** Steps that are unrolled: enough for a wait into the step before, of a copy that feeds the step after. */
const STEPS = 3;

/**
 * Which operation must be done before which other may start, over three steps of the repeated program.
 *
 * Vector clocks: for every operation the latest operation of each other stream that is certainly done when it
 * starts; one that waits for nothing beside its stream has the clock of the operation before it. Edges are stream order, waits, and a collective's rendezvous: no rank's part starts before every
 * rank has arrived. Returns the operations of a cycle instead, if there is one.
 */
export function happensBefore(
  program: StepProgram,
): { before: (earlier: Instance, later: Instance) => boolean } | { cycle: readonly number[] } {
  const { ops, streams } = program;
  const streamOf = new Int32Array(ops.length);
  const placeOf = new Int32Array(ops.length);
  streams.forEach((stream, index) => {
    stream.ops.forEach((op, place) => {
      streamOf[op] = index;
      placeOf[op] = place;
    });
  });
  const width = streams.length;
  const count = ops.length * STEPS;
  const clocks = new ClockRows(width);
  /** Where the clock of an instance stands. */
  const rowOf = new Int32Array(count);
  const placeIn = (instance: number) =>
    Math.floor(instance / ops.length) * streams[streamOf[instance % ops.length]!]!.ops.length +
    placeOf[instance % ops.length]!;
  const needs = needsOf(program, streamOf, placeOf);
  /** Per list of needs and step: an instance whose clock is complete, which is that of all that need the same. */
  const complete = new Int32Array(needs.lists.length * STEPS).fill(-1);

  // Depth-first, with a stack of our own: programs are tens of thousands of operations deep.
  const state = new Uint8Array(count);
  for (let root = 0; root < count; root += 1) {
    if (state[root] === 2) continue;
    const stack = [root];
    while (stack.length > 0) {
      const instance = stack.at(-1)!;
      if (state[instance] === 2) {
        stack.pop();
        continue;
      }
      const step = Math.floor(instance / ops.length);
      const list = needs.listOf[instance - step * ops.length]!;
      const needed = needs.lists[list]!;
      if (state[instance] === 0) {
        state[instance] = 1;
        const open: number[] = [];
        for (const { op, stepsAgo } of needed) {
          const other = (step - stepsAgo) * ops.length + op;
          if (stepsAgo <= step && state[other] !== 2) open.push(other);
        }
        const loop = open.find((other) => state[other] === 1);
        if (loop !== undefined)
          return { cycle: [instance, loop, ...stack].map((other) => other % ops.length) };
        if (open.length > 0) {
          stack.push(...open);
          continue;
        }
      }
      const same = complete[list * STEPS + step]!;
      if (same >= 0) rowOf[instance] = rowOf[same]!;
      else {
        const [first] = needed;
        const before = (step - first!.stepsAgo) * ops.length + first!.op;
        // What waits for nothing but its stream knows what the operation before it knew, and that one, which is told by its place.
        if (needed.length === 1) rowOf[instance] = first!.stepsAgo <= step ? rowOf[before]! : clocks.none;
        else {
          const own = clocks.add();
          for (const { op, stepsAgo } of needed) {
            if (stepsAgo > step) continue;
            const other = (step - stepsAgo) * ops.length + op;
            clocks.raise(own, rowOf[other]!);
            // Clocks hold place + 1, so that 0 means none.
            clocks.raiseTo(own, streamOf[op]!, placeIn(other) + 1);
          }
          rowOf[instance] = own;
        }
        complete[list * STEPS + step] = instance;
      }
      state[instance] = 2;
      stack.pop();
    }
  }
  return {
    before: (earlier, later) => {
      const from = earlier.step * ops.length + earlier.op;
      const to = later.step * ops.length + later.op;
      const stream = streamOf[earlier.op]!;
      // Of its own stream a clock may be behind: there the order is that of places.
      if (stream === streamOf[later.op]!) return placeIn(from) < placeIn(to);
      return clocks.at(rowOf[to]!, stream) > placeIn(from);
    },
  };
}

/** Clocks, one after another in a memory that grows. */
class ClockRows {
  /** The clock of what nothing comes before. */
  readonly none = 0;
  readonly #width: number;
  #values: Int32Array;
  #rows = 1;

  constructor(width: number) {
    this.#width = width;
    this.#values = new Int32Array(1024 * width);
  }

  at(row: number, stream: number): number {
    return this.#values[row * this.#width + stream]!;
  }

  /** A new one, of zeros. */
  add(): number {
    if ((this.#rows + 1) * this.#width > this.#values.length) {
      const grown = new Int32Array(2 * this.#values.length);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#rows += 1;
    return this.#rows - 1;
  }

  /** Raises one clock to another where it is behind. */
  raise(row: number, other: number): void {
    const values = this.#values;
    const width = this.#width;
    const own = row * width;
    const from = other * width;
    for (let stream = 0; stream < width; stream += 1) {
      const seen = values[from + stream]!;
      if (seen > values[own + stream]!) values[own + stream] = seen;
    }
  }

  raiseTo(row: number, stream: number, place: number): void {
    const at = row * this.#width + stream;
    if (place > this.#values[at]!) this.#values[at] = place;
  }
}

/** An operation that must be done before another one starts, so many steps before that one's. */
interface Need {
  op: number;
  stepsAgo: number;
}

/** What each operation needs; a collective's members share what any of them needs, in one list. */
function needsOf(
  { ops, streams }: StepProgram,
  streamOf: Int32Array,
  placeOf: Int32Array,
): { listOf: Int32Array; lists: readonly Need[][] } {
  const listOf = new Int32Array(ops.length);
  const lists: Need[][] = [];
  const groups = new Map<number, number>();
  for (const op of ops) {
    const group = op.kind === 'collective' ? groups.get(op.group) : undefined;
    const list = group ?? lists.push([]) - 1;
    if (op.kind === 'collective') groups.set(op.group, list);
    listOf[op.id] = list;
    const stream = streams[streamOf[op.id]!]!.ops;
    const place = placeOf[op.id]!;
    lists[list]!.push(
      place > 0 ? { op: stream[place - 1]!, stepsAgo: 0 } : { op: stream.at(-1)!, stepsAgo: 1 },
      ...op.waits,
    );
  }
  return { listOf, lists };
}
