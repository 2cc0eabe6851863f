import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EventQueue } from '../../../sim/kernel/eventQueue.ts';

const seed = Number(process.env.FC_SEED ?? 1);
const test = suite('event queue');

interface Pending {
  time: number;
  payload: number;
}

/** Few distinct times, so that ties are common; with the extremes. */
const time = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.double({ noNaN: true }));

test('is empty at first', () => {
  const queue = new EventQueue();
  assert.is(queue.size, 0);
  assert.is(queue.peekTime(), Number.POSITIVE_INFINITY);
  assert.throws(() => queue.pop(), /empty/);
});

test('returns events in order of (time, sequence)', () => {
  fc.assert(
    fc.property(
      fc.array(time, { maxLength: 300, size: 'max' }),
      fc.integer({ min: 1, max: 8 }),
      (times, capacity) => {
        const queue = new EventQueue(capacity);
        for (const [payload, at] of times.entries()) queue.push(at, payload);
        // Array.prototype.sort is stable, so equal times keep the order in which they went in.
        const expected = times.map((at, payload) => ({ time: at, payload })).sort((a, b) => byTime(a, b));
        for (const event of expected) {
          assert.ok(queue.peekTime() === event.time);
          assert.is(queue.pop(), event.payload);
          assert.ok(queue.poppedTime === event.time);
        }
        assert.is(queue.size, 0);
      },
    ),
    { seed },
  );
});

test('agrees with a sorted list when pushes, pops and clears mix', () => {
  const operation = fc.oneof(
    { weight: 6, arbitrary: fc.record({ push: time }) },
    { weight: 5, arbitrary: fc.constant('pop' as const) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 400, size: 'max' }), (operations) => {
      const queue = new EventQueue(4);
      let list: Pending[] = [];
      for (const [payload, op] of operations.entries()) {
        if (op === 'clear') {
          queue.clear();
          list = [];
        } else if (op !== 'pop') {
          queue.push(op.push, payload);
          list.push({ time: op.push, payload });
          list.sort(byTime);
        } else if (list.length > 0) {
          assert.is(queue.pop(), list.shift()!.payload);
        }
        assert.is(queue.size, list.length);
        assert.ok(queue.peekTime() === (list[0]?.time ?? Number.POSITIVE_INFINITY));
      }
    }),
    { seed },
  );
});

test('is first in, first out among equals while it grows', () => {
  const queue = new EventQueue(4);
  for (let i = 0; i < 5000; i++) queue.push(1, i);
  for (let i = 0; i < 5000; i++) {
    assert.is(queue.pop(), i);
    // Later arrivals at the same time queue behind.
    if (i % 3 === 0) queue.push(1, -1 - i);
  }
  for (let i = 0; i < 5000; i += 3) assert.is(queue.pop(), -1 - i);
  assert.is(queue.size, 0);
});

test('keeps payloads to the full 32 bits', () => {
  const queue = new EventQueue();
  for (const payload of [2 ** 31 - 1, -(2 ** 31), 0, -1]) {
    queue.push(0, payload);
    assert.is(queue.pop(), payload);
  }
});

test('refuses NaN, takes Infinity', () => {
  const queue = new EventQueue();
  assert.throws(() => queue.push(Number.NaN, 5), /payload 5 is NaN/);
  queue.push(Number.POSITIVE_INFINITY, 1);
  queue.push(3, 2);
  assert.is(queue.pop(), 2);
  assert.is(queue.pop(), 1);
});

test.run();

/** Not `a.time - b.time`, which is NaN for two infinities. */
function byTime(a: Pending, b: Pending): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : 0;
}
