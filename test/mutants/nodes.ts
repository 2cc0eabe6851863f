import type { MutantGroup } from './mutant.ts';

/** Nodes that are compared, and lines of datasets that are told apart. */
export const NODES: readonly MutantGroup[] = [
  {
    file: 'studies/nodes/standOut.ts',
    tests: ['test/studies/nodes/statistics.test.ts'],
    mutants: [
      {
        breaks: 'a node is among those that it is held against',
        original: 'const values = nodes.filter((other) => other !== own);',
        mutated: 'const values = [...nodes];',
      },
      {
        breaks: 'what the nodes at hand show may be taken for less',
        original: 'const variance = Math.max(spread ** 2, moderated);',
        mutated: 'const variance = moderated;',
      },
      {
        breaks: 'what is usual has no say',
        original: 'PRIOR_NODES * (usual ** 2 + noise)',
        mutated: 'PRIOR_NODES * noise',
      },
      {
        breaks: "noise within nodes doesn't count",
        original: 'PRIOR_NODES * (usual ** 2 + noise)',
        mutated: 'PRIOR_NODES * usual ** 2',
      },
      {
        breaks: "a node's own noise counts as the others'",
        original: 'Math.max(0, (own.noise ?? 0) ** 2 - noise)',
        mutated: '0',
      },
      {
        breaks: 'the median of the others is exact',
        original: 'variance * (1 + ofMedian(others.length))',
        mutated: 'variance',
      },
      {
        breaks: 'every comparison has the whole level',
        original: 'studentQuantile(FALSE_ALARMS / comparisons, free)',
        mutated: 'studentQuantile(FALSE_ALARMS, free)',
      },
    ],
  },
  {
    file: 'studies/nodes/qn.ts',
    tests: ['test/studies/nodes/statistics.test.ts'],
    mutants: [
      {
        breaks: 'the largest distances decide',
        original: 'distances[(half * (half - 1)) / 2 - 1]!',
        mutated: 'distances[distances.length - 1]!',
      },
      {
        breaks: 'few values are as many',
        original: 'SMALL[n - 2] ??',
        mutated: 'SMALL[n] ??',
      },
    ],
  },
  {
    file: 'studies/dataset/measurements.ts',
    tests: ['test/studies/dataset/stepRecords.test.ts'],
    mutants: [
      {
        breaks: 'a line that was read before is new',
        original: "if (this.#lines.get(hash) === run.stepS) return { is: 'repeated' };",
        mutated: '',
      },
      {
        breaks: 'records without a node are all of one',
        original: 'if (node === undefined) return null;',
        mutated: '',
      },
      {
        breaks: 'GPUs of a node are one',
        original: '...(gpus ?? []).map(({ pciBus }) => pciBus), startedAt',
        mutated: 'startedAt',
      },
      {
        breaks: 'runs of a node are one',
        original: 'startedAt, cell.id',
        mutated: 'cell.id',
      },
      {
        breaks: 'modes of a plan are one',
        original: 'plan, mode].join',
        mutated: 'plan].join',
      },
      {
        breaks: 'the place of the earlier line is another',
        original: 'Math.floor(before / MOST_FILES)',
        mutated: 'Math.ceil(before / MOST_FILES)',
      },
    ],
  },
];
