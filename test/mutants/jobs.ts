import type { MutantGroup } from './mutant.ts';

const LOCKS = 'test/cluster/locks.test.ts';
const JOBS = 'test/studies/jobs/jobs.test.ts';

/** Locks that hosts share, what is published, and what is submitted again. */
export const JOB_MUTANTS: readonly MutantGroup[] = [
  {
    file: 'cluster/lockOwner.ts',
    tests: [LOCKS],
    mutants: [
      {
        breaks: 'a start of an element takes its own number for an earlier one',
        original: 'own.allocation.restart > restart',
        mutated: 'own.allocation.restart >= restart',
      },
      {
        breaks: 'the lock of another element of a job is judged by counts of restarts',
        original: 'own.allocation?.job === job && own.allocation.element === element',
        mutated: 'own.allocation?.job === job',
      },
      {
        breaks: 'an element that waits to be started again holds its lock',
        original: '&& !WAITS.has(found.state)',
        mutated: '',
      },
      {
        breaks: "another user's job is dead, since the queue hides it",
        original: "if (user !== own.user) return 'unknown';",
        mutated: '',
      },
      {
        breaks: 'a lock is stale where the controller is away',
        original: "if (error instanceof UserError) return 'unknown';",
        mutated: "if (error instanceof UserError) return 'dead';",
      },
      {
        breaks: 'processes of nodes on one host are of one node',
        original: '&& a.allocation?.node === b.allocation?.node',
        mutated: '',
      },
      {
        breaks: 'a process that got the number of a dead one holds its lock',
        original: 'return startTicksOf(pid) === startTicks;',
        mutated: 'return startTicksOf(pid) !== null;',
      },
    ],
  },
  {
    file: 'cluster/lockFile.ts',
    tests: [LOCKS],
    mutants: [
      {
        breaks: 'a link whose answer was lost is none',
        original: 'return isSameFile(from, to);',
        mutated: 'return false;',
      },
    ],
  },
  {
    file: 'studies/grid/cellFiles.ts',
    tests: [JOBS],
    mutants: [
      {
        breaks: 'the next number is one that is there',
        original: 'next: published.length + 1',
        mutated: 'next: Math.max(1, published.length)',
      },
      {
        breaks: 'what was measured here does not count',
        original: '[...(existsSync(appended) ? [appended] : []), ...published]',
        mutated: 'published',
      },
    ],
  },
  {
    file: 'studies/jobs/states.ts',
    tests: [JOBS],
    mutants: [
      {
        breaks: 'an item whose program has changed is queued as it was',
        original: '&& fingerprint === item.fingerprint',
        mutated: '',
      },
      {
        breaks: "another node's element measures it",
        original: 'results === item.results && ',
        mutated: '',
      },
      {
        breaks: 'an element whose build has failed is waited for',
        original: "isAlive(element) && element.reason !== 'DependencyNeverSatisfied'",
        mutated: 'isAlive(element)',
      },
      {
        breaks: 'the first error of a log is the reason',
        original: 'errors.findLast(',
        mutated: 'errors.find(',
      },
    ],
  },
  {
    file: 'studies/jobs/srun.ts',
    tests: [JOBS],
    mutants: [
      {
        breaks: 'a node that is not full is left out',
        original: 'Math.ceil(ranks / tasksPerNode)',
        mutated: 'Math.floor(ranks / tasksPerNode)',
      },
      {
        breaks: "a user's own secret is a second one",
        original: ", CHUNKFLOW_SECRET_FILE: ''",
        mutated: '',
      },
    ],
  },
  {
    file: 'studies/jobs/wait.ts',
    tests: [JOBS],
    mutants: [
      {
        breaks: 'results that are not seen at once are lost',
        original: "return state.is === 'failed' && state.endedWell;",
        mutated: 'return state === null;',
      },
    ],
  },
];
