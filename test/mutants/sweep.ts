import type { MutantGroup } from './mutant.ts';

const POINTS = 'test/studies/sweep/points.test.ts';
const RESULTS = 'test/studies/sweep/results.test.ts';
const QUERY = 'test/cli/query.test.ts';
const ROWS = 'test/library/sweep.test.ts';

/** Sweeps: every point once, whatever was interrupted; queries that only read. */
export const SWEEP_MUTANTS: readonly MutantGroup[] = [
  {
    file: 'studies/sweep/tasks.ts',
    tests: [POINTS],
    mutants: [
      {
        breaks: 'the last task of a grid goes on into the next',
        original: 'points: Math.min(grid.size, grid.points - offset)',
        mutated: 'points: grid.size',
      },
      {
        breaks: 'a last task that is not full is forgotten',
        original: 'firstTask += Math.ceil(grid.points / size);',
        mutated: 'firstTask += Math.max(1, Math.floor(grid.points / size));',
      },
      {
        breaks: 'a task that there is not is taken',
        original: 'if (last < count) return numbers;',
        mutated: 'if (last <= count) return numbers;',
      },
    ],
  },
  {
    file: 'studies/sweep/part.ts',
    tests: [RESULTS],
    mutants: [
      {
        breaks: 'the second of two takes the place of the first',
        original: 'linkSync(own, file);',
        mutated: 'rmSync(file, { force: true });\n    linkSync(own, file);',
      },
      {
        breaks: "leftovers of another part's writers are removed",
        original: 'if (entry.startsWith(name) && entry.endsWith(TEMPORARY))',
        mutated: 'if (entry.endsWith(TEMPORARY))',
      },
    ],
  },
  {
    file: 'studies/sweep/resultsFolder.ts',
    tests: [RESULTS],
    mutants: [
      {
        breaks: "a changed file's results are taken",
        original: 'if (manifest.hash !== own.hash)',
        mutated: 'if (manifest.sweep !== own.sweep)',
      },
      {
        breaks: 'a part that is cut off counts as whole',
        original: 'return ends.every((end) => end === MAGIC);',
        mutated: 'return ends.some((end) => end === MAGIC);',
      },
    ],
  },
  {
    file: 'library/sweep/answers.ts',
    tests: [ROWS],
    mutants: [
      {
        breaks: 'a block takes the workload of the one before',
        original: 'if (this.#block?.key !== key)',
        mutated: 'if (this.#block === null)',
      },
      {
        breaks: 'a plan is taken for the one before it',
        original: 'if (this.#plan?.block !== key || this.#plan.text !== text)',
        mutated: 'if (this.#plan?.block !== key)',
      },
    ],
  },
  {
    file: 'studies/query/query.ts',
    tests: [QUERY],
    mutants: [
      {
        breaks: 'a query reads any file',
        original: "await connection.run('SET enable_external_access = false');",
        mutated: '',
      },
      {
        breaks: 'a query writes',
        original: 'if (statement.statementType !== StatementType.SELECT)',
        mutated: 'if (statement.statementType === StatementType.INVALID)',
      },
    ],
  },
];
