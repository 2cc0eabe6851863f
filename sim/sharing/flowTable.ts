import { growFloat64, growInt32 } from './grow.ts';
import type { RouteTable } from './routeTable.ts';

/**
 * The active flows, by slot, and for each resource a chain of the flows that cross it.
 *
 * The link of flow f for the k-th use of its route is number `f << linkBits | k`, so a link tells its flow and no
 * flow needs storage of its own.
 */
export class FlowTable {
  /** Slots handed out so far, free ones included. */
  slotCount = 0;
  activeCount = 0;
  route: Int32Array = new Int32Array(16);
  tag: Float64Array = new Float64Array(16);
  /** Order of starts; -1 for a free slot. */
  sequence: Float64Array = new Float64Array(16).fill(-1);
  /** Amount at the start. */
  amount: Float64Array = new Float64Array(16);
  /** Amount left at time `since`, from which on it shrinks at `rate`. */
  left: Float64Array = new Float64Array(16);
  since: Float64Array = new Float64Array(16);
  rate: Float64Array = new Float64Array(16);
  /** The rate that the flow would have alone: its own bound or what its route allows. */
  bound: Float64Array = new Float64Array(16);
  weight: Float64Array = new Float64Array(16);
  /** 1 from the start of a flow until it is first given a rate. */
  fresh: Uint8Array = new Uint8Array(16);

  linkBits = 0;
  /** By resource: its first link, -1 if none, and the number of links. */
  firstLink: Int32Array = new Int32Array(16).fill(-1);
  linkCount: Int32Array = new Int32Array(16);
  nextLink: Int32Array = new Int32Array(16);
  private previousLink: Int32Array = new Int32Array(16);
  private freeSlots: Int32Array = new Int32Array(16);
  private freeCount = 0;
  private started = 0;
  private readonly routes: RouteTable;

  constructor(routes: RouteTable) {
    this.routes = routes;
  }

  /** Makes room for the resources and the route lengths that the route table has by now. */
  fitRoutes(): void {
    const { routes } = this;
    if (routes.resourceCount > this.firstLink.length) {
      const before = this.firstLink.length;
      this.firstLink = growInt32(this.firstLink, routes.resourceCount).fill(-1, before);
      this.linkCount = growInt32(this.linkCount, this.firstLink.length);
    }
    if (routes.longest > 1 << this.linkBits) {
      while (routes.longest > 1 << this.linkBits) this.linkBits++;
      this.rechain();
    }
  }

  /** Takes a slot, fills it and chains it to its resources; the flow is fresh and has rate 0. */
  add(now: number, route: number, amount: number, bound: number, weight: number, tag: number): number {
    let flow: number;
    if (this.freeCount > 0) {
      flow = this.freeSlots[--this.freeCount]!;
    } else {
      flow = this.slotCount++;
      if (flow === this.route.length) this.grow();
    }
    this.route[flow] = route;
    this.tag[flow] = tag;
    this.sequence[flow] = this.started++;
    this.amount[flow] = amount;
    this.left[flow] = amount;
    this.since[flow] = now;
    this.rate[flow] = 0;
    this.bound[flow] = bound;
    this.weight[flow] = weight;
    this.fresh[flow] = 1;
    this.activeCount++;
    this.chain(flow);
    return flow;
  }

  /** Unchains a flow and frees its slot, whose fields stay readable until the next `add`. */
  remove(flow: number): void {
    const { firstLink, nextLink, previousLink, linkCount } = this;
    const { firstUse, useResource } = this.routes;
    const route = this.route[flow]!;
    const end = firstUse[route + 1]!;
    let link = flow << this.linkBits;
    for (let use = firstUse[route]!; use < end; use++, link++) {
      const resource = useResource[use]!;
      const next = nextLink[link]!;
      const previous = previousLink[link]!;
      if (previous < 0) firstLink[resource] = next;
      else nextLink[previous] = next;
      if (next >= 0) previousLink[next] = previous;
      linkCount[resource]!--;
    }
    this.sequence[flow] = -1;
    this.fresh[flow] = 0;
    this.freeSlots[this.freeCount++] = flow;
    this.activeCount--;
  }

  private chain(flow: number): void {
    const { firstLink, nextLink, previousLink, linkCount } = this;
    const { firstUse, useResource } = this.routes;
    const route = this.route[flow]!;
    const end = firstUse[route + 1]!;
    let link = flow << this.linkBits;
    for (let use = firstUse[route]!; use < end; use++, link++) {
      const resource = useResource[use]!;
      const next = firstLink[resource]!;
      nextLink[link] = next;
      previousLink[link] = -1;
      if (next >= 0) previousLink[next] = link;
      firstLink[resource] = link;
      linkCount[resource]!++;
    }
  }

  private rechain(): void {
    this.nextLink = new Int32Array(this.route.length << this.linkBits);
    this.previousLink = new Int32Array(this.nextLink.length);
    this.firstLink.fill(-1);
    this.linkCount.fill(0);
    for (let flow = 0; flow < this.slotCount; flow++) if (this.sequence[flow]! >= 0) this.chain(flow);
  }

  private grow(): void {
    const before = this.route.length;
    const room = 2 * before;
    this.route = growInt32(this.route, room);
    this.tag = growFloat64(this.tag, room);
    this.sequence = growFloat64(this.sequence, room).fill(-1, before);
    this.amount = growFloat64(this.amount, room);
    this.left = growFloat64(this.left, room);
    this.since = growFloat64(this.since, room);
    this.rate = growFloat64(this.rate, room);
    this.bound = growFloat64(this.bound, room);
    this.weight = growFloat64(this.weight, room);
    const fresh = new Uint8Array(room);
    fresh.set(this.fresh);
    this.fresh = fresh;
    this.nextLink = growInt32(this.nextLink, room << this.linkBits);
    this.previousLink = growInt32(this.previousLink, room << this.linkBits);
    this.freeSlots = growInt32(this.freeSlots, room);
  }
}
