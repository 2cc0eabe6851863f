import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowSystem } from '../../../sim/sharing/flowSystem.ts';

const INF = Number.POSITIVE_INFINITY;

/** A system of links, and a route over each of the given sets of them, all coefficients 1. */
function systemOf(capacities: number[], routes: number[][]): FlowSystem {
  const system = new FlowSystem();
  for (const capacity of capacities) system.addResource(capacity);
  for (const links of routes)
    system.addRoute(
      links,
      links.map(() => 1),
    );
  return system;
}

/** Lets flows end one after another; `done` is called for each. Returns what ended when. */
function run(
  system: FlowSystem,
  done: (tag: number, now: number) => void = () => undefined,
): [number, number][] {
  const ends: [number, number][] = [];
  while (system.activeCount > 0) {
    const now = system.nextCompletion();
    assert.ok(Number.isFinite(now) && ends.length < 100, `after ${JSON.stringify(ends)}`);
    system.completeAt(now, (tag) => {
      ends.push([tag, now]);
      done(tag, now);
    });
    system.settle(now);
  }
  return ends;
}

const test = suite('terms of a flow system');

test('what is left: the amount less rate x time since, never below nothing', () => {
  const system = systemOf([10], [[0]]);
  const flow = system.start(1, 0, 100, INF, 1, 7);
  system.settle(1);
  assert.is(system.remaining(flow, 4), 70);
  assert.is(system.remaining(flow, 12), 0);
  assert.is(system.stop(4, flow), 70);
});

test('a change of rate counts from its own time: x = 10 for 2 s, then 5', () => {
  const system = systemOf([10], [[0]]);
  const first = system.start(0, 0, 100, INF, 1, 1);
  system.settle(0);
  system.start(2, 0, 200, INF, 1, 2);
  system.settle(2);
  assert.is(system.remaining(first, 4), 70);
  // The first has 80 left at 2 and ends at 18; the second has 120 left then and ends 12 s later.
  assert.equal(run(system), [
    [1, 18],
    [2, 30],
  ]);
});

test('flows that end together do so in the order in which they were started, not of their slots', () => {
  const system = systemOf([10, 10, 10], [[0], [1], [2]]);
  const early = system.start(0, 0, 10, INF, 1, 0);
  system.start(0, 1, 100, INF, 1, 1);
  system.settle(0);
  system.stop(0, early);
  // Takes the first slot, though it starts last.
  system.start(0, 2, 100, INF, 1, 2);
  system.settle(0);
  assert.equal(
    run(system).map(([tag]) => tag),
    [1, 2],
  );
});

test('a flow that another completion of the same instant stops does not complete', () => {
  const system = systemOf([10, 10], [[0], [1]]);
  system.start(0, 0, 100, INF, 1, 1);
  const other = system.start(0, 1, 100, INF, 1, 2);
  system.settle(0);
  assert.equal(
    run(system, (tag, now) => {
      if (tag === 1) system.stop(now, other);
    }).map(([tag]) => tag),
    [1],
  );
});

test('flows that end within 1e-12 of the time end together', () => {
  const system = systemOf([1, 1], [[0], [1]]);
  system.start(0, 0, 1000, INF, 1, 1);
  system.start(0, 1, 1000 * (1 + 2e-13), INF, 1, 2);
  system.settle(0);
  const [[, one], [, other]] = run(system) as [[number, number], [number, number]];
  assert.is(one, other);
});

test('a flow of which a billionth is left when another ends, ends with it', () => {
  // At 1e6 s a rounding of the time is more than the whole of 1e-13 s.
  const system = systemOf([1, 1], [[0], [1]]);
  system.start(0, 0, 1, INF, 1, 1);
  system.start(0, 1, 1 + 5e-10, INF, 1, 2);
  system.settle(0);
  const [[, one], [, other]] = run(system) as [[number, number], [number, number]];
  assert.is(one, other);
});

test('two flows leave a route at once: those that stay share what both had', () => {
  const system = systemOf([12], [[0], [0]]);
  system.start(0, 0, 40, INF, 1, 1);
  system.start(0, 0, 40, INF, 1, 2);
  system.start(0, 1, 160, INF, 1, 3);
  system.settle(0);
  // 4 each until 10; 120 left then, at 12.
  assert.equal(run(system), [
    [1, 10],
    [2, 10],
    [3, 20],
  ]);
});

test('a place that nobody takes goes to the flows that stay', () => {
  const system = systemOf([12], [[0], [0]]);
  system.start(0, 0, 60, INF, 1, 1);
  system.start(0, 1, 180, INF, 1, 2);
  system.settle(0);
  assert.equal(run(system), [
    [1, 10],
    [2, 20],
  ]);
});

/** One flow of 6 on a link of 12 ends; another takes its place, equal to it or not. */
for (const [what, bound, weight, rates] of [
  ['equal to it: its rate', INF, 1, [6, 6]],
  ['of twice the weight: x / 2 = y', INF, 2, [8, 4]],
  ['of a lower bound: x = b', 3, 1, [3, 9]],
] as const) {
  test(`a flow in the place of one that has ended, ${what}`, () => {
    const system = systemOf([12], [[0], [0]]);
    system.start(0, 0, 60, INF, 1, 1);
    const stays = system.start(0, 1, 1e6, INF, 1, 2);
    system.settle(0);
    let next = -1;
    system.completeAt(10, () => {
      next = system.start(10, 0, 1e6, bound, weight, 3);
    });
    system.settle(10);
    assert.equal([system.rate(next), system.rate(stays)], rates);
  });
}

test('two flows want the place of one: all three share anew', () => {
  const system = systemOf([12], [[0], [0]]);
  system.start(0, 0, 60, INF, 1, 1);
  const stays = system.start(0, 1, 1e6, INF, 1, 2);
  system.settle(0);
  const next: number[] = [];
  system.completeAt(10, () => {
    for (const tag of [3, 4]) next.push(system.start(10, 0, 1e6, INF, 1, tag));
  });
  system.settle(10);
  assert.equal(
    [...next, stays].map((flow) => system.rate(flow)),
    [4, 4, 4],
  );
});

test('a change reaches others through resources that hold flows back', () => {
  // x0 on link 0; x1 on links 0 and 1; x2 on link 1. x1 = 2 is held by link 0, so that x2 = 8; without x0, x1 = x2 = 5.
  const system = systemOf([4, 10], [[0], [0, 1], [1]]);
  const x0 = system.start(0, 0, 1e6, INF, 1, 0);
  const x1 = system.start(0, 1, 1e6, INF, 1, 1);
  const x2 = system.start(0, 2, 1e6, INF, 1, 2);
  system.settle(0);
  assert.equal([system.rate(x0), system.rate(x1), system.rate(x2)], [2, 2, 8]);
  assert.equal([system.usage(0), system.usage(1)], [4, 10]);
  system.stop(1, x0);
  system.settle(1);
  assert.equal([system.rate(x1), system.rate(x2)], [4, 6]);
  assert.equal([system.usage(0), system.usage(1)], [4, 10]);
});

test('a new flow that overfills a resource by a twentieth is shared anew with those on it', () => {
  // Link 1 carries 10 of 10.5, all from link 0; one more of 1 would make 11: x0 + x1 <= 10.5.
  const system = systemOf([10, 10.5], [[0, 1], [1]]);
  const long = system.start(0, 0, 1e6, INF, 1, 0);
  system.settle(0);
  const short = system.start(0, 1, 1e6, 1, 1, 1);
  system.settle(0);
  assert.equal([system.rate(long), system.rate(short)], [9.5, 1]);
});

test('an idle resource carries nothing, not what rounding left', () => {
  const system = systemOf([1], [[0], [0], [0]]);
  const flows = [0.1, 0.2, 0.3].map((bound, index) => system.start(0, index, 1e6, bound, 1, index));
  system.settle(0);
  for (const flow of flows) system.stop(1, flow);
  system.settle(1);
  assert.is(system.usage(0), 0);
});

test('of more flows than a block of slots the earliest ends first, wherever it is', () => {
  const count = 40;
  for (const earliest of [3, 20, 39]) {
    const system = systemOf([1e6], [[0]]);
    for (let flow = 0; flow < count; flow += 1) system.start(0, 0, flow === earliest ? 1 : 2, 1, 1, flow);
    system.settle(0);
    assert.is(system.nextCompletion(), 1);
  }
});

test('coefficients of a resource that a route names twice add up; a route alone is as fast as its narrowest', () => {
  const system = new FlowSystem();
  for (const capacity of [12, 30]) system.addResource(capacity);
  const route = system.addRoute([0, 1, 0], [1, 1, 2]);
  assert.is(system.aloneRate(route, INF), 4);
  assert.is(system.aloneRate(system.addRoute([1, 0], [1, 1]), INF), 12);
  const flow = system.start(0, route, 100, INF, 1, 1);
  system.settle(0);
  assert.equal([system.rate(flow), system.usage(0), system.usage(1)], [4, 12, 4]);
});

test('a soft limit serves less than is asked of it, by itself as well, and the rest has more once a flow leaves', () => {
  const system = new FlowSystem();
  const soft = system.addResource(4, 1);
  const route = system.addRoute([soft], [1]);
  // 1 / (1/4 + 1/4) of a demand of 4.
  assert.is(system.aloneRate(route, 4), 2);
  const [first, second] = [1, 2].map((tag) => system.start(0, route, 100, 4, 1, tag)) as [number, number];
  system.settle(0);
  // 1 / (1/8 + 1/4) of a demand of 8, shared by two.
  for (const flow of [first, second]) assert.ok(Math.abs(system.rate(flow) - 4 / 3) < 1e-12);
  system.stop(1, first);
  system.settle(1);
  assert.ok(Math.abs(system.rate(second) - 2) < 1e-12);
});

test.run();
