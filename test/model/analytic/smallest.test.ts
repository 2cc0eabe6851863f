import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { smallest } from '../../../model/analytic/smallest.ts';

const search = suite('the smallest value that satisfies');

/** A bisection that asks at every halving, which the search must end like. */
function halved(satisfies: (value: number) => boolean, low: number, high: number): number | null {
  if (!satisfies(high)) return null;
  if (satisfies(low)) return low;
  let [below, above] = [low, high];
  for (let step = 0; step < 24 && above / below > 1.0005; step += 1) {
    const middle = Math.sqrt(below * above);
    if (satisfies(middle)) above = middle;
    else below = middle;
  }
  return above;
}

/** Where the curve crosses 0, how steep it is there, how it bends below, and the share of the curve above that is flat. */
const curves = fc.record({
  crossing: fc.double({ min: -1, max: 15, noNaN: true }),
  slope: fc.double({ min: 0.05, max: 100, noNaN: true }),
  bend: fc.double({ min: 0.3, max: 3, noNaN: true }),
  floor: fc.double({ min: 0.001, max: 10, noNaN: true }),
  start: fc.double({ min: 0, max: 14, noNaN: true }),
});

search('is found to a twentieth of a per cent, from above, whatever the start', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 5.99, noNaN: true }), curves, (exponent, { start }) => {
      const threshold = 10 ** exponent;
      const found = smallest((x) => Math.log(threshold / x), 1, 1e6, Math.exp(start))!;
      assert.ok(found >= threshold && found <= threshold * 1.0005, `${found} for ${threshold}`);
    }),
  );
});

search('is what halving finds, to the last bit, from fewer values', () => {
  const counts = { asked: 0, halving: 0 };
  fc.assert(
    fc.property(curves, ({ crossing, slope, bend, floor, start }) => {
      const excess = (value: number) => {
        const distance = crossing - Math.log(value);
        return distance > 0 ? slope * distance ** bend : Math.max(-floor, slope * distance);
      };
      let asked = 0;
      const found = smallest(
        (value) => {
          asked += 1;
          return excess(value);
        },
        1,
        4e6,
        Math.exp(start),
      );
      let halving = 0;
      const satisfies = (value: number) => {
        halving += 1;
        return excess(value) <= 0;
      };
      assert.is(found, halved(satisfies, 1, 4e6));
      assert.ok(asked <= 16 + halving, `${asked} values asked for`);
      if (found === null || found === 1) return;
      counts.asked += asked;
      counts.halving += halving;
    }),
    { numRuns: 2000 },
  );
  assert.ok(counts.asked < 0.7 * counts.halving, `${counts.asked} of ${counts.halving}`);
});

search('is the lower end if that does, and null if nothing does', () => {
  const step = (at: number) => (x: number) => (x >= at ? -1 : 1);
  for (const start of [0.5, 3, 100]) {
    assert.is(smallest(step(0), 0.5, 100, start), 0.5);
    assert.is(smallest(step(100), 0.5, 100, start)! > 99, true);
    assert.is(smallest(step(101), 0.5, 100, start), null);
  }
});

search('of a curve with a jump is where it jumps', () => {
  for (const jump of [1.5, 777, 3.3e6]) {
    const found = smallest((x) => (x >= jump ? -1e-5 : 3 - Math.log(x) / 10), 1, 4e6, 1000)!;
    assert.ok(found >= jump && found <= jump * 1.0005, `${found} for ${jump}`);
  }
});

search.run();
