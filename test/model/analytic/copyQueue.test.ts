import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { numberQueue } from '../../../model/analytic/copyQueue.ts';
import type { Sharing } from '../../../model/analytic/copyRun.ts';

const shares = (h2d: number, collective: number): Sharing<number> => ({ h2d, collective, longerPauseS: 0 });
const half = shares(0.5, 0.5);
const near = (value: number, expected: number) =>
  assert.ok(
    Math.abs(value - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
    `expected ${expected}, got ${value}`,
  );
/** Each run is two chunks. */
const queueOf = (...runs: [block: number, moveS: number, pauseS: number][]) => {
  const queue = numberQueue();
  for (const [block, moveS, pauseS] of runs)
    queue.push({ block, issuedBy: 0, window: 0, moveS, pauseS, chunks: 2 });
  return queue;
};

const alone = suite('copies with the link to themselves');

alone('what is left of a block counts what is queued before it', () => {
  const queue = queueOf([1, 3, 1], [2, 2, 0], [3, 5, 0.5]);
  assert.equal(
    [0, 1, 2, 3, 9].map((block) => queue.leftS(block)),
    [0, 4, 6, 11.5, 11.5],
  );
  near(queue.allLeftS, 11.5);
  queue.alone(3);
  assert.equal(
    [1, 2, 3].map((block) => queue.leftS(block)),
    [1, 3, 8.5],
  );
  queue.alone(2);
  assert.equal(
    [1, 2, 3].map((block) => queue.leftS(block)),
    [0, 1, 6.5],
  );
  assert.not(queue.empty);
  queue.alone(100);
  assert.ok(queue.empty);
  assert.is(queue.allLeftS, 0);
});

alone('a block that is copied in several parts has landed with the last of them', () => {
  assert.is(queueOf([1, 1, 0], [2, 1, 0], [1, 1, 0]).leftS(1), 3);
});

alone('a run of no length is none', () => {
  assert.ok(queueOf([1, 0, 0]).empty);
});

alone.run();

const beside = suite('copies beside a collective');

const CASES: [
  what: string,
  runs: [number, number, number][],
  workS: number,
  sharing: Sharing<number>,
  lasts: number,
  left: number,
][] = [
  ['an empty queue does not hold it up', [], 2, half, 2, 0],
  ['no work takes no time', [[1, 3, 0]], 0, half, 0, 3],
  // Both at half speed until the collective is done, 4 s; 2 of the 5 s of copying are done by then.
  ['copies outlast it', [[1, 5, 0]], 2, half, 4, 3],
  // 1 s of copying takes 2 s, in which 1 of 3 s of the collective is done; the other 2 it has the link to itself.
  ['it outlasts the copies', [[1, 1, 0]], 3, half, 4, 0],
  ['both end together', [[1, 2, 0]], 2, half, 4, 0],
  // Separate links: neither notices.
  ['nothing is shared', [[1, 5, 0]], 2, shares(1, 1), 2, 3],
  // The collective at 0.6 needs 5 s for 3; copies at 0.8 do 4 s of theirs meanwhile.
  ['uneven shares', [[1, 10, 0]], 3, shares(0.8, 0.6), 5, 6],
  // Two chunks of 1 s at half speed and 1 s of longer pause each: 6 s, in which the collective gets 4 x 0.5 + 2 = 4 s done.
  ['longer pauses are left to it too', [[1, 2, 0]], 2, { ...half, longerPauseS: 1 }, 3, 1],
  // 1 s of bytes takes 2 s at half speed, then 2 s of pause: 4 s in which the collective gets 2 x 0.5 + 2 = 3 s done,
  // three quarters of full speed. For 1.5 s it takes 2 s, half of the run, bytes and pauses alike.
  ['pauses are left to it', [[1, 1, 2]], 1.5, half, 2, 1.5],
  // First run: 2 s with 1 s of work done; second: 1 s of pauses, 1 s done; then 1 s by itself.
  [
    'one run after the other',
    [
      [1, 1, 0],
      [2, 0, 1],
    ],
    3,
    half,
    4,
    0,
  ],
];
for (const [what, runs, workS, sharing, lasts, left] of CASES) {
  beside(`${what}: ${workS} s take ${lasts} s, ${left} s of copies are left`, () => {
    const queue = queueOf(...runs);
    near(queue.beside(workS, sharing), lasts);
    near(queue.allLeftS, left);
  });
}

const runs = fc.array(
  fc.tuple(
    fc.constant(1),
    fc.integer({ min: 0, max: 5000 }).map((milliseconds) => milliseconds / 1000),
    fc.integer({ min: 0, max: 500 }).map((milliseconds) => milliseconds / 1000),
  ),
  { maxLength: 6 },
);
const share = fc.integer({ min: 5, max: 100 }).map((percent) => percent / 100);
const seconds = fc.integer({ min: 0, max: 20_000 }).map((milliseconds) => milliseconds / 1000);

beside('with halves work is conserved: link time spent is the time that passes while both are there', () => {
  fc.assert(
    fc.property(runs, seconds, (given, workS) => {
      // Without pauses, equal halves of one link: collective + copies done = seconds that pass.
      const queue = queueOf(...given.map(([block, moveS]): [number, number, number] => [block, moveS, 0]));
      const before = queue.allLeftS;
      const lasts = queue.beside(workS, half);
      near(workS + (before - queue.allLeftS), lasts);
    }),
  );
});

beside('a collective takes between its own time and that at its share, longer for more copies', () => {
  fc.assert(
    fc.property(runs, runs, seconds, share, share, (given, more, workS, h2d, collective) => {
      const some = queueOf(...given).beside(workS, shares(h2d, collective));
      const all = queueOf(...given, ...more).beside(workS, shares(h2d, collective));
      assert.ok(some >= workS - 1e-9 && some <= workS / collective + 1e-9, `${some} for ${workS}`);
      assert.ok(all >= some - 1e-9);
    }),
  );
});

beside('waiting in two parts is waiting once', () => {
  fc.assert(
    fc.property(runs, seconds, seconds, (given, first, second) => {
      const parts = queueOf(...given);
      parts.alone(first);
      parts.alone(second);
      const once = queueOf(...given);
      once.alone(first + second);
      assert.ok(Math.abs(parts.allLeftS - once.allLeftS) < 1e-9);
      const total = given.reduce((sum, [, moveS, pauseS]) => sum + moveS + pauseS, 0);
      assert.ok(Math.abs(once.allLeftS - Math.max(0, total - first - second)) < 1e-9);
    }),
  );
});

beside.run();
