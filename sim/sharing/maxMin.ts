import { ProgressiveFilling } from './progressiveFilling.ts';

/** Use of a resource by a flow: `coefficient` units of capacity for each unit of the flow's rate. */
export interface Use {
  readonly resource: number;
  readonly coefficient: number;
}

export interface SharedFlow {
  /** Largest rate, may be Infinity if the flow crosses a resource. */
  readonly bound: number;
  readonly weight: number;
  readonly uses: readonly Use[];
}

/** A sharing problem in compressed rows: the uses of flow f are entries firstUse[f] .. firstUse[f + 1] - 1. */
export interface SharingProblem {
  /** By resource, finite and above 0. */
  readonly capacities: Float64Array;
  /** By flow, above 0, may be Infinity. */
  readonly bounds: Float64Array;
  /** By flow, finite and above 0. */
  readonly weights: Float64Array;
  /** One entry more than there are flows; starts at 0. */
  readonly firstUse: Int32Array;
  readonly useResource: Int32Array;
  /** Finite and above 0. */
  readonly useCoefficient: Float64Array;
}

/** Packs flows given one by one into compressed rows. */
export function sharingProblem(capacities: readonly number[], flows: readonly SharedFlow[]): SharingProblem {
  const uses = flows.flatMap((flow) => flow.uses);
  const firstUse = new Int32Array(flows.length + 1);
  for (const [f, flow] of flows.entries()) firstUse[f + 1] = firstUse[f]! + flow.uses.length;
  return {
    capacities: Float64Array.from(capacities),
    bounds: Float64Array.from(flows, (flow) => flow.bound),
    weights: Float64Array.from(flows, (flow) => flow.weight),
    firstUse,
    useResource: Int32Array.from(uses, (use) => use.resource),
    useCoefficient: Float64Array.from(uses, (use) => use.coefficient),
  };
}

/**
 * Weighted max-min fair rates: the smallest rate / weight is as large as it can be, then the next smallest, and so on,
 * within sum of coefficient * rate <= capacity on every resource and rate <= bound for every flow.
 *
 * The result is unique and work conserving: every flow is at its bound or crosses a saturated resource on which its
 * rate / weight is the largest.
 *
 * @returns the rate of each flow, in units of the capacities
 * @throws RangeError for a value out of range, or a flow with neither a finite bound nor a resource
 * @example
 * // Two flows on one link of 10; the second takes no more than 3.
 * const uses = [{ resource: 0, coefficient: 1 }];
 * solveMaxMin(sharingProblem([10], [{ bound: Infinity, weight: 1, uses }, { bound: 3, weight: 1, uses }])); // 7, 3
 */
export function solveMaxMin(problem: SharingProblem): Float64Array {
  const { capacities, bounds, weights, firstUse, useResource, useCoefficient } = problem;
  const filling = new ProgressiveFilling();
  for (const [r, capacity] of capacities.entries()) {
    requireFinite(`resource ${r}: capacity`, capacity);
    filling.addResource(capacity);
  }
  for (const [f, bound] of bounds.entries()) {
    const weight = weights[f]!;
    const begin = firstUse[f]!;
    const end = firstUse[f + 1]!;
    if (!(bound > 0)) throw new RangeError(`flow ${f}: expected a bound above 0, got ${bound}`);
    requireFinite(`flow ${f}: weight`, weight);
    if (begin === end && bound === Number.POSITIVE_INFINITY) {
      throw new RangeError(`flow ${f}: crosses no resource, so it needs a finite bound`);
    }
    filling.addFlow(bound, weight);
    for (let use = begin; use < end; use++) {
      const resource = useResource[use]!;
      if (!(resource >= 0 && resource < capacities.length)) {
        throw new RangeError(`flow ${f}: no resource ${resource}, there are ${capacities.length}`);
      }
      requireFinite(`flow ${f}: coefficient on resource ${resource}`, useCoefficient[use]!);
      filling.addUse(resource, useCoefficient[use]!);
    }
  }
  filling.solve();
  return filling.rate.slice(0, bounds.length);
}

function requireFinite(what: string, value: number): void {
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${what}: expected a finite value above 0, got ${value}`);
  }
}
