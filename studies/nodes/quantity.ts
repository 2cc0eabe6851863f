/** What sound nodes of one kind differ by, and why: classes of quantities that have it in common. */
export type QuantityClass =
  | 'link'
  | 'host'
  | 'collective'
  | 'latency'
  | 'compute'
  | 'clock'
  | 'power'
  | 'step';

/**
 * Standard deviation of each class over sound nodes of one kind, as a logarithm (0.01: 1 %). Copies, host memory and collectives: what
 * six hosts of H200s differ by, the median over quantities of a class rounded up; steps: two of them (`chunkflow nodes experiments/pair
 * experiments/four/host-c` prints all). Compute, clock and power are expectations: parts of one bin run at one clock, and
 * differ more in the power that they take for it.
 */
export const USUAL_SPREAD: Readonly<Record<QuantityClass, number>> = {
  link: 0.015,
  host: 0.05,
  collective: 0.05,
  latency: 0.1,
  compute: 0.015,
  clock: 0.015,
  power: 0.05,
  step: 0.02,
};

/** A number that a user cares for, of one node or of one of its GPUs. */
export interface Quantity {
  /** Names it in tables and messages; the same on all nodes. */
  name: string;
  class: QuantityClass;
  unit: 'GB/s' | 'us' | 'ms' | 'TFLOP/s' | 'GHz' | 'W';
  /** Whether a sound node has more of it, or less; null where neither is better. */
  better: 'more' | 'less' | null;
}

/** A GPU of a node, as its records name it. */
export interface NodeGpu {
  rank: number;
  pciBus: string;
  uuid: string | null;
}

/** Readings of a quantity on one node: of one GPU where it is a GPU's own. */
export interface Readings {
  quantity: Quantity;
  gpu: NodeGpu | null;
  /** Repetitions in the quantity's unit by what was measured, such as a size of copies: nodes are compared item by item. */
  items: Map<string, number[]>;
}

/** Readings that are made one at a time. */
export class ReadingsOfNode {
  readonly #known = new Map<string, Readings>();

  add(quantity: Quantity, gpu: NodeGpu | null, item: string, value: number): void {
    if (!(value > 0) || value === Number.POSITIVE_INFINITY) return;
    // One GPU after another may have been rank 0 of a program.
    const key = `${readingsKey({ quantity, gpu })}, ${gpu?.pciBus ?? ''}`;
    let readings = this.#known.get(key);
    if (readings === undefined) {
      readings = { quantity, gpu, items: new Map() };
      this.#known.set(key, readings);
    }
    const values = readings.items.get(item);
    if (values === undefined) readings.items.set(item, [value]);
    else values.push(value);
  }

  all(): Readings[] {
    return [...this.#known.values()];
  }
}

/** Readings of nodes for which this is equal are compared: GPUs by their rank, which is their place in nodes of one kind. */
export function readingsKey({ quantity, gpu }: Pick<Readings, 'quantity' | 'gpu'>): string {
  return `${quantity.name}, ${gpu === null ? 'node' : gpu.rank}`;
}
