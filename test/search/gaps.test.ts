import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { gapCases, gapOf, gapStatistics } from '../../bench/gaps.ts';
import { loadSolver } from '../../search/solver.ts';

const highs = await loadSolver();
const test = suite('gaps between choices and lower bounds');

/** Of all cases one in so many: a number that has no factor in common with those of machines and caps. */
const EVERY = 29;

test('small on a sample of the catalogue, the machines and the caps; all of them are in the bench', () => {
  const sample = gapCases().filter((_, index) => index % EVERY === 0);
  const gaps = sample.flatMap((one) => gapOf(highs, one) ?? []);
  const { cases, median, p95, worst } = gapStatistics(gaps);
  assert.ok(cases > 25, `${cases} cases fit`);
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const said = `median ${percent(median)}, p95 ${percent(p95)}, worst ${percent(worst.gap)} (${worst.model} on ${worst.machine}, ${worst.cap})`;
  assert.ok(median < 0.03, said);
  assert.ok(worst.gap < 0.1, said);
});

test.run();
