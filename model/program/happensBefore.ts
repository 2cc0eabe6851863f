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
 * Vector clocks: for every operation the latest operation of each stream that is certainly done when it
 * starts. Edges are stream order, waits, and a collective's rendezvous: no rank's part starts before every
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
  const groups = new Map<number, number[]>();
  for (const op of ops) {
    if (op.kind !== 'collective') continue;
    const group = groups.get(op.group);
    if (group === undefined) groups.set(op.group, [op.id]);
    else group.push(op.id);
  }
  const width = streams.length;
  const count = ops.length * STEPS;
  const clocks = new Int32Array(count * width);
  const placeIn = (instance: number) =>
    Math.floor(instance / ops.length) * streams[streamOf[instance % ops.length]!]!.ops.length +
    placeOf[instance % ops.length]!;

  /** Instances that must be done before this one starts; a collective's members share each other's. */
  const ownPredecessors = (instance: number): number[] => {
    const step = Math.floor(instance / ops.length);
    const op = ops[instance % ops.length]!;
    const stream = streams[streamOf[op.id]!]!.ops;
    const place = placeOf[op.id]!;
    const found: number[] = [];
    if (place > 0) found.push(step * ops.length + stream[place - 1]!);
    else if (step > 0) found.push((step - 1) * ops.length + stream.at(-1)!);
    for (const wait of op.waits) {
      if (step - wait.stepsAgo >= 0) found.push((step - wait.stepsAgo) * ops.length + wait.op);
    }
    return found;
  };
  const predecessors = (instance: number): number[] => {
    const op = ops[instance % ops.length]!;
    if (op.kind !== 'collective') return ownPredecessors(instance);
    const base = instance - op.id;
    return groups.get(op.group)!.flatMap((member) => ownPredecessors(base + member));
  };

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
      const needed = predecessors(instance);
      if (state[instance] === 0) {
        state[instance] = 1;
        const open = needed.filter((other) => state[other] !== 2);
        const loop = open.find((other) => state[other] === 1);
        if (loop !== undefined)
          return { cycle: [instance, loop, ...stack].map((other) => other % ops.length) };
        if (open.length > 0) {
          stack.push(...open);
          continue;
        }
      }
      for (const other of needed) {
        for (let stream = 0; stream < width; stream += 1) {
          const seen = clocks[other * width + stream]!;
          if (seen > clocks[instance * width + stream]!) clocks[instance * width + stream] = seen;
        }
        // Clocks hold place + 1, so that 0 means none.
        const own = other * width;
        const stream = streamOf[other % ops.length]!;
        clocks[instance * width + stream] = Math.max(
          clocks[instance * width + stream]!,
          placeIn(other) + 1,
          clocks[own + stream]!,
        );
      }
      state[instance] = 2;
      stack.pop();
    }
  }
  return {
    before: (earlier, later) => {
      const from = earlier.step * ops.length + earlier.op;
      const to = later.step * ops.length + later.op;
      return clocks[to * width + streamOf[earlier.op]!]! > placeIn(from);
    },
  };
}
