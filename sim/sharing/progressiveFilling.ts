import { growFloat64, growInt32 } from './grow.ts';

/** Two resources that fill at levels this close (relative) are frozen in one round. */
const LEVEL_TIE = 4e-16;
/** Below this share of its last exact value, a load kept by subtraction has lost digits and is summed anew. */
const LOAD_CANCELLATION = 1e-4;

/**
 * Weighted max-min sharing by progressive filling, over arrays that are reused from one problem to the next.
 *
 * All flows rise together, each at `weight * level`. A flow stops at its bound; when a resource is full, the flows that
 * cross it stop. The levels at which resources fill never fall from one round to the next, so every flow whose bound
 * lies below the next such level stops there without a round of its own.
 *
 * Method: Bertsekas and Gallager, Data Networks, section 6.5.2; the weights and coefficients as in SimGrid's linear
 * max-min system.
 *
 * Use: `reset`, then for each flow `addFlow` followed by `addUse` for each resource that it crosses, then `solve`.
 */
export class ProgressiveFilling {
  flowCount = 0;
  resourceCount = 0;
  /** By flow, after `solve`. */
  rate: Float64Array = new Float64Array(16);
  /** By resource: 1 if after `solve` it is what holds back at least one flow, else 0. */
  saturated: Int32Array = new Int32Array(16);

  private capacity: Float64Array = new Float64Array(16);
  private bound: Float64Array = new Float64Array(16);
  private weight: Float64Array = new Float64Array(16);
  /** The uses of flow f are rows firstUse[f] .. firstUse[f + 1] - 1. */
  private firstUse: Int32Array = new Int32Array(17);
  private useResource: Int32Array = new Int32Array(64);
  private useCoefficient: Float64Array = new Float64Array(64);
  private useFlow: Int32Array = new Int32Array(64);
  private useCount = 0;
  // By resource: a chain of its uses, what is left of its capacity, and the load (sum of coefficient * weight) and
  // number of the uses by flows that still rise.
  private lastUse: Int32Array = new Int32Array(16);
  private earlierUse: Int32Array = new Int32Array(64);
  private left: Float64Array = new Float64Array(16);
  private load: Float64Array = new Float64Array(16);
  private exactLoad: Float64Array = new Float64Array(16);
  private rising: Int32Array = new Int32Array(16);
  private fillLevel: Float64Array = new Float64Array(16);
  private openResources: Int32Array = new Int32Array(16);
  private risingFlows: Int32Array = new Int32Array(16);
  private frozen: Uint8Array = new Uint8Array(16);
  private unfrozen = 0;

  /** Forgets the last problem. */
  reset(): void {
    this.flowCount = 0;
    this.resourceCount = 0;
    this.useCount = 0;
  }

  /** Adds a resource of finite capacity > 0; returns its index, counted from 0. */
  addResource(capacity: number): number {
    const resource = this.resourceCount++;
    if (resource === this.capacity.length) this.growResources();
    this.capacity[resource] = capacity;
    this.left[resource] = capacity;
    this.load[resource] = 0;
    this.rising[resource] = 0;
    this.lastUse[resource] = -1;
    this.saturated[resource] = 0;
    return resource;
  }

  /** Adds a flow of weight > 0 (bound may be Infinity if it gets a use); returns its index, counted from 0. */
  addFlow(bound: number, weight: number): number {
    const flow = this.flowCount++;
    if (flow === this.bound.length) this.growFlows();
    this.bound[flow] = bound;
    this.weight[flow] = weight;
    this.firstUse[flow] = this.useCount;
    this.firstUse[flow + 1] = this.useCount;
    return flow;
  }

  /** Makes the flow added last take `coefficient` > 0 units of the resource for each unit of its rate. */
  addUse(resource: number, coefficient: number): void {
    const use = this.useCount++;
    if (use === this.useResource.length) this.growUses();
    const flow = this.flowCount - 1;
    this.useResource[use] = resource;
    this.useCoefficient[use] = coefficient;
    this.useFlow[use] = flow;
    this.earlierUse[use] = this.lastUse[resource]!;
    this.lastUse[resource] = use;
    this.load[resource]! += coefficient * this.weight[flow]!;
    this.rising[resource]!++;
    this.firstUse[flow + 1] = this.useCount;
  }

  /** Fills `rate` and `saturated`. */
  solve(): void {
    const { left, load, rising, fillLevel, openResources, risingFlows, frozen, bound, weight } = this;
    let flows = this.flowCount;
    let open = this.resourceCount;
    for (let flow = 0; flow < flows; flow++) {
      risingFlows[flow] = flow;
      frozen[flow] = 0;
    }
    for (let resource = 0; resource < open; resource++) {
      openResources[resource] = resource;
      this.exactLoad[resource] = load[resource]!;
    }
    let level = 0;
    this.unfrozen = flows;
    while (this.unfrozen > 0) {
      let lowest = Number.POSITIVE_INFINITY;
      for (let i = 0; i < open; ) {
        const resource = openResources[i]!;
        if (rising[resource] === 0) {
          openResources[i] = openResources[--open]!;
          continue;
        }
        const fill = left[resource]! / load[resource]!;
        fillLevel[resource] = fill;
        if (fill < lowest) lowest = fill;
        i++;
      }
      // Rounding may put a level a hair below the last one, or what is left a hair below zero; rates never fall.
      if (lowest > level) level = lowest;

      const before = this.unfrozen;
      for (let i = 0; i < flows; ) {
        const flow = risingFlows[i]!;
        if (frozen[flow] !== 0) {
          risingFlows[i] = risingFlows[--flows]!;
        } else if (bound[flow]! <= level * weight[flow]!) {
          this.freeze(flow, bound[flow]!);
          risingFlows[i] = risingFlows[--flows]!;
        } else {
          i++;
        }
      }
      if (this.unfrozen < before) continue;

      const tie = level * (1 + LEVEL_TIE);
      for (let i = 0; i < open; i++) {
        const resource = openResources[i]!;
        if (fillLevel[resource]! > tie || rising[resource] === 0) continue;
        this.saturated[resource] = 1;
        for (let use = this.lastUse[resource]!; use >= 0; use = this.earlierUse[use]!) {
          const flow = this.useFlow[use]!;
          if (frozen[flow] === 0) this.freeze(flow, level * weight[flow]!);
        }
      }
    }
  }

  private freeze(flow: number, rate: number): void {
    const { useResource, useCoefficient, left, load, rising } = this;
    this.frozen[flow] = 1;
    this.unfrozen--;
    this.rate[flow] = rate;
    const weight = this.weight[flow]!;
    const end = this.firstUse[flow + 1]!;
    let cancelled = false;
    for (let use = this.firstUse[flow]!; use < end; use++) {
      const resource = useResource[use]!;
      const coefficient = useCoefficient[use]!;
      left[resource]! -= coefficient * rate;
      load[resource]! -= coefficient * weight;
      if (--rising[resource]! > 0 && load[resource]! < LOAD_CANCELLATION * this.exactLoad[resource]!)
        cancelled = true;
    }
    // After all uses: a flow may use one resource twice.
    if (cancelled) for (let use = this.firstUse[flow]!; use < end; use++) this.sumLoad(useResource[use]!);
  }

  /** Sums the load of a resource over the flows that still rise. */
  private sumLoad(resource: number): void {
    let load = 0;
    for (let use = this.lastUse[resource]!; use >= 0; use = this.earlierUse[use]!) {
      const flow = this.useFlow[use]!;
      if (this.frozen[flow] === 0) load += this.useCoefficient[use]! * this.weight[flow]!;
    }
    this.load[resource] = load;
    this.exactLoad[resource] = load;
  }

  private growFlows(): void {
    const room = 2 * this.bound.length;
    this.bound = growFloat64(this.bound, room);
    this.weight = growFloat64(this.weight, room);
    this.rate = growFloat64(this.rate, room);
    this.firstUse = growInt32(this.firstUse, room + 1);
    this.risingFlows = growInt32(this.risingFlows, room);
    this.frozen = new Uint8Array(room);
  }

  private growResources(): void {
    const room = 2 * this.capacity.length;
    this.capacity = growFloat64(this.capacity, room);
    this.left = growFloat64(this.left, room);
    this.load = growFloat64(this.load, room);
    this.exactLoad = growFloat64(this.exactLoad, room);
    this.fillLevel = growFloat64(this.fillLevel, room);
    this.rising = growInt32(this.rising, room);
    this.lastUse = growInt32(this.lastUse, room);
    this.openResources = growInt32(this.openResources, room);
    this.saturated = growInt32(this.saturated, room);
  }

  private growUses(): void {
    const room = 2 * this.useResource.length;
    this.useResource = growInt32(this.useResource, room);
    this.useCoefficient = growFloat64(this.useCoefficient, room);
    this.useFlow = growInt32(this.useFlow, room);
    this.earlierUse = growInt32(this.earlierUse, room);
  }
}
