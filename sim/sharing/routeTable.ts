import { growFloat64, growInt32 } from './grow.ts';

/** Resources with their capacities, and routes: the resources that a kind of flow crosses, each with a coefficient. */
export class RouteTable {
  resourceCount = 0;
  routeCount = 0;
  /** By resource. */
  capacity: Float64Array = new Float64Array(16);
  /** By resource: how hard a limit its capacity is, see `served`; Infinity for a hard one. */
  sharpness: Float64Array = new Float64Array(16);
  /** Whether any resource's limit is soft. */
  hasSoft = false;
  /** The uses of route p are rows firstUse[p] .. firstUse[p + 1] - 1; no resource appears twice in a route. */
  firstUse: Int32Array = new Int32Array(17);
  useResource: Int32Array = new Int32Array(64);
  useCoefficient: Float64Array = new Float64Array(64);
  /** By route: the rate of a flow that has its route to itself, soft limits aside; Infinity where nothing else limits it. */
  ceiling: Float64Array = new Float64Array(16);
  /** By route: what its flows weigh, times their own weight, where soft limits share. */
  softWeight: Float64Array = new Float64Array(16);
  /** Uses of the longest route. */
  longest = 0;

  /** @throws RangeError unless the capacity is finite and above zero, and the sharpness at least 1 */
  addResource(capacity: number, sharpness: number): number {
    const resource = this.resourceCount;
    if (!(capacity > 0 && Number.isFinite(capacity))) {
      throw new RangeError(`resource ${resource}: expected a finite capacity above 0, got ${capacity}`);
    }
    if (!(sharpness >= 1)) {
      throw new RangeError(`resource ${resource}: expected a sharpness of at least 1, got ${sharpness}`);
    }
    if (resource === this.capacity.length) {
      this.capacity = growFloat64(this.capacity, resource + 1);
      this.sharpness = growFloat64(this.sharpness, this.capacity.length);
    }
    this.capacity[resource] = capacity;
    this.sharpness[resource] = sharpness;
    if (Number.isFinite(sharpness)) this.hasSoft = true;
    this.resourceCount++;
    return resource;
  }

  /**
   * Coefficients of a resource named more than once add up.
   * @param softWeight of its flows, times their own, where soft limits share
   * @throws RangeError for an unknown resource, a coefficient that is not finite and above zero, or unequal lengths
   */
  addRoute(resources: readonly number[], coefficients: readonly number[], softWeight = 1): number {
    const route = this.routeCount;
    if (!(softWeight > 0 && Number.isFinite(softWeight))) {
      throw new RangeError(`route ${route}: expected a finite weight above 0, got ${softWeight}`);
    }
    if (resources.length !== coefficients.length) {
      throw new RangeError(
        `route ${route}: ${resources.length} resources, ${coefficients.length} coefficients`,
      );
    }
    const uses = new Map<number, number>();
    for (const [i, resource] of resources.entries()) {
      const coefficient = coefficients[i]!;
      if (!(Number.isInteger(resource) && resource >= 0 && resource < this.resourceCount)) {
        throw new RangeError(`route ${route}: no resource ${resource}, there are ${this.resourceCount}`);
      }
      if (!(coefficient > 0 && Number.isFinite(coefficient))) {
        throw new RangeError(`route ${route}: expected a finite coefficient above 0, got ${coefficient}`);
      }
      uses.set(resource, (uses.get(resource) ?? 0) + coefficient);
    }

    let row = this.firstUse[route]!;
    if (route + 1 === this.firstUse.length - 1) {
      this.firstUse = growInt32(this.firstUse, route + 3);
      this.ceiling = growFloat64(this.ceiling, this.firstUse.length);
      this.softWeight = growFloat64(this.softWeight, this.firstUse.length);
    }
    if (row + uses.size > this.useResource.length) {
      this.useResource = growInt32(this.useResource, row + uses.size);
      this.useCoefficient = growFloat64(this.useCoefficient, this.useResource.length);
    }
    let ceiling = Number.POSITIVE_INFINITY;
    for (const [resource, coefficient] of uses) {
      this.useResource[row] = resource;
      this.useCoefficient[row++] = coefficient;
      // A soft limit is one to the demand, which the bound decides.
      if (!Number.isFinite(this.sharpness[resource]!)) {
        ceiling = Math.min(ceiling, this.capacity[resource]! / coefficient);
      }
    }
    this.firstUse[route + 1] = row;
    this.ceiling[route] = ceiling;
    this.softWeight[route] = softWeight;
    this.longest = Math.max(this.longest, uses.size);
    this.routeCount++;
    return route;
  }
}
