import type { FlowTable } from './flowTable.ts';
import { growFloat64, growInt32 } from './grow.ts';
import type { RouteTable } from './routeTable.ts';

/** Rounding allowed, relative, before a resource counts as overfull. */
const CAPACITY_SLACK = 1e-12;

const BORDER = 1;
const COUPLED = 2;

/**
 * The part of a system that a change can reach: flows whose rates may move, the resources that couple them, and the
 * border, resources that these flows cross but that hold none of them back.
 *
 * A resource that is not saturated passes nothing on, however many flows cross it, so a region grows through saturated
 * resources only. What that misses is a border resource that becomes overfull: it is coupled then, and the region is
 * shared again. When no border resource is overfull, every flow outside keeps a saturated resource that the region
 * does not touch, every flow inside has been shared fairly, and the whole is max-min fair.
 */
export class Region {
  flows: Int32Array = new Int32Array(16);
  flowCount = 0;
  coupled: Int32Array = new Int32Array(16);
  coupledCount = 0;
  /** By resource in the region: the usage under the rates being tried. */
  usage: Float64Array = new Float64Array(16);
  /** Coupled and border resources. */
  touched: Int32Array = new Int32Array(16);
  touchedCount = 0;
  /** By coupled resource: its place in `coupled`. */
  place: Int32Array = new Int32Array(16);

  private inRegion: Uint8Array = new Uint8Array(16);
  private state: Uint8Array = new Uint8Array(16);
  private closedFlows = 0;
  private closedResources = 0;
  private readonly routes: RouteTable;
  private readonly table: FlowTable;

  constructor(routes: RouteTable, table: FlowTable) {
    this.routes = routes;
    this.table = table;
  }

  /** Empties the region and makes room for all flows and resources. */
  clear(): void {
    for (let i = 0; i < this.flowCount; i++) this.inRegion[this.flows[i]!] = 0;
    for (let i = 0; i < this.touchedCount; i++) this.state[this.touched[i]!] = 0;
    this.flowCount = 0;
    this.coupledCount = 0;
    this.touchedCount = 0;
    this.closedFlows = 0;
    this.closedResources = 0;
    const slots = this.table.route.length;
    if (slots > this.flows.length) {
      this.flows = new Int32Array(slots);
      this.inRegion = new Uint8Array(slots);
    }
    const resources = this.routes.capacity.length;
    if (resources > this.state.length) {
      this.coupled = growInt32(this.coupled, resources);
      this.touched = growInt32(this.touched, resources);
      this.place = growInt32(this.place, resources);
      this.usage = growFloat64(this.usage, resources);
      this.state = new Uint8Array(this.usage.length);
    }
  }

  addFlow(flow: number): void {
    if (this.inRegion[flow] !== 0) return;
    this.inRegion[flow] = 1;
    this.flows[this.flowCount++] = flow;
  }

  /** Puts a resource on the border unless it is in the region already; `usage` is what it carries now. */
  touch(resource: number, usage: number): void {
    if (this.state[resource] !== 0) return;
    this.state[resource] = BORDER;
    this.usage[resource] = usage;
    this.touched[this.touchedCount++] = resource;
  }

  /** Couples a resource that has been touched. */
  couple(resource: number): void {
    if (this.state[resource] === COUPLED) return;
    this.state[resource] = COUPLED;
    this.place[resource] = this.coupledCount;
    this.coupled[this.coupledCount++] = resource;
  }

  isCoupled(resource: number): boolean {
    return this.state[resource] === COUPLED;
  }

  /** Takes in all flows on coupled resources and couples all saturated resources of flows, until nothing is added. */
  close(saturated: Uint8Array, used: Float64Array): void {
    const { table, routes, flows, coupled } = this;
    while (this.closedFlows < this.flowCount || this.closedResources < this.coupledCount) {
      while (this.closedFlows < this.flowCount) {
        const route = table.route[flows[this.closedFlows++]!]!;
        const end = routes.firstUse[route + 1]!;
        for (let use = routes.firstUse[route]!; use < end; use++) {
          const resource = routes.useResource[use]!;
          this.touch(resource, used[resource]!);
          if (saturated[resource] !== 0) this.couple(resource);
        }
      }
      while (this.closedResources < this.coupledCount) {
        const resource = coupled[this.closedResources++]!;
        for (let link = table.firstLink[resource]!; link >= 0; link = table.nextLink[link]!) {
          this.addFlow(link >> table.linkBits);
        }
      }
    }
  }

  /** Couples every border resource whose usage is above its capacity; tells whether there was one. */
  coupleOverfull(): boolean {
    const { touched, usage, routes } = this;
    let found = false;
    for (let i = 0; i < this.touchedCount; i++) {
      const resource = touched[i]!;
      if (
        this.state[resource] === BORDER &&
        usage[resource]! > routes.capacity[resource]! * (1 + CAPACITY_SLACK)
      ) {
        this.couple(resource);
        found = true;
      }
    }
    return found;
  }
}
