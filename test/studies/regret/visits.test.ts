import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { middleVisitS, visitNoise } from '../../../studies/regret/visits.ts';

const near = (value: number | null, expected: number) =>
  assert.ok(value !== null && Math.abs(value - expected) < 1e-12, `expected ${expected}, got ${value}`);

const visits = suite('what visits agree on');
for (const [what, visitS, middleS, noise] of [
  ['one says nothing of its noise', [7], 7, null],
  ['of two: half their distance', [9.9, 10.1], 10, 0.01],
  ['of three, one disturbed', [10, 14, 9.9], 10, 0.01],
  ['of four, one disturbed', [10, 20, 10.2, 9.8], 10.1, 0.2 / 10.1],
  ['of six, two disturbed', [10, 30, 10.1, 9.9, 25, 10], 10.05, 0.1 / 10.05],
  ['all alike', [5, 5, 5], 5, 0],
] as const) {
  visits(what, () => {
    near(middleVisitS(visitS), middleS);
    if (noise === null) assert.is(visitNoise(visitS), null);
    else near(visitNoise(visitS), noise);
  });
}

visits('a visit that is disturbed more changes nothing', () => {
  const of = (worst: number) => [middleVisitS([10, worst, 9.9, 10.2]), visitNoise([10, worst, 9.9, 10.2])];
  assert.equal(of(12), of(1200));
});

visits.run();
