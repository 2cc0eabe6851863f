import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { numberQueue } from '../../../model/analytic/copyQueue.ts';
import { besideTimeSlices } from '../../../model/analytic/timeSlices.ts';

const test = suite('a staged piece beside a full prefetch stream');

/** A piece is written in 1 s and read in 1 s; a slice of the prefetch lasts 2 s from the last read on. */
for (const [sinceReadS, seconds] of [
  [0, 1 + 1 + 1],
  [0.5, 1 + 0.5 + 1],
  [1, 1 + 1],
  [Number.POSITIVE_INFINITY, 1 + 1],
] as const) {
  test(`${sinceReadS} s after a read: write 1 + what is left of the slice of 2 + read 1 = ${seconds}`, () => {
    const queue = numberQueue();
    queue.push({ block: 0, issuedBy: 0, window: 0, moveS: 20, pauseS: 0, chunks: 20 });
    const staged = { pieces: 1, pieceS: 1, aloneS: 2, sliceS: 2, gapS: 0, chunkS: 1, pauseS: 0, sinceReadS };
    assert.is(besideTimeSlices(queue, staged), seconds);
    // The prefetch has the engine until the piece is read.
    assert.is(queue.allLeftS, 20 - (seconds - 1));
  });
}

test.run();
