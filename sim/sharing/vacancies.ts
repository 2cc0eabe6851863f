import { growFloat64, growInt32 } from './grow.ts';

/**
 * Places left at this instant by flows that ended, at most one a route.
 *
 * Rates depend on which flows there are, not on when they started: a new flow equal to one that just ended (same
 * route, bound and weight) takes over its rate, and nothing has to be shared anew. A steady stream of transfers, each
 * followed by the next, lives off this.
 */
export class Vacancies {
  /** Routes with a vacancy, or that had one which was taken: check `open`. */
  routes: Int32Array = new Int32Array(16);
  count = 0;
  private listed: Uint8Array = new Uint8Array(16);
  /** By route: the rate that is to be had; 0 for no vacancy. */
  private rate: Float64Array = new Float64Array(16);
  private bound: Float64Array = new Float64Array(16);
  private weight: Float64Array = new Float64Array(16);

  reserve(routeCount: number): void {
    if (routeCount <= this.rate.length) return;
    this.rate = growFloat64(this.rate, routeCount);
    this.bound = growFloat64(this.bound, routeCount);
    this.weight = growFloat64(this.weight, routeCount);
    this.routes = growInt32(this.routes, routeCount);
    const listed = new Uint8Array(this.rate.length);
    listed.set(this.listed);
    this.listed = listed;
  }

  open(route: number): boolean {
    return this.rate[route]! > 0;
  }

  /** Offers a place of rate > 0; the route must not have one open. */
  offer(route: number, rate: number, bound: number, weight: number): void {
    this.rate[route] = rate;
    this.bound[route] = bound;
    this.weight[route] = weight;
    if (this.listed[route] !== 0) return;
    this.listed[route] = 1;
    this.routes[this.count++] = route;
  }

  /** Takes the place on a route if it fits exactly; returns its rate, or 0. */
  take(route: number, bound: number, weight: number): number {
    const rate = this.rate[route]!;
    if (rate === 0 || this.bound[route] !== bound || this.weight[route] !== weight) return 0;
    this.rate[route] = 0;
    return rate;
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) {
      const route = this.routes[i]!;
      this.rate[route] = 0;
      this.listed[route] = 0;
    }
    this.count = 0;
  }
}
