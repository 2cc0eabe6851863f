import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { meanMissedShare, missedShare } from '../../../model/physics/stagedReads.ts';

const MiB = 1024 * 1024;

function near(found: number, expected: number, within = 1e-9): void {
  assert.ok(Math.abs(found - expected) <= within, `${found} for ${expected}`);
}

const one = suite('share of a staged read that memory serves');

for (const [distance, cache, share] of [
  // Every byte that is written after it evicts a line at random: (1 - 1 / cache) ^ distance of them stay.
  [0, 48 * MiB, 0],
  [16 * MiB, 48 * MiB, 1 - Math.exp(-1 / 3)],
  [48 * MiB, 48 * MiB, 1 - 1 / Math.E],
  [1e15, 48 * MiB, 1],
  // No cache: memory serves all, also what has just been written.
  [0, 0, 1],
  [16 * MiB, 0, 1],
] as const)
  one(`${distance / MiB} MiB behind the write, ${cache / MiB} MiB of cache`, () =>
    near(missedShare(distance, cache), share),
  );

const mean = suite('on average over an exchange');

for (const [nearest, backlog, cache] of [
  [16, 0, 48],
  [16, 96, 48],
  [8, 1, 51.55],
  [16, 5000, 48],
] as const)
  mean(`${nearest} MiB at the least and up to ${backlog} MiB more, ${cache} MiB of cache`, () => {
    // The backlog rises to its peak and falls to nothing again: each distance between as often as any other.
    const steps = 100_000;
    let sum = 0;
    for (let step = 0; step < steps; step += 1)
      sum += missedShare((nearest + (backlog * (step + 0.5)) / steps) * MiB, cache * MiB);
    near(meanMissedShare(nearest * MiB, backlog * MiB, cache * MiB), sum / steps, 1e-6);
  });

mean('without a cache memory serves all', () => assert.is(meanMissedShare(16 * MiB, 0, 0), 1));

one.run();
mean.run();
