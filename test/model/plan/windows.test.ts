import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dealChunks, fractionsToShares, issuerOf, windowsOf } from '../../../model/plan/windows.ts';
import type { CollectiveSegment, ComputeSegment } from '../../../model/workload/workload.ts';

const test = suite('chunks dealt to hiding windows');

const DEALT: [what: string, bytes: number, chunk: number, shares: number[], expected: number[]][] = [
  // 100 = 6 x 16 + 4, 7 chunks: 7 x 3/4 = 5.25 and 7/4 = 1.75; the larger remainder gets the seventh, the short one.
  ['the short chunk falls to the last window', 100, 16, [3, 1], [80, 20]],
  ['it stays in the first if that has them all', 100, 16, [1, 0], [100, 0]],
  ['one window', 100, 16, [2.5], [100]],
  ['no windows of any length: all in the first', 100, 16, [0, 0], [100, 0]],
  ['fewer chunks than windows', 32, 16, [1, 1, 1], [16, 16, 0]],
  // 10 chunks by 0.5, 0.3, 0.2 come out even.
  ['even shares', 100, 10, [0.5, 0.3, 0.2], [50, 30, 20]],
  // 10 chunks by thirds: 3.33 each, one left for the first of equal remainders.
  ['equal remainders: the earlier window', 100, 10, [1, 1, 1], [40, 30, 30]],
  // 10 chunks by 0.46, 0.35, 0.19: 4 + 3 + 1 and remainders 0.6, 0.5, 0.9: the two left go to the third and first.
  ['the largest remainders', 100, 10, [0.46, 0.35, 0.19], [50, 30, 20]],
  ['chunk larger than the block', 100, Number.POSITIVE_INFINITY, [1, 3], [0, 100]],
  ['nothing to deal', 0, 16, [1, 1], [0, 0]],
  ['an empty window in the middle gets nothing', 96, 16, [1, 0, 1], [48, 0, 48]],
];
for (const [what, bytes, chunk, shares, expected] of DEALT) {
  test(what, () => assert.equal(dealChunks(bytes, chunk, shares), expected));
}

const SHARES: [fractions: number[], windows: number, expected: number[]][] = [
  [[0.25, 0.25], 3, [0.25, 0.25, 0.5]],
  [[0.25], 3, [0.25, 0, 0.75]],
  [[0.25, 0.75], 3, [0.25, 0.75, 0]],
  [[1], 1, [1]],
  [[0.5], 1, [1]],
  // More fractions than windows: those beyond are dropped, the last window takes the rest.
  [[0.25, 0.25, 0.5], 2, [0.25, 0.75]],
];
for (const [fractions, windows, expected] of SHARES) {
  test(`${fractions.join('/')} of ${windows} windows`, () =>
    assert.equal(fractionsToShares(fractions, windows), expected));
}

const dealt = fc.record({
  bytes: fc.integer({ min: 0, max: 2 ** 31 }),
  chunk: fc.oneof(fc.integer({ min: 2 ** 16, max: 2 ** 28 }), fc.constant(Number.POSITIVE_INFINITY)),
  shares: fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1, noNaN: true })), {
    minLength: 1,
    maxLength: 6,
  }),
});

test('bytes are conserved, every window has its share to within a chunk, only one chunk is short', () => {
  fc.assert(
    fc.property(dealt, ({ bytes, chunk, shares }) => {
      const windows = dealChunks(bytes, chunk, shares);
      assert.is(windows.length, shares.length);
      assert.is(
        windows.reduce((sum, value) => sum + value, 0),
        bytes,
      );
      const size = Math.min(chunk, bytes);
      const total = shares.reduce((sum, share) => sum + share, 0);
      const last = windows.findLastIndex((value) => value > 0);
      for (const [index, value] of windows.entries()) {
        assert.ok(value >= 0);
        if (index !== last && size > 0) assert.is(value % size, 0, `window ${index} holds part of a chunk`);
        if (total === 0) continue;
        // A chunk more or less than its share of the whole number of chunks.
        const count = size === 0 ? 0 : Math.ceil(bytes / size);
        const exact = (count * size * shares[index]!) / total;
        assert.ok(
          Math.abs(value - exact) <= size * (index === last ? 2 : 1) + 1,
          `window ${index}: ${value} for ${exact}`,
        );
      }
    }),
  );
});

test('the larger share never gets fewer chunks', () => {
  fc.assert(
    fc.property(dealt, ({ bytes, chunk, shares }) => {
      const size = Math.min(chunk, bytes);
      fc.pre(size > 0);
      const chunks = dealChunks(bytes, chunk, shares).map((value) => Math.ceil(value / size));
      for (const [a, share] of shares.entries()) {
        for (const [b, other] of shares.entries()) {
          if (share > other) assert.ok(chunks[a]! >= chunks[b]!, `${shares} got ${chunks}`);
        }
      }
    }),
  );
});

test('a block has a window more than collectives', () => {
  const compute = { kind: 'compute' } as ComputeSegment;
  const collective = { kind: 'collective' } as CollectiveSegment;
  assert.is(windowsOf({ segments: [] }), 1);
  assert.is(windowsOf({ segments: [compute, collective, compute, collective] }), 3);
});

test('a copy may be issued in an earlier pass, by the block that runs then', () => {
  for (const [issueAt, issuer] of [
    [0, 0],
    [39, 39],
    [-1, 39],
    [-40, 0],
    [-41, 39],
  ] as const)
    assert.is(issuerOf(issueAt, 40), issuer);
});

test.run();
