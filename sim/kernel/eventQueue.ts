/**
 * Pending events of a discrete-event simulation, earliest first; events at the same time come out in the order in
 * which they went in.
 *
 * A binary heap held as structure of arrays: nothing is allocated per event. Times are in whatever unit the caller
 * uses; the payload is a 32-bit integer that the caller gives a meaning.
 *
 * @example
 * const queue = new EventQueue();
 * queue.push(2.5, 7);
 * queue.push(1, 3);
 * queue.pop(); // 3
 * queue.poppedTime; // 1
 */
export class EventQueue {
  /** Number of pending events. */
  size = 0;
  /** Time of the event that `pop` returned last; NaN before the first. */
  poppedTime = Number.NaN;

  // Heap order: position -> time and position -> slot. Positions from `size` on hold the free slots, so the slots are
  // always a permutation and need no free list of their own.
  private times: Float64Array;
  private slots: Int32Array;
  // By slot; these stay put while the heap moves two words an event.
  private sequences: Float64Array;
  private payloads: Int32Array;
  private pushed = 0;

  /** @param capacity events to make room for at first; the queue grows by doubling */
  constructor(capacity = 64) {
    const room = Math.max(4, Math.ceil(capacity));
    this.times = new Float64Array(room);
    this.slots = Int32Array.from({ length: room }, (_, slot) => slot);
    this.sequences = new Float64Array(room);
    this.payloads = new Int32Array(room);
  }

  /**
   * Adds an event.
   * @param time finite or Infinity
   * @throws RangeError if the time is NaN, which has no place in an order
   */
  push(time: number, payload: number): void {
    if (Number.isNaN(time)) throw new RangeError(`event queue: the time of payload ${payload} is NaN`);
    if (this.size === this.times.length) this.grow();
    const { times, slots } = this;
    let hole = this.size++;
    const slot = slots[hole]!;
    this.sequences[slot] = this.pushed++;
    this.payloads[slot] = payload;
    // The new event has the largest sequence, so a parent of equal time stays above it.
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const parentTime = times[parent]!;
      if (parentTime <= time) break;
      times[hole] = parentTime;
      slots[hole] = slots[parent]!;
      hole = parent;
    }
    times[hole] = time;
    slots[hole] = slot;
  }

  /** Time of the earliest event; Infinity when the queue is empty. */
  peekTime(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.times[0]!;
  }

  /**
   * Takes the earliest event out, returns its payload and leaves its time in `poppedTime`.
   * @throws RangeError if the queue is empty
   */
  pop(): number {
    if (this.size === 0) throw new RangeError('event queue: pop from an empty queue');
    const { times, slots, sequences } = this;
    const popped = slots[0]!;
    this.poppedTime = times[0]!;
    const last = --this.size;
    const time = times[last]!;
    const slot = slots[last]!;
    const sequence = sequences[slot]!;
    slots[last] = popped;

    // Bottom-up: lead the hole down along the earlier children to a leaf, then let the last event rise from there. It
    // came from the bottom and mostly stays there, which saves a comparison a level.
    let hole = 0;
    let child = 1;
    while (child + 1 < last) {
      const left = times[child]!;
      const right = times[child + 1]!;
      // Adding the comparison, not branching on it: which child is earlier is a coin toss that no CPU predicts.
      if (left !== right) child += Number(right < left);
      else if (sequences[slots[child + 1]!]! < sequences[slots[child]!]!) child++;
      times[hole] = times[child]!;
      slots[hole] = slots[child]!;
      hole = child;
      child = 2 * hole + 1;
    }
    if (child < last) {
      times[hole] = times[child]!;
      slots[hole] = slots[child]!;
      hole = child;
    }
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const parentTime = times[parent]!;
      if (parentTime < time || (parentTime === time && sequences[slots[parent]!]! < sequence)) break;
      times[hole] = parentTime;
      slots[hole] = slots[parent]!;
      hole = parent;
    }
    times[hole] = time;
    slots[hole] = slot;
    return this.payloads[popped]!;
  }

  /** Forgets every pending event. */
  clear(): void {
    this.size = 0;
  }

  private grow(): void {
    const before = this.times.length;
    const room = before * 2;
    const times = new Float64Array(room);
    times.set(this.times);
    this.times = times;
    const sequences = new Float64Array(room);
    sequences.set(this.sequences);
    this.sequences = sequences;
    const payloads = new Int32Array(room);
    payloads.set(this.payloads);
    this.payloads = payloads;
    const slots = new Int32Array(room);
    slots.set(this.slots);
    for (let slot = before; slot < room; slot++) slots[slot] = slot;
    this.slots = slots;
  }
}
