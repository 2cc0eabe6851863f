import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withoutLast } from '../../search/divisions.ts';
import { type Arrangement, sharedPages, usualArrangement } from '../../search/sharedPages.ts';

const test = suite('pages shared among blocks');

const CASES: readonly [number, number, Arrangement, readonly number[]][] = [
  [9, 4, 'front', [3, 2, 2, 2]],
  [10, 4, 'front', [3, 3, 2, 2]],
  [10, 4, 'spread', [3, 2, 3, 2]],
  [11, 4, 'spread', [3, 3, 3, 2]],
  [8, 4, 'spread', [2, 2, 2, 2]],
  [3, 7, 'spread', [1, 0, 1, 0, 1, 0, 0]],
  [0, 3, 'front', [0, 0, 0]],
  [5, 1, 'front', [5]],
];

for (const [pages, blocks, arrangement, shared] of CASES) {
  test(`${pages} pages among ${blocks} blocks, ${arrangement}: ${shared}`, () => {
    assert.equal(sharedPages(pages, blocks, arrangement), shared);
  });
}

test('every page is somewhere, no block has two more than another, and the first has no fewer', () => {
  for (const arrangement of ['front', 'spread'] as const) {
    for (let blocks = 1; blocks <= 60; blocks += 1) {
      for (let pages = 0; pages <= 2 * blocks; pages += 1) {
        const shared = sharedPages(pages, blocks, arrangement);
        assert.is(
          shared.reduce((sum, own) => sum + own, 0),
          pages,
        );
        assert.ok(Math.max(...shared) - Math.min(...shared) <= 1);
        assert.is(shared[0], Math.max(...shared));
      }
    }
  }
});

test('spread ones are as far from each other as their number allows', () => {
  const places = sharedPages(60 * 2 + 7, 60, 'spread').flatMap((pages, place) =>
    pages === 3 ? [place] : [],
  );
  assert.equal(places, [0, 8, 17, 25, 34, 42, 51]);
});

test('in a row with two buffers, spread with more', () => {
  assert.equal([1, 2, 3, 4].map(usualArrangement), ['front', 'front', 'spread', 'spread']);
});

test('what is not copied any more is the end of all bytes', () => {
  assert.equal(withoutLast([40, 8], 10), [38, 0]);
  assert.equal(withoutLast([40, 8, 0], 8), [40, 0, 0]);
  assert.equal(withoutLast([40, 8], 0), [40, 8]);
});

test.run();
