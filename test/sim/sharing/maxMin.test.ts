import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SharedFlow, sharingProblem, solveMaxMin } from '../../../sim/sharing/maxMin.ts';

const seed = Number(process.env.FC_SEED ?? 1);
const numRuns = 500;
const test = suite('max-min sharing');

interface System {
  capacities: number[];
  flows: SharedFlow[];
}

const INF = Number.POSITIVE_INFINITY;

function solve({ capacities, flows }: System): number[] {
  return Array.from(solveMaxMin(sharingProblem(capacities, flows)));
}

function flow(
  resources: number[],
  { bound = INF, weight = 1, coefficients = resources.map(() => 1) } = {},
): SharedFlow {
  return {
    bound,
    weight,
    uses: resources.map((resource, i) => ({ resource, coefficient: coefficients[i]! })),
  };
}

/** Round values make ties, free ones make none. */
const wide = fc.oneof(
  fc.integer({ min: 1, max: 8 }),
  fc.double({ min: 0.05, max: 20, noNaN: true }),
  fc.constantFrom(1e-6, 1e6),
);

/** Values close enough to each other for fillByBisection to tell a full resource from one with room. */
const moderate = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.double({ min: 0.5, max: 4, noNaN: true }));

function systems(maxResources: number, maxFlows: number, positive = wide): fc.Arbitrary<System> {
  return fc.integer({ min: 1, max: maxResources }).chain((resources) => {
    const use = fc.record({ resource: fc.nat(resources - 1), coefficient: positive });
    const uses = fc.uniqueArray(use, {
      minLength: 1,
      maxLength: 4,
      size: 'max',
      selector: (u) => u.resource,
    });
    const bounded = fc.record({ bound: fc.oneof(positive, fc.constant(INF)), weight: positive, uses });
    const unconnected = fc.record({ bound: positive, weight: positive, uses: fc.constant([]) });
    return fc.record({
      capacities: fc.array(positive, { minLength: resources, maxLength: resources }),
      flows: fc.array(fc.oneof({ weight: 9, arbitrary: bounded }, { weight: 1, arbitrary: unconnected }), {
        minLength: 1,
        maxLength: maxFlows,
        size: 'max',
      }),
    });
  });
}
const anySystem = fc.oneof(systems(6, 8), systems(3, 12), systems(30, 60));
const moderateSystem = fc.oneof(systems(6, 8, moderate), systems(3, 12, moderate), systems(30, 60, moderate));

function usages({ capacities, flows }: System, rates: readonly number[]): number[] {
  const usage = capacities.map(() => 0);
  for (const [f, { uses }] of flows.entries()) {
    for (const { resource, coefficient } of uses) usage[resource]! += coefficient * rates[f]!;
  }
  return usage;
}

function near(actual: readonly number[], expected: readonly number[], tolerance = 1e-9): void {
  assert.is(actual.length, expected.length);
  for (const [i, value] of actual.entries()) {
    const wanted = expected[i]!;
    assert.ok(
      Math.abs(value - wanted) <= tolerance * Math.abs(wanted),
      `flow ${i}: expected ${wanted}, got ${value}; all rates ${actual.join(' ')}, expected ${expected.join(' ')}`,
    );
  }
}

const closedForms: { name: string; system: System; rates: number[] }[] = [
  { name: 'x = c', system: { capacities: [10], flows: [flow([0])] }, rates: [10] },
  { name: 'x = b, where b < c', system: { capacities: [10], flows: [flow([0], { bound: 4 })] }, rates: [4] },
  { name: 'no resource: x = b', system: { capacities: [], flows: [flow([], { bound: 4 })] }, rates: [4] },
  { name: '2 x = c', system: { capacities: [10], flows: [flow([0], { coefficients: [2] })] }, rates: [5] },
  {
    name: 'x1 + x2 = c, x1 = x2',
    system: { capacities: [10], flows: [flow([0]), flow([0])] },
    rates: [5, 5],
  },
  {
    name: 'bounded: x1 = b, x2 = c - b',
    system: { capacities: [10], flows: [flow([0], { bound: 3 }), flow([0])] },
    rates: [3, 7],
  },
  {
    name: 'weighted: x1 / 3 = x2 / 1, x1 + x2 = c',
    system: { capacities: [10], flows: [flow([0], { weight: 3 }), flow([0])] },
    rates: [7.5, 2.5],
  },
  {
    name: 'coefficients: x1 = x2, x1 + 4 x2 = c',
    system: { capacities: [10], flows: [flow([0]), flow([0], { coefficients: [4] })] },
    rates: [2, 2],
  },
  {
    name: 'weights and coefficients: x1 = 0.3 t, x2 = t, 1.18 x1 + x2 = 55',
    system: { capacities: [55], flows: [flow([0], { weight: 0.3, coefficients: [1.18] }), flow([0])] },
    rates: [(0.3 * 55) / 1.354, 55 / 1.354],
  },
  {
    // The long flow meets each short one: x0 + xi = c on every link.
    name: 'parking lot: x0 = xi = c / 2',
    system: { capacities: [10, 10, 10], flows: [flow([0, 1, 2]), flow([0]), flow([1]), flow([2])] },
    rates: [5, 5, 5, 5],
  },
  {
    // Link 0 fills first, at 2 x = 4; the rest of link 1 goes to x2: x0 + x2 = 10.
    name: 'two levels: x0 = x1 = c0 / 2, x2 = c1 - x0',
    system: { capacities: [4, 10], flows: [flow([0, 1]), flow([0]), flow([1])] },
    rates: [2, 2, 8],
  },
  {
    // Each direction is a resource of its own; 0.04 of a unit goes back for each unit sent.
    name: 'duplex with acknowledgements: x + 0.04 x = c',
    system: {
      capacities: [52, 52],
      flows: [flow([0, 1], { coefficients: [1, 0.04] }), flow([1, 0], { coefficients: [1, 0.04] })],
    },
    rates: [50, 50],
  },
  {
    name: 'a resource used twice: (1 + 2) x1 + x2 = c',
    system: { capacities: [8], flows: [flow([0, 0], { coefficients: [1, 2] }), flow([0])] },
    rates: [2, 2],
  },
];

for (const { name, system, rates } of closedForms) {
  test(name, () => near(solve(system), rates, 1e-12));
}

test('no resource carries more than its capacity, no flow passes its bound, none starves', () => {
  check(anySystem, (system) => {
    const rates = solve(system);
    for (const [r, usage] of usages(system, rates).entries())
      assert.ok(usage <= system.capacities[r]! * (1 + 1e-9));
    for (const [f, rate] of rates.entries()) assert.ok(rate > 0 && rate <= system.flows[f]!.bound);
  });
});

test('every flow is at its bound or has the largest rate / weight on a saturated resource', () => {
  check(anySystem, (system) => {
    const rates = solve(system);
    const usage = usages(system, rates);
    const level = rates.map((rate, f) => rate / system.flows[f]!.weight);
    for (const [f, { bound, uses }] of system.flows.entries()) {
      const held = uses.some(({ resource }) => {
        const others = system.flows.flatMap((other, o) =>
          other.uses.some((use) => use.resource === resource) ? [level[o]!] : [],
        );
        const full = usage[resource]! >= system.capacities[resource]! * (1 - 1e-9);
        return full && level[f]! >= Math.max(...others) * (1 - 1e-9);
      });
      assert.ok(held || rates[f]! >= bound * (1 - 1e-9), `flow ${f} could be faster`);
    }
  });
});

// From here on values are moderate: what a large flow leaves of a resource, to 1e-16 of its capacity, may be the whole of
// a flow a million times smaller.
test('the order of flows and resources does not matter', () => {
  check(moderateSystem, (system) => {
    const { capacities, flows } = system;
    const mirrored = flows.toReversed().map(({ bound, weight, uses }) => ({
      bound,
      weight,
      uses: uses.map((use) => ({ ...use, resource: capacities.length - 1 - use.resource })),
    }));
    near(solve({ capacities: capacities.toReversed(), flows: mirrored }).toReversed(), solve(system));
  });
});

test('rates scale with capacities and bounds, and do not depend on the scale of weights', () => {
  check(moderateSystem, ({ capacities, flows }) => {
    const scaled = flows.map((f) => ({ ...f, bound: f.bound * 1000, weight: f.weight * 7 }));
    const expected = solve({ capacities, flows }).map((rate) => rate * 1000);
    near(solve({ capacities: capacities.map((c) => c * 1000), flows: scaled }), expected);
  });
});

// More capacity may slow a single flow: another that it frees elsewhere may then press harder on a resource they share.
test('more capacity never lowers the sorted rate / weight, compared from the smallest on', () => {
  check(
    fc.tuple(moderateSystem, fc.nat(), fc.double({ min: 1, max: 4, noNaN: true })),
    ([system, pick, factor]) => {
      const { flows } = system;
      const chosen = pick % system.capacities.length;
      const capacities = system.capacities.map((c, r) => (r === chosen ? c * factor : c));
      const sorted = (rates: number[]) => rates.map((x, f) => x / flows[f]!.weight).sort((a, b) => a - b);
      const before = sorted(solve(system));
      const after = sorted(solve({ capacities, flows }));
      const first = before.findIndex((level, i) => Math.abs(level - after[i]!) > 1e-9 * level);
      assert.ok(first < 0 || after[first]! > before[first]!);
    },
  );
});

test('agrees with water filling by bisection', () => {
  check(systems(6, 8, moderate), (system) => near(solve(system), fillByBisection(system), 1e-5));
});

const refused: { name: string; system: System; message: RegExp }[] = [
  {
    name: 'nothing limits',
    system: { capacities: [], flows: [flow([])] },
    message: /flow 0: crosses no resource/,
  },
  { name: 'capacity 0', system: { capacities: [0], flows: [] }, message: /resource 0: capacity.* got 0/ },
  {
    name: 'weight 0',
    system: { capacities: [1], flows: [flow([0], { weight: 0 })] },
    message: /weight.* got 0/,
  },
  {
    name: 'bound 0',
    system: { capacities: [1], flows: [flow([0], { bound: 0 })] },
    message: /bound above 0/,
  },
  {
    name: 'no such resource',
    system: { capacities: [1], flows: [flow([1])] },
    message: /no resource 1, there are 1/,
  },
  {
    name: 'coefficient',
    system: { capacities: [1], flows: [flow([0], { coefficients: [-1] })] },
    message: /coefficient on resource 0.* got -1/,
  },
];

for (const { name, system, message } of refused) {
  test(`refuses: ${name}`, () => {
    assert.throws(() => solve(system), message);
  });
}

test.run();

function check<T>(arbitrary: fc.Arbitrary<T>, law: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, law), { seed, numRuns });
}

/**
 * The definition, taken literally and slowly: find by bisection the highest level that all flows which still rise can
 * have; then settle those that cannot rise any further on their own. Tells nothing of which resource fills when.
 */
function fillByBisection(system: System): number[] {
  const { flows, capacities } = system;
  const settled = flows.map(() => Number.NaN);
  const rates = (level: number) =>
    flows.map(({ bound, weight }, f) =>
      Number.isNaN(settled[f]!) ? Math.min(bound, weight * level) : settled[f]!,
    );
  // A flow whose room is under 1e-7 of its rate counts as stuck; that costs it no more than this room.
  const fits = (x: number[], slack: number) =>
    usages(system, x).every((u, r) => u <= capacities[r]! * (1 + slack));
  while (settled.some(Number.isNaN)) {
    let low = 1e-20;
    let high = 1e20;
    for (let i = 0; i < 200; i++) {
      const middle = Math.sqrt(low * high);
      if (fits(rates(middle), 1e-13)) low = middle;
      else high = middle;
    }
    const reached = rates(low);
    const stuck = flows.flatMap(({ bound }, f) => {
      if (!Number.isNaN(settled[f]!)) return [];
      const raised = reached.map((x, other) => (other === f ? x * (1 + 1e-7) : x));
      return raised[f]! > bound || !fits(raised, 1e-11) ? [f] : [];
    });
    assert.ok(stuck.length > 0);
    for (const f of stuck) settled[f] = reached[f]!;
  }
  return settled;
}
