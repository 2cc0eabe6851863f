import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CollectiveUnderWay } from '../../../model/analytic/collectiveUnderWay.ts';
import { numberQueue } from '../../../model/analytic/copyQueue.ts';
import { NUMBERS } from '../../../model/physics/arithmetic.ts';
import { overlapRoom } from '../../../model/physics/overlap.ts';
import { share } from '../../support/randomPlans.ts';

const test = suite('copies during compute with a collective beside it');

const near = (value: number, expected: number, what: string) =>
  assert.ok(Math.abs(value - expected) <= 1e-9 * Math.max(1, expected), `${what}: ${value} for ${expected}`);

/** Seconds until compute, collective and copies are all done, copies waiting from the start on. */
function walkedS(
  computeS: number,
  latencyS: number,
  moveS: number,
  copyS: number,
  rates: { h2d: number; collective: number },
): number {
  const queue = numberQueue();
  queue.push({ block: 0, issuedBy: 0, window: 0, moveS: copyS, pauseS: 0, chunks: 1 });
  const collective = new CollectiveUnderWay(NUMBERS, {
    ...{ latencyS, moveS },
    sharing: { ...rates, longerPauseS: 0 },
  });
  // In two parts, as attention and its merge are.
  collective.beside(queue, 0.7 * computeS);
  collective.beside(queue, 0.3 * computeS);
  return computeS + collective.finish(queue) + queue.allLeftS;
}

test('by hand: a send of 1 + 4 s beside 8 s of compute, which both halve each other with copies', () => {
  const rates = { h2d: 0.5, collective: 0.5 };
  // 1 s of start-up and 3 s behind the slowed send would be free; 3 s of slack give 3 s of copying beside it.
  assert.equal(overlapRoom(8, 1, 4, rates), { aloneS: 8, freeS: 4, beside: { roomS: 1, costPerS: 1 } });
  near(walkedS(8, 1, 4, 0, rates), 8, 'no copies');
  near(walkedS(8, 1, 4, 4, rates), 8, 'what is free');
  near(walkedS(8, 1, 4, 5, rates), 9, 'a second more');
});

test('by hand: beside 2 s of compute the send is what takes long', () => {
  assert.equal(overlapRoom(2, 1, 4, { h2d: 1, collective: 0.75 }), {
    aloneS: 5,
    freeS: 1,
    beside: { roomS: 4 / 0.75, costPerS: 0.25 },
  });
});

test('on links of their own, copies have all of the time', () => {
  const room = overlapRoom(3, 1, 4, { h2d: 1, collective: 1 });
  assert.is(room.aloneS, 5);
  assert.is(room.freeS, 5);
  assert.is(room.beside.roomS, 0);
});

test('the closed form takes what the law says of any copies, to the last second', () => {
  const seconds = share(0, 10);
  const retained = fc.tuple(share(0.05, 1), share(0, 1)).map(([collective, taken]) => ({
    collective,
    // At least a saturated link is used.
    h2d: 1 - collective * taken,
  }));
  fc.assert(
    fc.property(
      seconds,
      share(0, 2),
      seconds,
      share(0, 30),
      retained,
      (computeS, latencyS, moveS, copyS, rates) => {
        fc.pre(rates.h2d > 0.01);
        const { aloneS, freeS, beside } = overlapRoom(computeS, latencyS, moveS, rates);
        const besideS = Math.min(Math.max(0, copyS - freeS), beside.roomS);
        const waitedS = Math.max(0, copyS - freeS - beside.roomS);
        near(
          walkedS(computeS, latencyS, moveS, copyS, rates),
          aloneS + beside.costPerS * besideS + waitedS,
          JSON.stringify({ computeS, latencyS, moveS, copyS, rates }),
        );
      },
    ),
    { numRuns: 3000, seed: 7 },
  );
});

test.run();
