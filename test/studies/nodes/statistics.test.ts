import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { qn } from '../../../studies/nodes/qn.ts';
import { compareWith, leastZ, type NodeValue, othersOf } from '../../../studies/nodes/standOut.ts';
import { studentQuantile, studentTail } from '../../../studies/nodes/studentTail.ts';

const test = suite('nodes: statistics');
const near = (value: number, expected: number, share: number) =>
  assert.ok(Math.abs(value / expected - 1) < share, `${value}, expected ${expected}`);

test("Student's tail is that of tables, and of its closed forms", () => {
  // Two-sided quantiles of printed tables.
  for (const [free, tail, t] of [
    [1, 0.05, 12.706],
    [2, 0.05, 4.303],
    [5, 0.001, 6.869],
    [10, 0.001, 4.587],
    [30, 0.01, 2.75],
    [120, 0.05, 1.98],
  ] as const) {
    near(studentTail(t, free), tail, 2e-3);
    near(studentQuantile(tail, free), t, 3e-4);
  }
  // 1 - 2 atan(t) / pi, and 1 - t / sqrt(2 + t^2).
  for (const t of [0.01, 0.3, 1, 4, 30, 1000]) {
    near(studentTail(t, 1), (2 / Math.PI) * Math.atan(1 / t), 1e-10);
    near(studentTail(t, 2), 2 / (2 + t * t) / (1 + t / Math.sqrt(2 + t * t)), 1e-10);
    assert.is(studentTail(t, 7.5), studentTail(-t, 7.5));
  }
  assert.is(studentTail(0, 5), 1);
});

test('Qn: by hand, and half of the values may be anything', () => {
  // Of 4 values the 3rd smallest of 6 distances (h = 3): 0.1, 0.1, 0.2.
  near(qn([1, 1.1, 0.9, 7]), 2.2219 * 0.512 * 0.2, 1e-9);
  near(qn([1, 1.1, 0.9, 7e6]), 2.2219 * 0.512 * 0.2, 1e-9);
  near(qn([2, 5]), 2.2219 * 0.399 * 3, 1e-12);
  assert.is(qn([1]), 0);
  const [value, moved] = [[3, 1, 4, 1.5, 9, 2.6, 5.3], 100];
  near(qn(value.map((each) => 2 * each + moved)), 2 * qn(value), 1e-12);
});

const compareEach = (nodes: readonly NodeValue[], usual: number) =>
  othersOf(nodes).map((others, index) => compareWith(nodes[index]!, others, usual));
const of = (values: readonly number[], noise: number | null = null) =>
  values.map((value) => ({ value, noise }));

test('a node is held against the others alone: by hand', () => {
  // Others 0 and 0.02: their middle is 0.01, Qn = 0.399 * 2.2219 * 0.02; (4 * 0.03^2 + Qn^2 / 2) / 4.5, times 3/2.
  const [first] = compareEach(of([0.5, 0, 0.02]), 0.03);
  near(first!.apart, 0.49, 1e-12);
  const shown = 2.2219 * 0.399 * 0.02;
  near(first!.z, 0.49 / Math.sqrt(((4 * 0.03 ** 2 + shown ** 2 / 2) / 4.5) * 1.5), 1e-12);
  assert.is(first!.free, 4.5);
  // What the others show is never taken for less.
  near(compareEach(of([0.5, 0, 0.02]), 0.001)[0]!.z, 0.49 / (shown * Math.sqrt(1.5)), 1e-12);
  // Two nodes: only what is usual, twice.
  const [one, other] = compareEach(of([0, 0.3]), 0.01);
  near(other!.z, 0.3 / (0.01 * Math.SQRT2), 1e-12);
  assert.is(one!.z, -other!.z);
  assert.is(one!.free, 4);
});

test('noise within nodes makes the same distance count for less, most in the node that has it', () => {
  const quiet = compareEach(of([0, 0.01, 0.2]), 0.01)[2]!.z;
  const noisy = compareEach(of([0, 0.01, 0.2], 0.05), 0.01)[2]!.z;
  assert.ok(noisy < quiet / 3);
  const only = [...of([0, 0.01], 0.001), { value: 0.2, noise: 0.1 }];
  const spread = [...of([0, 0.01], 0.1 / Math.SQRT2), { value: 0.2, noise: 0.001 }];
  assert.ok(compareEach(only, 0.01)[2]!.z < compareEach(spread, 0.01)[2]!.z);
});

test("a node's own noise counts beside what sound nodes differ by: by hand", () => {
  const nodes = [{ value: 0.3, noise: 0.1 }, ...of([0, 0], 0.02)];
  const noise = (0.1 ** 2 + 2 * 0.02 ** 2) / 3;
  const moderated = (4 * (0.01 ** 2 + noise)) / 4.5;
  near(compareEach(nodes, 0.01)[0]!.z, 0.3 / Math.sqrt(moderated * 1.5 + 0.1 ** 2 - noise), 1e-12);
});

test('an ill node among the others hides no ill node and makes none', () => {
  const values = of([0, 0.004, -0.003, 0.006, -0.69, 0.001, -0.002, 0.11]);
  const { z } = { z: compareEach(values, 0.01).map((each) => Math.abs(each.z)) };
  const least = leastZ(4 + 6, values.length);
  assert.equal(
    z.map((each) => each > least),
    [false, false, false, false, true, false, false, true],
  );
});

test('of many nodes one that is ill is as far out, and a thousand take no minute', () => {
  const sound = Array.from({ length: 1000 }, (_, index) => 0.01 * Math.sin(index * index));
  const compared = compareEach(of([0.3, ...sound]), 0.01);
  const least = leastZ(compared[0]!.free, compared.length);
  assert.equal(
    compared.flatMap(({ z }, index) => (Math.abs(z) > least ? [index] : [])),
    [0],
  );
});

test('the level of a report is shared out: more comparisons ask for more', () => {
  near(leastZ(5, 1), 2.5706, 1e-4);
  near(leastZ(5, 50), 6.869, 1e-4);
  assert.ok(leastZ(20, 50) < leastZ(5, 50));
});

test.run();
