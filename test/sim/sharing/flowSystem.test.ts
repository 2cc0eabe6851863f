import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowSystem } from '../../../sim/sharing/flowSystem.ts';
import { sharingProblem, solveMaxMin, type Use } from '../../../sim/sharing/maxMin.ts';

const seed = Number(process.env.FC_SEED ?? 1);
const numRuns = 300;
const test = suite('flow system');
const INF = Number.POSITIVE_INFINITY;

/** What happens at one instant, or how long nothing does. */
type Step =
  | { kind: 'start'; route: number; amount: number; bound: number; weight: number }
  | { kind: 'stop'; pick: number }
  | { kind: 'complete' }
  | { kind: 'settle' }
  | { kind: 'wait'; share: number };

interface Script {
  capacities: number[];
  /** By resource; none where all limits are hard. */
  sharpness?: number[];
  /** By route, where soft limits share. */
  softWeights?: number[];
  routes: Use[][];
  steps: Step[];
}

interface LiveFlow {
  id: number;
  tag: number;
  amount: number;
  bound: number;
  weight: number;
  softWeight: number;
  uses: Use[];
  moved: number;
}

const positive = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.double({ min: 0.05, max: 20, noNaN: true }));

function scripts(maxResources: number, maxRoutes: number, maxSteps: number): fc.Arbitrary<Script> {
  return fc.integer({ min: 1, max: maxResources }).chain((resources) => {
    const use = fc.record({ resource: fc.nat(resources - 1), coefficient: positive });
    const route = fc.uniqueArray(use, {
      minLength: 1,
      maxLength: 5,
      size: 'max',
      selector: (u) => u.resource,
    });
    return fc.array(route, { minLength: 1, maxLength: maxRoutes, size: 'max' }).chain((routes) =>
      fc.record({
        capacities: fc.array(positive, { minLength: resources, maxLength: resources }),
        routes: fc.constant(routes),
        steps: fc.array(stepOn(routes.length), { maxLength: maxSteps, size: 'max' }),
      }),
    );
  });
}

function stepOn(routeCount: number): fc.Arbitrary<Step> {
  const start = fc.record({
    kind: fc.constant('start' as const),
    route: fc.nat(routeCount - 1),
    amount: fc.oneof(positive, fc.constant(0)),
    bound: fc.oneof(fc.constant(INF), positive),
    weight: fc.oneof(fc.constant(1), positive),
  });
  return fc.oneof(
    { weight: 8, arbitrary: start },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), pick: fc.nat() }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('complete' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
  );
}
const hardScript = fc.oneof(scripts(6, 6, 40), scripts(3, 3, 60), scripts(30, 40, 200));
/** Some limits are soft; then a flow has a bound of its own, since a soft limit alone asks for none. */
const softScript = hardScript.chain((script) => {
  const sharpness = fc.oneof(fc.constant(INF), fc.constant(1), fc.double({ min: 1, max: 12, noNaN: true }));
  const { length } = script.capacities;
  const every = (value: fc.Arbitrary<number>, count: number) =>
    fc.array(value, { minLength: count, maxLength: count });
  const softWeight = fc.oneof(fc.constant(1), positive);
  const soft = fc.tuple(every(sharpness, length), every(softWeight, script.routes.length));
  return soft.map(([all, softWeights]) => ({
    ...script,
    sharpness: all,
    softWeights,
    steps: script.steps.map((step) =>
      step.kind === 'start' ? { ...step, bound: Math.min(step.bound, 40) } : step,
    ),
  }));
});
const anyScript = fc.oneof({ weight: 2, arbitrary: hardScript }, { weight: 1, arbitrary: softScript });

/** Rates by full solves: without the soft limits, then with what these serve of that demand. */
function fullSolve({ capacities, sharpness }: Script, live: readonly LiveFlow[]): Float64Array {
  if (sharpness === undefined) return solveMaxMin(sharingProblem(capacities, live));
  const isHard = ({ resource }: Use) => sharpness[resource] === INF;
  const wanted = solveMaxMin(
    sharingProblem(
      capacities,
      live.map((flow) => ({ ...flow, uses: flow.uses.filter(isHard) })),
    ),
  );
  const demand = capacities.map((_, resource) =>
    live.reduce(
      (sum, { uses }, i) =>
        uses.reduce((all, use) => all + (use.resource === resource ? use.coefficient * wanted[i]! : 0), sum),
      0,
    ),
  );
  const softened = capacities.map((capacity, resource) => {
    const [x, p] = [demand[resource]!, sharpness[resource]!];
    return p === INF || x === 0 ? capacity : (x ** -p + capacity ** -p) ** (-1 / p);
  });
  // Nobody gets more than was asked for, and what a flow weighs there is its route's matter too.
  const asked = live.map((flow, i) => ({
    ...flow,
    bound: wanted[i]!,
    weight: flow.weight * flow.softWeight,
  }));
  return solveMaxMin(sharingProblem(softened, asked));
}

/** Plays a script and then runs the system empty; `atRest` sees it after each settle, `finished` each completion. */
function play(
  { capacities, sharpness, softWeights, routes, steps }: Script,
  atRest: (system: FlowSystem, live: LiveFlow[], now: number) => void,
  finished: (flow: LiveFlow, now: number) => void = () => {},
): void {
  const system = new FlowSystem();
  for (const [resource, capacity] of capacities.entries())
    system.addResource(capacity, sharpness?.[resource]);
  const routeIds = routes.map((uses, route) =>
    system.addRoute(
      uses.map((use) => use.resource),
      uses.map((use) => use.coefficient),
      softWeights?.[route],
    ),
  );
  let now = 0;
  let live: LiveFlow[] = [];
  let tags = 0;

  const settle = () => {
    system.settle(now);
    atRest(system, live, now);
  };
  const waitUntil = (time: number) => {
    for (const flow of live) flow.moved += system.rate(flow.id) * (time - now);
    now = time;
  };
  const complete = () => {
    const next = system.nextCompletion();
    assert.ok(next >= now && next < INF, `next completion ${next} at ${now}`);
    waitUntil(next);
    let count = 0;
    system.completeAt(now, (tag, id) => {
      count++;
      const flow = live.find((candidate) => candidate.tag === tag)!;
      assert.is(flow.id, id);
      live = live.filter((other) => other !== flow);
      finished(flow, now);
    });
    assert.ok(count > 0);
  };

  for (const step of steps) {
    if (step.kind === 'start') {
      const { amount, bound, weight } = step;
      const tag = tags++;
      const id = system.start(now, routeIds[step.route]!, amount, bound, weight, tag);
      live.push({
        ...{ id, tag, amount, bound, weight, moved: 0 },
        ...{ uses: routes[step.route]!, softWeight: softWeights?.[step.route] ?? 1 },
      });
    } else if (step.kind === 'stop' && live.length > 0) {
      const [flow] = live.splice(step.pick % live.length, 1);
      const { id, amount, moved } = flow!;
      close(system.stop(now, id) + moved, amount, amount);
    } else if (step.kind === 'wait' && live.length > 0) {
      settle();
      waitUntil(now + step.share * (system.nextCompletion() - now));
    } else if (step.kind === 'complete' && live.length > 0) {
      // No settle after it: starts that follow belong to the same instant.
      settle();
      complete();
    } else {
      settle();
    }
  }
  settle();
  while (live.length > 0) {
    complete();
    settle();
  }
  assert.is(system.nextCompletion(), INF);
  assert.is(system.activeCount, 0);
  for (const resource of capacities.keys()) {
    assert.is(system.usage(resource), 0);
    assert.is(system.activeOn(resource), 0);
  }
}

test('shares at every instant as a full solve does, within capacities and bounds, and starves no flow', () => {
  check(anyScript, (script) => {
    play(script, (system, live) => {
      const rates = fullSolve(script, live);
      const usage = script.capacities.map(() => 0);
      const active = script.capacities.map(() => 0);
      for (const [i, { id, bound, uses }] of live.entries()) {
        const rate = system.rate(id);
        close(rate, rates[i]!, rates[i]!);
        assert.ok(rate > 0 && rate <= bound);
        for (const { resource, coefficient } of uses) {
          usage[resource]! += coefficient * rate;
          active[resource]!++;
        }
      }
      for (const [resource, capacity] of script.capacities.entries()) {
        assert.ok(usage[resource]! <= capacity * (1 + 1e-9));
        close(system.usage(resource), usage[resource]!, capacity);
        assert.is(system.activeOn(resource), active[resource]!);
      }
    });
  });
});

test('moves the whole amount of each flow, and no more', () => {
  check(anyScript, (script) => {
    play(
      script,
      (system, live, now) => {
        for (const { id, amount, moved } of live) close(system.remaining(id, now), amount - moved, amount);
      },
      // 1e-8: a flow with less than 1e-9 of its amount left may end with another.
      ({ amount, moved }) => close(moved, amount, amount, 1e-8),
    );
  });
});

test('ends flows that end together in the order of their starts', () => {
  check(anyScript, (script) => {
    let last = { tag: -1, now: -1 };
    const ended = ({ tag }: LiveFlow, now: number) => {
      assert.ok(now > last.now || tag > last.tag);
      last = { tag, now };
    };
    play(script, () => {}, ended);
  });
});

test('gives the same bytes for the same input', () => {
  check(anyScript, (script) => assert.is(fingerprint(script), fingerprint(script)));
});

test('flows that a change does not reach keep their completion times to the bit', () => {
  check(fc.array(positive, { minLength: 1, maxLength: 20 }), (amounts) => {
    const system = new FlowSystem();
    const here = system.addResource(7);
    const there = system.addResource(3);
    // Crossed by all, never full: it must not pass anything on.
    const joint = system.addResource(1e6);
    const kept = system.addRoute([here, joint], [1, 1]);
    const other = system.addRoute([there, joint], [1.1, 1]);
    for (const [i, amount] of amounts.entries()) system.start(0, kept, 1e5 + amount, INF, 1 + (i % 3), i);
    system.settle(0);
    const expected = system.nextCompletion();
    let now = 0;
    const complete = () => {
      now = system.nextCompletion();
      system.completeAt(now, (tag) => assert.ok(tag >= 100));
      system.settle(now);
    };
    for (const [i, amount] of amounts.entries()) {
      system.start(now, other, amount, INF, amount, 100 + i);
      system.settle(now);
      if (i % 3 === 2) complete();
    }
    while (system.activeOn(there) > 0) complete();
    assert.is(system.nextCompletion(), expected);
  });
});

for (const devices of [2, 3, 8, 33]) {
  test(`the same flows on each of ${devices} devices end in the same instants, in the order of their starts`, () => {
    const system = new FlowSystem();
    const memory = system.addResource(0.7 * devices);
    const routes = Array.from({ length: devices }, () =>
      system.addRoute([system.addResource(1), memory], [1.1, 0.9]),
    );
    let now = 0;
    let tag = 0;
    for (let round = 1; round <= 100; round++) {
      // Two a device: each instant ends one of them, the other one the next.
      for (const amount of [0.1 * round, 0.3 * round]) {
        for (const route of routes) system.start(now, route, amount, INF, 1 / 3, tag++);
      }
      system.settle(now);
      for (let half = 2; half > 0; half--) {
        now = system.nextCompletion();
        const ended: number[] = [];
        system.completeAt(now, (t) => ended.push(t));
        system.settle(now);
        assert.equal(
          ended,
          Array.from({ length: devices }, (_, i) => tag - half * devices + i),
        );
      }
    }
  });
}

test('room that a new flow takes from one flow goes to others on its saturated resources', () => {
  const system = new FlowSystem();
  const links = [system.addResource(10), system.addResource(10)];
  const both = system.start(0, system.addRoute(links, [1, 1]), 100, INF, 1, 0);
  const second = system.start(0, system.addRoute([links[1]!], [1]), 100, INF, 1, 1);
  system.settle(0);
  close(system.rate(second), 5, 5);
  system.start(0, system.addRoute([links[0]!], [1]), 100, INF, 4, 2);
  system.settle(0);
  // x0 + x2 = 10 with x2 = 4 x0, then x0 + x1 = 10.
  close(system.rate(both), 2, 2);
  close(system.rate(second), 8, 8);
});

const almostTogether = [
  { name: 'less than 1e-9 of its amount left: ends too', amounts: [1, 1 + 5e-10], ended: [0, 1] },
  { name: 'more than 1e-9 of its amount left: ends later', amounts: [1, 1 + 5e-9], ended: [0] },
];

for (const { name, amounts, ended } of almostTogether) {
  test(`when another flow ends, one with ${name}`, () => {
    const { system, route } = oneLink(10);
    for (const [tag, amount] of amounts.entries()) system.start(0, route, amount, 1, 1, tag);
    system.settle(0);
    const tags: number[] = [];
    system.completeAt(system.nextCompletion(), (tag) => tags.push(tag));
    assert.equal(tags, ended);
  });
}

test('flows whose finish times differ by rounding only end together, late in a long run', () => {
  const { system, route } = oneLink(10);
  // At 1e6 a unit in the last place is 1e-10, more than 1e-9 of these amounts.
  system.start(1e6, route, 0.01, 1, 1, 0);
  system.start(1e6, route, 0.01 + 3e-10, 1, 1, 1);
  system.settle(1e6);
  const tags: number[] = [];
  system.completeAt(system.nextCompletion(), (tag) => tags.push(tag));
  assert.equal(tags, [0, 1]);
});

test('a flow that follows an equal one takes over its rate', () => {
  const { system, route, link } = oneLink(10);
  system.start(0, route, 10, INF, 1, 0);
  system.start(0, route, 20, INF, 3, 1);
  system.settle(0);
  // 2.5 + 7.5 = 10, so flow 1 ends at 20 / 7.5.
  const end = system.nextCompletion();
  close(end, 20 / 7.5, 1);
  system.completeAt(end, () => system.start(end, route, 30, INF, 3, 2));
  system.settle(end);
  close(system.usage(link), 10, 10);
  // Flow 0 has 10 - 2.5 * end left and ends at 4; flow 2 then has the link to itself.
  close(system.nextCompletion(), 4, 4);
  system.completeAt(4, (tag) => assert.is(tag, 0));
  system.settle(4);
  close(system.nextCompletion(), 4 + (30 - 7.5 * (4 - end)) / 10, 10);
});

test('a flow that follows one of another weight does not', () => {
  const { system, route } = oneLink(10);
  const first = system.start(0, route, 10, INF, 1, 0);
  const second = system.start(0, route, 10, INF, 1, 1);
  system.settle(0);
  close(system.stop(1, second), 5, 5);
  const third = system.start(1, route, 10, INF, 4, 2);
  system.settle(1);
  // x0 = t, x2 = 4 t, x0 + x2 = 10.
  close(system.rate(first), 2, 2);
  close(system.rate(third), 8, 8);
});

test('done may start and stop flows, also ones that end at the same instant', () => {
  const { system, route } = oneLink(10);
  const ids = [0, 1, 2].map((tag) => system.start(0, route, 10, INF, 1, tag));
  system.settle(0);
  const ended: number[] = [];
  system.completeAt(3, (tag) => {
    ended.push(tag);
    if (tag === 0) {
      close(system.stop(3, ids[1]!), 0, 10);
      system.start(3, route, 10, INF, 1, 3);
    }
  });
  system.settle(3);
  assert.equal(ended, [0, 2]);
  close(system.nextCompletion(), 4, 4);
});

test('an empty flow ends at the instant it starts; one without resources runs at its bound', () => {
  const { system, route } = oneLink(10);
  const nowhere = system.addRoute([], []);
  system.start(2, route, 0, INF, 1, 0);
  system.start(2, nowhere, 6, 3, 1, 1);
  system.settle(2);
  assert.is(system.nextCompletion(), 2);
  system.completeAt(2, (tag) => assert.is(tag, 0));
  system.settle(2);
  assert.is(system.nextCompletion(), 4);
});

test('a flow that is stopped before it is settled leaves no trace', () => {
  const { system, route } = oneLink(10);
  const id = system.start(0, route, 10, INF, 1, 0);
  assert.is(system.stop(0, id), 10);
  assert.is(system.start(0, route, 20, INF, 1, 1), id);
  system.settle(0);
  assert.is(system.nextCompletion(), 2);
  assert.is(system.activeOn(0), 1);
});

test('resources and longer routes may be added while flows are active', () => {
  const { system, route, link } = oneLink(10);
  const first = system.start(0, route, 10, INF, 1, 0);
  system.settle(0);
  const more = Array.from({ length: 40 }, () => system.addResource(4));
  const second = system.start(0, system.addRoute([link, ...more], [1, ...more.map(() => 2)]), 10, INF, 1, 1);
  system.settle(0);
  // 2 x1 = 4 on each new resource; x0 = 10 - x1.
  close(system.rate(second), 2, 2);
  close(system.rate(first), 8, 8);
});

const refused: { name: string; call: (system: FlowSystem, route: number) => unknown; message: RegExp }[] = [
  {
    name: 'capacity',
    call: (s) => s.addResource(INF),
    message: /resource 1: expected a finite capacity.* Infinity/,
  },
  { name: 'resource', call: (s) => s.addRoute([9], [1]), message: /route 1: no resource 9, there are 1/ },
  { name: 'coefficient', call: (s) => s.addRoute([0], [0]), message: /route 1: .*coefficient.* got 0/ },
  { name: 'lengths', call: (s) => s.addRoute([0], []), message: /1 resources, 0 coefficients/ },
  { name: 'route', call: (s) => s.start(0, 5, 1, 1, 1, 7), message: /flow 7: no route 5/ },
  { name: 'amount', call: (s, r) => s.start(0, r, -1, 1, 1, 7), message: /amount.* got -1/ },
  { name: 'bound', call: (s, r) => s.start(0, r, 1, 0, 1, 7), message: /bound above 0, got 0/ },
  { name: 'weight', call: (s, r) => s.start(0, r, 1, 1, Number.NaN, 7), message: /weight.* got NaN/ },
  {
    name: 'limit',
    call: (s) => s.start(0, s.addRoute([], []), 1, INF, 1, 7),
    message: /crosses no resource/,
  },
  { name: 'flow', call: (s) => s.stop(0, 3), message: /no active flow 3/ },
];

for (const { name, call, message } of refused) {
  test(`refuses a wrong ${name}`, () => {
    const { system, route } = oneLink(10);
    assert.throws(() => call(system, route), message);
  });
}

test.run();

function oneLink(capacity: number): { system: FlowSystem; link: number; route: number } {
  const system = new FlowSystem();
  const link = system.addResource(capacity);
  return { system, link, route: system.addRoute([link], [1]) };
}

function fingerprint(script: Script): string {
  const hash = createHash('sha256');
  play(
    script,
    (system, live) => hash.update(Float64Array.from(live, ({ id }) => system.rate(id))),
    ({ tag, id }, now) => hash.update(Float64Array.of(tag, id, now)),
  );
  return hash.digest('hex');
}

function check<T>(arbitrary: fc.Arbitrary<T>, law: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, law), { seed, numRuns });
}

function close(actual: number, expected: number, scale: number, tolerance = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * scale, `expected ${expected}, got ${actual}`);
}
