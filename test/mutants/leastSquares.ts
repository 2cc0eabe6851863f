import type { MutantGroup } from './mutant.ts';

/** The fit: estimates, intervals, and what it refuses to say. */
export const LEAST_SQUARES: readonly MutantGroup[] = [
  {
    file: 'model/leastSquares/intervals.ts',
    tests: ['test/model/leastSquares/intervalTerms.test.ts'],
    mutants: [
      {
        breaks: 'a sample that lacks the readings of a parameter counts',
        original: 'const step = lacks ? null : dampedStep(equations, 0);',
        mutated: 'const step = dampedStep(equations, 0);',
      },
      {
        breaks: 'every sample lacks readings',
        original: 'row[index]! < LEAST_SHARE * whole',
        mutated: 'row[index]! < 5 * whole',
      },
      {
        breaks: 'a lower end is at the percentile of 10 %',
        original: '-widen * quantileSorted(sorted, 0.025)',
        mutated: '-widen * quantileSorted(sorted, 0.1)',
      },
      {
        breaks: 'an upper end is at the percentile of 90 %',
        original: 'widen * quantileSorted(sorted, 0.975)',
        mutated: 'widen * quantileSorted(sorted, 0.9)',
      },
      {
        breaks: 'both ends are that of the upper percentile',
        original: '-widen * quantileSorted(sorted, 0.025)',
        mutated: 'widen * quantileSorted(sorted, 0.975)',
      },
      {
        breaks: 'few samples decide',
        original: 'if (sorted.length < samples / 2) return { below: half, above: half };',
        mutated: 'if (sorted.length === 0) return { below: half, above: half };',
      },
      {
        breaks: 'samples of few clusters are as wide as those of many',
        original: 'wider * (student / NORMAL_95) * Math.sqrt(clusters.length / free)',
        mutated: 'wider',
      },
      {
        breaks: 'the narrower of two intervals is taken below',
        original: 'below: Math.max(half, -widen',
        mutated: 'below: Math.min(half, -widen',
      },
      {
        breaks: 'the narrower of two intervals is taken above',
        original: 'above: Math.max(half, widen',
        mutated: 'above: Math.min(half, widen',
      },
      {
        breaks: 'the covariance counts as if normal, without the clusters that are left',
        original: 'wider * student * error',
        mutated: 'wider * NORMAL_95 * error',
      },
      {
        breaks: 'parameters take no degree of freedom',
        original: 'Math.max(1, clusters.length - count)',
        mutated: 'Math.max(1, clusters.length)',
      },
      {
        breaks: 'readings are drawn one by one, not by cluster',
        original: 'for (const row of clusters[Math.floor(random() * clusters.length)]!) times[row]! += 1;',
        mutated: 'times[Math.floor(random() * times.length)]! += 1;',
      },
      {
        breaks: "Student's distribution is normal for one degree of freedom",
        original: 'if (free <= 1) return 12.706;',
        mutated: 'if (free < 1) return 12.706;',
      },
      {
        breaks: "Student's distribution is expanded for two degrees of freedom",
        original: 'if (free <= 2) return 4.303;',
        mutated: 'if (free < 2) return 4.303;',
      },
      {
        breaks: "the first term of Student's expansion has the wrong sign",
        original: 'const first = (z ** 3 + z) / 4;',
        mutated: 'const first = (z ** 3 - z) / 4;',
      },
      {
        breaks: "the second term of Student's expansion is left out",
        original: '+ second / free ** 2',
        mutated: '',
      },
      {
        breaks: "the third term of Student's expansion is left out",
        original: '+ third / free ** 3',
        mutated: '',
      },
      {
        breaks: "the last part of the third term of Student's expansion has the wrong sign",
        original: '17 * z ** 3 - 15 * z',
        mutated: '17 * z ** 3 + 15 * z',
      },
    ],
  },
  {
    file: 'model/leastSquares/covariance.ts',
    tests: ['test/model/leastSquares/intervalTerms.test.ts'],
    mutants: [
      {
        breaks: 'the variance does not count parameters as fitted',
        original: 'squares / Math.max(1, rows.length - inverted.length)',
        mutated: 'squares / Math.max(1, rows.length)',
      },
      {
        breaks: 'what clusters share is left out',
        original: 'if (rows.length === clusters.length) return independent;',
        mutated: 'return independent;',
      },
      {
        breaks: 'a parameter that one cluster decides is exact',
        original: 'Math.max(error, Math.sqrt(',
        mutated: 'Math.max(0, Math.sqrt(',
      },
      {
        breaks: 'a cluster that draws the fit to itself looks quieter than it is',
        original: 'dot(vector, residuals) / Math.sqrt(value)',
        mutated: 'dot(vector, residuals)',
      },
      {
        breaks: 'squares of residuals do not count by weight',
        original: 'weights[row]! * residuals[row]! ** 2',
        mutated: 'residuals[row]! ** 2',
      },
    ],
  },
  {
    file: 'model/leastSquares/fit.ts',
    tests: ['test/model/leastSquares/refusals.test.ts'],
    mutants: [
      {
        breaks: 'as many readings as parameters decide them',
        original: 'if (clusters <= parameters) {',
        mutated: 'if (clusters < parameters) {',
      },
      {
        breaks: 'readings that weigh nothing are counted',
        original: 'if (weights[row] === 0) continue;',
        mutated: '',
      },
      {
        breaks: 'a refused parameter is at 0, not at its start',
        original: '.map(({ name, start, refusedAt = start }) => [name, refusedAt]),',
        mutated: '.map(({ name }) => [name, 0]),',
      },
      {
        breaks: 'repeats of one case are readings by themselves',
        original: 'problem.cluster?.(reading) ?? String(row)',
        mutated: 'String(row)',
      },
      {
        breaks: 'an interval too wide to say anything is reported',
        original: 'if (spreads !== null) refused.push(...tooWide(residuals, best, spreads));',
        mutated: '',
      },
      {
        breaks: 'the lower end of an interval lies above',
        original: 'best.places[index]! - spreads![index]!.below',
        mutated: 'best.places[index]! + spreads![index]!.below',
      },
    ],
  },
  {
    file: 'model/leastSquares/identifiability.ts',
    tests: ['test/model/leastSquares/refusals.test.ts'],
    mutants: [
      {
        breaks: 'a parameter that no reading depends on is decided',
        original: '< NO_EFFECT) found',
        mutated: '< 0) found',
      },
      {
        breaks: 'a bound that the readings push to is a result',
        original: 'if (!isAtBound(parameter, value)) continue;',
        mutated: 'continue;',
      },
      {
        breaks: 'an interval is as wide as its lower half',
        original: 'if (below + above <= widest) return [];',
        mutated: 'if (below <= widest) return [];',
      },
    ],
  },
  {
    file: 'model/leastSquares/levenbergMarquardt.ts',
    tests: ['test/model/leastSquares/searchTerms.test.ts', 'test/model/leastSquares/weights.test.ts'],
    mutants: [
      {
        breaks: 'a reading far off has no less weight',
        original: '(size <= limit ? 1 : limit / size)',
        mutated: '1',
      },
      {
        breaks: 'the loss beyond the limit is not continuous',
        original: '2 * limit * size - limit ** 2',
        mutated: '2 * limit * size',
      },
      {
        breaks: 'a step that makes it worse is taken',
        original: ' || nextCost > cost) {',
        mutated: ') {',
      },
      {
        breaks: 'readings that weigh nothing make the noise small',
        original: 'rootWeights[row]! > 0 ? [',
        mutated: 'true ? [',
      },
    ],
  },
  {
    file: 'model/leastSquares/multiStart.ts',
    tests: ['test/model/leastSquares/searchTerms.test.ts', 'test/model/leastSquares/weights.test.ts'],
    mutants: [
      {
        breaks: 'of several searches the worst is kept',
        original: 'other.cost < kept.cost ? other : kept',
        mutated: 'other.cost > kept.cost ? other : kept',
      },
      {
        breaks: 'searches that ended elsewhere agree',
        original: 'cost <= best.cost * (1 + SAME_COST) + 1e-15',
        mutated: 'cost >= best.cost',
      },
    ],
  },
  {
    file: 'model/leastSquares/transform.ts',
    tests: ['test/model/leastSquares/searchTerms.test.ts', 'test/model/leastSquares/weights.test.ts'],
    mutants: [
      {
        breaks: 'a share on its line is not the one that it came from',
        original: 'return Math.log(share / (1 - share));',
        mutated: 'return Math.log(share);',
      },
      {
        breaks: 'a place on the line is not held within the bounds',
        original: 'return Math.min(to, Math.max(from, place));',
        mutated: 'return Math.max(from, place);',
      },
    ],
  },
];
