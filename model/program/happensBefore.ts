import { ClockRows } from './clockRows.ts';
import { COLLECTIVE, type FlatProgram } from './flatProgram.ts';

/**
 * Whether an operation is certainly done when another one starts, each in one of the steps looked at, counted from 0 and below
 * `STEPS`.
 */
export type Before = (earlier: number, earlierStep: number, later: number, laterStep: number) => boolean;

/** Steps that may be looked at: enough for a wait into the step before, of a copy that feeds the step after. */
const STEPS = 3;

/** What the search has found of a joint: nothing, that others must be done first, all that is done when its operation starts. */
const UNSEEN = 0;
const OPEN = 1;
const KNOWN = 2;

/**
 * Which operation must be done before which other may start, over some steps of the repeated program.
 *
 * Vector clocks: for every operation the latest operation of each other stream that is certainly done when it starts. Edges are
 * stream order, waits, and a collective's rendezvous: no rank's part starts before every rank has arrived. One that waits for nothing
 * beside its stream has the clock of the operation before it, so that clocks are worked out at joints only: operations that wait, and
 * collectives. Returns the operations of a cycle instead, if there is one.
 *
 * A step is unrolled when it is first asked for. The first one shows every cycle: no operation waits for a later step, so that a
 * cycle lies within one step, and all steps are alike in what waits for the same step.
 */
export function happensBefore(program: FlatProgram): { before: Before } | { cycle: readonly number[] } {
  const order = new Order(program);
  const cycle = order.unroll();
  return cycle === null ? { before: order.before } : { cycle };
}

class Order {
  readonly #streamOf: Int32Array;
  readonly #placeOf: Int32Array;
  readonly #firstOp: Int32Array;
  readonly #joints: Joints;
  readonly #clocks: ClockRows;
  /** By step and joint: where its clock stands, and how much is known of it. */
  readonly #rowOf: Int32Array;
  readonly #state: Uint8Array;
  #steps = 0;

  constructor(program: FlatProgram) {
    const { streamOf, placeOf, firstOp, streamCount } = program;
    this.#streamOf = streamOf;
    this.#placeOf = placeOf;
    this.#firstOp = firstOp;
    this.#joints = jointsOf(program);
    const count = STEPS * this.#joints.count;
    this.#clocks = new ClockRows(streamCount, count);
    this.#rowOf = new Int32Array(count);
    this.#state = new Uint8Array(count);
  }

  readonly before: Before = (earlier, earlierStep, later, laterStep) => {
    while (this.#steps <= laterStep) this.unroll();
    const stream = this.#streamOf[earlier]!;
    const place = this.#placeIn(earlier, earlierStep);
    // Of its own stream a clock may be behind: there the order is that of places.
    if (stream === this.#streamOf[later]!) return place < this.#placeIn(later, laterStep);
    return this.#clocks.at(this.#rowAt(later, laterStep), stream) > place;
  };

  /** Looks at one step more. Returns the operations of a cycle if there is one. */
  unroll(): readonly number[] | null {
    const step = this.#steps++;
    const from = step * this.#joints.count;
    for (let joint = 0; joint < this.#joints.count; joint += 1) {
      if (this.#state[from + joint] === KNOWN) continue;
      // What is lowered in the order in which it runs needs no search.
      if (!this.#isOpen(joint, step)) this.#tell(joint, step);
      else {
        const cycle = this.#search(joint, step);
        if (cycle !== null) return cycle.map((one) => this.#joints.op[one]!);
      }
    }
    return null;
  }

  /** Depth-first, with a stack of its own: programs are tens of thousands of operations deep. Returns the joints of a cycle. */
  #search(root: number, step: number): readonly number[] | null {
    const { firstNeed, need, stepsAgo, jointOf } = this.#joints;
    const from = step * this.#joints.count;
    const stack = [root];
    while (stack.length > 0) {
      const joint = stack.at(-1)!;
      if (this.#state[from + joint] === UNSEEN) {
        this.#state[from + joint] = OPEN;
        // Steps before this one are known.
        const open: number[] = [];
        for (let at = firstNeed[joint]!; at < firstNeed[joint + 1]!; at += 1) {
          const other = jointOf[need[at]!]!;
          if (stepsAgo[at] === 0 && this.#state[from + other] !== KNOWN) open.push(other);
        }
        const loop = open.find((other) => this.#state[from + other] === OPEN);
        if (loop !== undefined) return [joint, loop, ...stack];
        stack.push(...open);
        if (open.length > 0) continue;
      }
      if (this.#state[from + joint] === OPEN) this.#tell(joint, step);
      stack.pop();
    }
    return null;
  }

  /** Whether something that a joint needs is not known yet. */
  #isOpen(joint: number, step: number): boolean {
    const { firstNeed, need, stepsAgo, jointOf, count } = this.#joints;
    const end = firstNeed[joint + 1]!;
    for (let at = firstNeed[joint]!; at < end; at += 1)
      if (stepsAgo[at] === 0 && this.#state[step * count + jointOf[need[at]!]!] !== KNOWN) return true;
    return false;
  }

  /** Works out the clock of a joint whose needs are all known. */
  #tell(joint: number, step: number): void {
    const { firstNeed, need, stepsAgo, op, count } = this.#joints;
    const clocks = this.#clocks;
    const row = clocks.add(this.#streamOf[op[joint]!]!, this.#placeIn(op[joint]!, step));
    const end = firstNeed[joint + 1]!;
    for (let at = firstNeed[joint]!; at < end; at += 1) {
      const otherStep = step - stepsAgo[at]!;
      if (otherStep < 0) continue;
      const other = need[at]!;
      clocks.raise(row, this.#rowAt(other, otherStep));
      // Clocks hold place + 1, so that 0 means none.
      clocks.raiseTo(row, this.#streamOf[other]!, this.#placeIn(other, otherStep) + 1);
    }
    this.#rowOf[step * count + joint] = row;
    this.#state[step * count + joint] = KNOWN;
  }

  #rowAt(op: number, step: number): number {
    return this.#rowOf[step * this.#joints.count + this.#joints.jointOf[op]!]!;
  }

  /** Place of an operation in its stream, counted through all steps. */
  #placeIn(op: number, step: number): number {
    const stream = this.#streamOf[op]!;
    return step * (this.#firstOp[stream + 1]! - this.#firstOp[stream]!) + this.#placeOf[op]!;
  }
}

/** Where streams join others: operations whose clock differs from that of the operation before them, and what they need. */
interface Joints {
  count: number;
  /** By joint: its operation; of a collective, which is one joint of all its ranks, the first of them. */
  op: number[];
  /** By operation: the joint that has its clock. */
  jointOf: Int32Array;
  /** Needs of joint j: from firstNeed[j] to firstNeed[j + 1], each an operation, and how many steps before it must be done. */
  firstNeed: Int32Array;
  need: Int32Array;
  stepsAgo: Uint8Array;
}

function jointsOf(flat: FlatProgram): Joints {
  const jointOf = new Int32Array(flat.kind.length);
  const joining: number[] = [];
  const op = addJoints(flat, jointOf, joining);
  return { count: op.length, op, jointOf, ...needsOf(flat, jointOf, joining, op.length) };
}

/** Numbers the joints. Returns their operations; `joining` gets all that are at a joint, a collective's other members as well. */
function addJoints(
  { kind, collectives, firstWait, ...flat }: FlatProgram,
  jointOf: Int32Array,
  joining: number[],
): number[] {
  const { streamOf, placeOf, streamOps, firstOp } = flat;
  const groupOf = new Map(collectives.map(({ id, group }) => [id, group]));
  const jointOfGroup = new Map<number, number>();
  const firsts: number[] = [];
  for (let id = 0; id < kind.length; id += 1) {
    if (firstWait[id + 1] === firstWait[id] && placeOf[id]! > 0 && kind[id] !== COLLECTIVE) {
      const before = streamOps[firstOp[streamOf[id]!]! + placeOf[id]! - 1]!;
      if (before < id) {
        jointOf[id] = jointOf[before]!;
        continue;
      }
    }
    const group = kind[id] === COLLECTIVE ? groupOf.get(id) : undefined;
    let joint = group === undefined ? undefined : jointOfGroup.get(group);
    if (joint === undefined) {
      joint = firsts.length;
      firsts.push(id);
    }
    if (group !== undefined) jointOfGroup.set(group, joint);
    jointOf[id] = joint;
    joining.push(id);
  }
  return firsts;
}

function needsOf(flat: FlatProgram, jointOf: Int32Array, joining: readonly number[], joints: number) {
  const { streamOf, placeOf, streamOps, firstOp, firstWait, waitOp, waitAgo } = flat;
  const firstNeed = new Int32Array(joints + 1);
  for (const id of joining) firstNeed[jointOf[id]! + 1]! += 1 + firstWait[id + 1]! - firstWait[id]!;
  for (let joint = 0; joint < joints; joint += 1) firstNeed[joint + 1]! += firstNeed[joint]!;
  const need = new Int32Array(firstNeed[joints]!);
  const stepsAgo = new Uint8Array(need.length);
  const next = firstNeed.slice(0, joints);
  for (const id of joining) {
    const joint = jointOf[id]!;
    const stream = streamOf[id]!;
    const place = placeOf[id]!;
    need[next[joint]!] = streamOps[place > 0 ? firstOp[stream]! + place - 1 : firstOp[stream + 1]! - 1]!;
    stepsAgo[next[joint]!++] = place > 0 ? 0 : 1;
    for (let wait = firstWait[id]!; wait < firstWait[id + 1]!; wait += 1) {
      need[next[joint]!] = waitOp[wait]!;
      stepsAgo[next[joint]!++] = waitAgo[wait]!;
    }
  }
  return { firstNeed, need, stepsAgo };
}
