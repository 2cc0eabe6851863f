import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Axis, type Grid, indexOf, valuesAt } from '../../../studies/sweep/grid.ts';
import { pointAt } from '../../../studies/sweep/points.ts';
import type { Ask } from '../../../studies/sweep/sweepFormat.ts';
import { Tasks, taskNumbers } from '../../../studies/sweep/tasks.ts';

const test = suite("a sweep's points and tasks");

function gridOf(lengths: readonly number[], block = 1, ask: Ask = 'predict', name = 'one'): Grid {
  const axes = lengths.map(
    (length, index): Axis => ({
      name: ['source', 'machine', 'sp', 'plan'][index] ?? `axis ${index}`,
      values: Array.from({ length }, (_, value) =>
        index === 0 ? { model: `m${value}` } : `${index}:${value}`,
      ),
    }),
  );
  return { name, ask, front: null, axes, points: lengths.reduce((all, length) => all * length, 1), block };
}

test('a point is its number, and back', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(lengths, fc.nat(), (of, seed) => {
      const grid = gridOf(of);
      const index = seed % grid.points;
      const values = [...valuesAt(grid, index)];
      const places = values.map(([axis, value]) => axis.values.indexOf(value));
      assert.is(indexOf(grid, places), index);
      assert.equal(
        values.map(([axis]) => axis),
        grid.axes,
      );
    }),
  );
});

test('the last axis is the fastest, and the first is first', () => {
  const grid = gridOf([2, 3]);
  const texts = Array.from({ length: 6 }, (_, index) =>
    [...valuesAt(grid, index).values()].map((value) => JSON.stringify(value)),
  );
  assert.equal(texts[0], ['{"model":"m0"}', '"1:0"']);
  assert.equal(texts[1], ['{"model":"m0"}', '"1:1"']);
  assert.equal(texts[3], ['{"model":"m1"}', '"1:0"']);
});

test('tasks hold every point once, within one grid, and whole blocks where these are small', () => {
  const asks = fc.constantFrom<Ask>('predict', 'simulate', 'plan');
  const grids = fc.array(
    fc.record({ of: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }), ask: asks }),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(grids, (given) => {
      const all = given.map(({ of, ask }, index) => gridOf(of, of.at(-1)!, ask, `g${index}`));
      const tasks = new Tasks(all);
      let next = 0;
      for (let number = 0; number < tasks.count; number += 1) {
        const task = tasks.at(number);
        assert.is(task.first, next);
        assert.ok(task.points > 0);
        const ends = all.map((_, index) =>
          all.slice(0, index + 1).reduce((sum, grid) => sum + grid.points, 0),
        );
        const place = ends.findIndex((end) => task.first < end);
        assert.ok(task.first + task.points <= ends[place]!, 'in one grid');
        const { block, points } = all[place]!;
        if (block <= 4) assert.ok((task.first - (ends[place]! - points)) % block === 0, 'whole blocks');
        next += task.points;
      }
      assert.is(
        next,
        all.reduce((sum, grid) => sum + grid.points, 0),
      );
    }),
  );
});

test('a sweep of a thousand million points is counted and looked up without being made', () => {
  const grid = gridOf([1000, 100, 100, 100], 100);
  const sweep = {
    ...{
      name: 'large',
      file: 'large.yaml',
      folder: '.',
      doubt: true,
      breakEven: false,
      hash: '',
      inputs: [],
    },
    ...{ grids: [grid], points: grid.points },
  };
  const tasks = new Tasks([grid]);
  assert.is(tasks.count, 1e6);
  assert.equal(tasks.at(999_999), { number: 999_999, first: 999_999_000, points: 1000 });
  const { asked, block, plan } = pointAt(sweep, 999_999_999);
  assert.is(plan, '3:99');
  assert.equal(asked.get('source'), { model: 'm999' });
  assert.is(block, 9_999_999);
  assert.throws(() => pointAt(sweep, 1e9), /point 1000000000 of 1000000000/);
});

test('numbers of tasks, as people write them', () => {
  assert.equal(taskNumbers('3,7-9', 10), [3, 7, 8, 9]);
  assert.equal(taskNumbers('9, 0-2 ,1', 10), [0, 1, 2, 9]);
  for (const [text, message] of [
    ['3,', /expected numbers and ranges such as 3,7-9/],
    ['9-7', /expected numbers/],
    ['2-10', /there is no task 10; the last of this sweep is 9/],
    ['-1', /expected numbers/],
    ['1.5', /expected numbers/],
  ] as const)
    assert.throws(() => taskNumbers(text, 10), message);
});

test.run();
