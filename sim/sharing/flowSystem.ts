import { served } from '../../model/physics/saturation.ts';
import { FinishTimes } from './finishTimes.ts';
import { FlowTable } from './flowTable.ts';
import { growFloat64, growInt32 } from './grow.ts';
import { ProgressiveFilling } from './progressiveFilling.ts';
import { Region } from './region.ts';
import { RouteTable } from './routeTable.ts';
import { Vacancies } from './vacancies.ts';

/** Flows whose finish times are this close, relative to the time itself, finish together. */
const SAME_TIME = 1e-12;
/** A flow with less than this share of its amount left when another finishes, finishes with it. */
const NOTHING_LEFT = 1e-9;
/** A rate that moves by less than this, relative, has moved by rounding only and is kept. */
const SAME_RATE = 1e-14;
/** Rate changes after which usages, kept by adding differences, are summed anew. */
const RESUM_AFTER = 1024;

/**
 * Flows that share resources by weighted max-min fairness, advanced from completion to completion.
 *
 * A flow has an amount to move along a route, a bound on its rate and a weight. Between changes all rates are constant.
 * Units are the caller's: amount and capacity * time must agree (bytes, bytes/s and seconds, say). Time must not run
 * backwards. Calls at one instant: any `completeAt`, `stop` and `start`, then one `settle`; a flow that has been
 * started but not settled stands still.
 *
 * @example
 * const system = new FlowSystem();
 * const link = system.addResource(10);
 * const route = system.addRoute([link], [1]);
 * system.start(0, route, 100, Infinity, 1, 7);
 * system.settle(0);
 * system.nextCompletion(); // 10
 * system.completeAt(10, (tag) => console.log(tag)); // 7
 */
export class FlowSystem {
  private readonly routes = new RouteTable();
  private readonly flows = new FlowTable(this.routes);
  private readonly finishes = new FinishTimes();
  private readonly vacancies = new Vacancies();
  private readonly region = new Region(this.routes, this.flows);
  private readonly filling = new ProgressiveFilling();
  /** By resource: sum of coefficient * rate. */
  private used: Float64Array = new Float64Array(16);
  /** By resource: 1 if it is what holds back at least one flow. */
  private saturated: Uint8Array = new Uint8Array(16);
  private fresh: Int32Array = new Int32Array(16);
  private freshCount = 0;
  /** Saturated resources that lost a flow. */
  private relieved: Int32Array = new Int32Array(16);
  private relievedCount = 0;
  private newRate: Float64Array = new Float64Array(16);
  private rateChanges = 0;
  private ripe: Int32Array = new Int32Array(16);
  private ripeSequence: Float64Array = new Float64Array(16);

  /** Number of flows that have started and not ended. */
  get activeCount(): number {
    return this.flows.activeCount;
  }

  /**
   * A resource with a hard limit by default. One with a soft limit carries, of what its flows would move if it were not
   * there, what `served` says; all flows are then shared anew at every change, since each change moves that demand. No flow moves
   * more then than it would without soft limits.
   *
   * @throws RangeError unless the capacity is finite and above zero, and the sharpness at least 1
   */
  addResource(capacity: number, sharpness = Number.POSITIVE_INFINITY): number {
    const resource = this.routes.addResource(capacity, sharpness);
    this.flows.fitRoutes();
    if (resource === this.used.length) {
      this.used = growFloat64(this.used, resource + 1);
      const saturated = new Uint8Array(this.used.length);
      saturated.set(this.saturated);
      this.saturated = saturated;
    }
    return resource;
  }

  /**
   * Adds a path that flows can be started on. A flow of rate x takes coefficient * x of each resource.
   * @param softWeight of its flows, times their own weights, where soft limits share
   * @throws RangeError for an unknown resource, a coefficient or weight that is not finite and above zero, or unequal lengths
   */
  addRoute(resources: readonly number[], coefficients: readonly number[], softWeight = 1): number {
    const route = this.routes.addRoute(resources, coefficients, softWeight);
    this.flows.fitRoutes();
    this.vacancies.reserve(this.routes.routeCount);
    return route;
  }

  /**
   * Starts a flow of `amount` units at time `now`. Returns its id; ids of ended flows are reused.
   * @param bound its largest rate, may be Infinity if the route crosses a resource
   * @param weight its share relative to other flows
   * @throws RangeError if a value is out of range
   */
  start(now: number, route: number, amount: number, bound: number, weight: number, tag: number): number {
    if (!(route >= 0 && route < this.routes.routeCount))
      throw new RangeError(`flow ${tag}: no route ${route}`);
    if (!(amount >= 0 && amount < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`flow ${tag}: expected a finite amount of at least 0, got ${amount}`);
    }
    if (!(bound > 0)) throw new RangeError(`flow ${tag}: expected a bound above 0, got ${bound}`);
    if (!(weight > 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`flow ${tag}: expected a finite weight above 0, got ${weight}`);
    }
    const ceiling = this.routes.ceiling[route]!;
    const highest = bound < ceiling ? bound : ceiling;
    if (highest === Number.POSITIVE_INFINITY) {
      throw new RangeError(
        `flow ${tag}: route ${route} crosses no resource, so the flow needs a finite bound`,
      );
    }
    const flow = this.flows.add(now, route, amount, highest, weight, tag);
    this.finishes.reserve(this.flows.slotCount);
    const rate = this.vacancies.take(route, highest, weight);
    if (rate > 0) {
      this.flows.fresh[flow] = 0;
      this.addUsage(route, rate);
      this.setRate(now, flow, rate);
    } else {
      if (this.freshCount === this.fresh.length) this.fresh = growInt32(this.fresh, this.freshCount + 1);
      this.fresh[this.freshCount++] = flow;
    }
    return flow;
  }

  /**
   * Takes a flow out before its end; returns what remained of its amount.
   * @throws RangeError if there is no such flow
   */
  stop(now: number, flow: number): number {
    const remaining = this.remaining(flow, now);
    this.remove(flow);
    return remaining;
  }

  /** Shares anew what starts, stops and completions touched since the last call; call once an instant, after them. */
  settle(now: number): void {
    const { region } = this;
    region.clear();
    this.seedRegion();
    if (this.routes.hasSoft) {
      if (region.flowCount > 0 || region.coupledCount > 0) this.shareAll(now);
      return;
    }
    if (region.flowCount > 0 || region.coupledCount > 0) {
      do {
        region.close(this.saturated, this.used);
        this.shareRegion();
      } while (region.coupleOverfull());
      this.adopt(now);
    }
  }

  /** Time of the next completion under the present rates, Infinity if none. */
  nextCompletion(): number {
    return this.finishes.earliest();
  }

  /**
   * Ends every flow that completes at `now` (= nextCompletion()), in the order in which they were started, and calls
   * `done` for each. `done` may start and stop flows; it must not call completeAt.
   */
  completeAt(now: number, done: (tag: number, flow: number) => void): void {
    const { sequence } = this.flows;
    if (this.ripe.length < this.flows.route.length) {
      this.ripe = new Int32Array(this.flows.route.length);
      this.ripeSequence = new Float64Array(this.ripe.length);
    }
    const { ripe, ripeSequence } = this;
    const count = this.finishes.collectRipe(now, ripe);
    // Slot order is near start order, so an insertion sort it is.
    for (let i = 0; i < count; i++) {
      const flow = ripe[i]!;
      const order = sequence[flow]!;
      let j = i;
      for (; j > 0 && ripeSequence[j - 1]! > order; j--) {
        ripe[j] = ripe[j - 1]!;
        ripeSequence[j] = ripeSequence[j - 1]!;
      }
      ripe[j] = flow;
      ripeSequence[j] = order;
    }
    for (let i = 0; i < count; i++) {
      const flow = ripe[i]!;
      // `done` may have stopped it, and its slot may serve another flow by now.
      if (this.flows.sequence[flow] !== ripeSequence[i]) continue;
      const flowTag = this.flows.tag[flow]!;
      this.remove(flow);
      done(flowTag, flow);
    }
  }

  /** Rate of a flow with a bound while no other is active. */
  aloneRate(route: number, bound: number): number {
    const { firstUse, useResource, useCoefficient, capacity, sharpness, ceiling } = this.routes;
    const end = firstUse[route + 1]!;
    const wanted = Math.min(bound, ceiling[route]!);
    let rate = wanted;
    for (let use = firstUse[route]!; use < end; use++) {
      const resource = useResource[use]!;
      if (!Number.isFinite(sharpness[resource]!)) continue;
      const coefficient = useCoefficient[use]!;
      rate = Math.min(
        rate,
        served(wanted * coefficient, capacity[resource]!, sharpness[resource]!) / coefficient,
      );
    }
    return rate;
  }

  /** Present rate of a flow. */
  rate(flow: number): number {
    this.check(flow);
    return this.flows.rate[flow]!;
  }

  /** What is left of a flow's amount at time `now`, not before the last settle. */
  remaining(flow: number, now: number): number {
    this.check(flow);
    const { left, rate, since } = this.flows;
    const remaining = left[flow]! - rate[flow]! * (now - since[flow]!);
    return remaining > 0 ? remaining : 0;
  }

  /** Sum of coefficient * rate over the flows that cross a resource. */
  usage(resource: number): number {
    return this.used[resource]!;
  }

  /** Number of flows that cross a resource. */
  activeOn(resource: number): number {
    return this.flows.linkCount[resource]!;
  }

  private check(flow: number): void {
    if (!(this.flows.sequence[flow]! >= 0)) throw new RangeError(`no active flow ${flow}`);
  }

  private remove(flow: number): void {
    const { flows, vacancies } = this;
    const route = flows.route[flow]!;
    const rate = flows.rate[flow]!;
    const wasFresh = flows.fresh[flow] !== 0;
    flows.remove(flow);
    this.finishes.set(flow, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    if (wasFresh) return;
    this.addUsage(route, -rate);
    if (vacancies.open(route)) this.relieve(route);
    else vacancies.offer(route, rate, flows.bound[flow]!, flows.weight[flow]!);
  }

  /** Notes the saturated resources of a route that a flow has left for good. */
  private relieve(route: number): void {
    const { firstUse, useResource } = this.routes;
    const end = firstUse[route + 1]!;
    for (let use = firstUse[route]!; use < end; use++) {
      const resource = useResource[use]!;
      if (this.saturated[resource] === 0) continue;
      if (this.relievedCount === this.relieved.length) {
        this.relieved = growInt32(this.relieved, this.relievedCount + 1);
      }
      this.relieved[this.relievedCount++] = resource;
    }
  }

  private addUsage(route: number, rate: number): void {
    const { firstUse, useResource, useCoefficient } = this.routes;
    const end = firstUse[route + 1]!;
    for (let use = firstUse[route]!; use < end; use++) {
      const resource = useResource[use]!;
      // An idle resource carries nothing, not what rounding left.
      if (this.flows.linkCount[resource] === 0) this.used[resource] = 0;
      else this.used[resource]! += useCoefficient[use]! * rate;
    }
    this.rateChanges++;
  }

  /** Starts the region from the flows and resources that changed. */
  private seedRegion(): void {
    const { region, vacancies, used } = this;
    for (let i = 0; i < vacancies.count; i++) {
      const route = vacancies.routes[i]!;
      if (vacancies.open(route)) this.relieve(route);
    }
    vacancies.clear();
    for (let i = 0; i < this.relievedCount; i++) {
      const resource = this.relieved[i]!;
      region.touch(resource, used[resource]!);
      region.couple(resource);
    }
    this.relievedCount = 0;
    for (let i = 0; i < this.freshCount; i++) {
      const flow = this.fresh[i]!;
      // A flow may have been stopped, or its slot listed twice, before it was ever settled.
      if (this.flows.fresh[flow] === 0) continue;
      this.flows.fresh[flow] = 0;
      region.addFlow(flow);
    }
    this.freshCount = 0;
  }

  /** Shares the coupled resources among the region's flows, into `newRate` and the region's usages. */
  private shareRegion(): void {
    const { region, filling, used } = this;
    const { firstUse, useResource, useCoefficient, capacity } = this.routes;
    const { route: routeOf, bound, weight, rate } = this.flows;
    if (region.flowCount > this.newRate.length) this.newRate = growFloat64(this.newRate, region.flowCount);
    const { newRate } = this;
    filling.reset();
    for (let i = 0; i < region.coupledCount; i++) filling.addResource(capacity[region.coupled[i]!]!);
    for (let i = 0; i < region.flowCount; i++) {
      const flow = region.flows[i]!;
      filling.addFlow(bound[flow]!, weight[flow]!);
      const route = routeOf[flow]!;
      const end = firstUse[route + 1]!;
      for (let use = firstUse[route]!; use < end; use++) {
        const resource = useResource[use]!;
        if (region.isCoupled(resource)) filling.addUse(region.place[resource]!, useCoefficient[use]!);
      }
    }
    filling.solve();

    for (let i = 0; i < region.touchedCount; i++) {
      const resource = region.touched[i]!;
      region.usage[resource] = used[resource]!;
    }
    for (let i = 0; i < region.flowCount; i++) {
      const flow = region.flows[i]!;
      const before = rate[flow]!;
      let after = filling.rate[i]!;
      const change = after - before;
      if (change <= SAME_RATE * before && change >= -SAME_RATE * before) after = before;
      newRate[i] = after;
      if (after === before) continue;
      const route = routeOf[flow]!;
      const end = firstUse[route + 1]!;
      for (let use = firstUse[route]!; use < end; use++) {
        region.usage[useResource[use]!]! += useCoefficient[use]! * (after - before);
      }
    }
  }

  /** Makes the rates that were tried the present ones. */
  private adopt(now: number): void {
    const { region, newRate, used, filling } = this;
    const { rate } = this.flows;
    for (let i = 0; i < region.touchedCount; i++) {
      const resource = region.touched[i]!;
      used[resource] = region.usage[resource]!;
    }
    for (let i = 0; i < region.coupledCount; i++) this.saturated[region.coupled[i]!] = filling.saturated[i]!;
    for (let i = 0; i < region.flowCount; i++) {
      const flow = region.flows[i]!;
      if (newRate[i] === rate[flow]) continue;
      this.setRate(now, flow, newRate[i]!);
      this.rateChanges++;
    }
    if (this.rateChanges >= RESUM_AFTER && this.rateChanges >= this.flows.activeCount) this.resumUsage();
  }

  /** Shares all resources among all flows: first without the soft ones, then with what these serve of that demand. */
  private shareAll(now: number): void {
    const { flows, routes, filling, used } = this;
    const { capacity, sharpness, firstUse, useResource, useCoefficient } = routes;
    const count = routes.resourceCount;
    this.fill(
      (resource) => (Number.isFinite(sharpness[resource]!) ? Number.POSITIVE_INFINITY : capacity[resource]!),
      (flow) => flows.bound[flow]!,
      (flow) => flows.weight[flow]!,
    );
    const demand = this.loads();
    if (this.newRate.length < flows.slotCount) this.newRate = growFloat64(this.newRate, flows.slotCount);
    let asked = 0;
    for (let flow = 0; flow < flows.slotCount; flow++)
      if (flows.sequence[flow]! >= 0) this.newRate[flow] = filling.rate[asked++]!;
    // A hard limit that only the demand fills up also passes changes on: they move what soft ones serve.
    for (let resource = 0; resource < count; resource++)
      this.saturated[resource] = filling.saturated[resource]!;
    this.fill(
      (resource) =>
        demand[resource]! > 0 && Number.isFinite(sharpness[resource]!)
          ? served(demand[resource]!, capacity[resource]!, sharpness[resource]!)
          : capacity[resource]!,
      (flow) => this.newRate[flow]!,
      (flow) => flows.weight[flow]! * routes.softWeight[flows.route[flow]!]!,
    );
    // A flow that crosses nothing saturated runs at its bound. What it leaves takes as much off the demand as off the usage, and
    // `served` falls by no more: a soft limit with room to spare still has it then.
    for (let resource = 0; resource < count; resource++)
      this.saturated[resource]! |= filling.saturated[resource]!;
    used.fill(0);
    let place = 0;
    for (let flow = 0; flow < flows.slotCount; flow++) {
      if (flows.sequence[flow]! < 0) continue;
      const before = flows.rate[flow]!;
      let rate = filling.rate[place++]!;
      if (Math.abs(rate - before) <= SAME_RATE * before) rate = before;
      else this.setRate(now, flow, rate);
      const route = flows.route[flow]!;
      const end = firstUse[route + 1]!;
      for (let use = firstUse[route]!; use < end; use++)
        used[useResource[use]!]! += useCoefficient[use]! * rate;
    }
  }

  /** Solves for all active flows, in the order of their slots. */
  private fill(
    capacityOf: (resource: number) => number,
    boundOf: (flow: number) => number,
    weightOf: (flow: number) => number,
  ): void {
    const { flows, routes, filling } = this;
    const { firstUse, useResource, useCoefficient } = routes;
    filling.reset();
    for (let resource = 0; resource < routes.resourceCount; resource++)
      filling.addResource(capacityOf(resource));
    for (let flow = 0; flow < flows.slotCount; flow++) {
      if (flows.sequence[flow]! < 0) continue;
      filling.addFlow(boundOf(flow), weightOf(flow));
      const route = flows.route[flow]!;
      const end = firstUse[route + 1]!;
      for (let use = firstUse[route]!; use < end; use++)
        filling.addUse(useResource[use]!, useCoefficient[use]!);
    }
    filling.solve();
  }

  /** By resource: sum of coefficient * rate at the rates that were solved for. */
  private loads(): Float64Array {
    const { flows, routes, filling } = this;
    const { firstUse, useResource, useCoefficient } = routes;
    const loads = new Float64Array(routes.resourceCount);
    let place = 0;
    for (let flow = 0; flow < flows.slotCount; flow++) {
      if (flows.sequence[flow]! < 0) continue;
      const rate = filling.rate[place++]!;
      const route = flows.route[flow]!;
      const end = firstUse[route + 1]!;
      for (let use = firstUse[route]!; use < end; use++)
        loads[useResource[use]!]! += useCoefficient[use]! * rate;
    }
    return loads;
  }

  private setRate(now: number, flow: number, rate: number): void {
    const { flows } = this;
    let left = flows.left[flow]! - flows.rate[flow]! * (now - flows.since[flow]!);
    if (left < 0) left = 0;
    flows.left[flow] = left;
    flows.since[flow] = now;
    flows.rate[flow] = rate;
    const finish = now + left / rate;
    const byTime = SAME_TIME * Math.abs(finish);
    const byAmount = (NOTHING_LEFT * flows.amount[flow]!) / rate;
    this.finishes.set(flow, finish, finish - (byTime > byAmount ? byTime : byAmount));
  }

  private resumUsage(): void {
    const { flows, routes, used } = this;
    this.rateChanges = 0;
    used.fill(0);
    for (let flow = 0; flow < flows.slotCount; flow++) {
      if (flows.sequence[flow]! < 0) continue;
      const route = flows.route[flow]!;
      const end = routes.firstUse[route + 1]!;
      for (let use = routes.firstUse[route]!; use < end; use++) {
        used[routes.useResource[use]!]! += routes.useCoefficient[use]! * flows.rate[flow]!;
      }
    }
  }
}
