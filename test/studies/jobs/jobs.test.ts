import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { statesText, stateText } from '../../../cli/text/jobsText.ts';
import { SchedulerAway } from '../../../cluster/slurm/client.ts';
import type { QueuedElement } from '../../../cluster/slurm/queue.ts';
import { cellFiles, publish } from '../../../studies/grid/cellFiles.ts';
import { lockedProgram, lockProgram } from '../../../studies/grid/runLock.ts';
import { planArrays } from '../../../studies/jobs/arrays.ts';
import { ranksStarted } from '../../../studies/jobs/ranksStarted.ts';
import { rankLaunch, shapeOf, withOwnMounts } from '../../../studies/jobs/srun.ts';
import { type ItemState, itemStates, lastWords, type Wanted } from '../../../studies/jobs/states.ts';
import { keepJob, keepSubmission, logOf, type Submission } from '../../../studies/jobs/submission.ts';
import { waitForItems } from '../../../studies/jobs/wait.ts';
import { runCli } from '../../support/runCli.ts';

const test = suite('measurements as job arrays');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-jobs-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const item = (id: string, ranks = 1, node: string | null = null) => ({
  ...{ id, fingerprint: `of ${id}`, ranks, node },
  results: node === null ? '/r' : `/r/${node}`,
});

test('ranks take as many nodes as they fill', () => {
  for (const [ranks, perNode, nodes, tasksPerNode] of [
    [1, null, 1, 1],
    [4, null, 1, 4],
    [1, 8, 1, 1],
    [4, 2, 2, 2],
    [3, 2, 2, 2],
    [8, 8, 1, 8],
  ] as const)
    assert.equal(shapeOf(ranks, perNode), { nodes, tasksPerNode }, `${ranks} by ${perNode}`);
});

test('items that any node may take are an element each, in arrays of one shape that the cluster allows', () => {
  const planned = planArrays([item('a'), item('b', 2), item('c'), item('d')], 1, 2);
  assert.equal(
    planned.map(({ shape, node, tasks }) => [
      shape.nodes,
      node,
      tasks.map(({ items }) => items.map(({ id }) => id)),
    ]),
    [
      [1, null, [['a'], ['c']]],
      [1, null, [['d']]],
      [2, null, [['b']]],
    ],
  );
  assert.equal(planned[0]!.tasks[0], {
    results: '/r',
    node: null,
    items: [{ id: 'a', fingerprint: 'of a' }],
  });
});

test('items that nodes must measure are one element a node, with the ranks of the largest', () => {
  const all = ['gpu1', 'gpu2'].flatMap((node) => [item('a', 1, node), item('b', 2, node)]);
  const planned = planArrays(all, 4, 1000);
  assert.equal(
    planned.map(({ shape, node }) => ({ shape, node })),
    ['gpu1', 'gpu2'].map((node) => ({ shape: { nodes: 1, tasksPerNode: 2 }, node })),
  );
  assert.equal(
    planned[1]!.tasks.map(({ results, items }) => [results, ...items.map(({ id }) => id)]),
    [['/r/gpu2', 'a', 'b']],
  );
});

test('Slurm starts a process for each rank, but for those that are threads of one', () => {
  const manifest = (ranks: number, peer: string) => ({ ranks, system: { id: '', peer } }) as never;
  assert.is(ranksStarted(manifest(4, 'real'), []), 4);
  assert.is(ranksStarted(manifest(1, 'mirrored'), []), 1);
  assert.is(ranksStarted(manifest(4, 'colocated'), []), 1);
  assert.is(ranksStarted(manifest(4, 'real'), ['--ranks', 'threads']), 1);
});

test('srun is told where ranks go and hands the environment on, in which the secret is', () => {
  const secret = 'f00d'.repeat(16);
  const { command, env } = rankLaunch(4, 2, null, secret, { SLURM_CPUS_PER_TASK: '6' });
  assert.equal(command.slice(0, 5), [
    ...['srun', '--ntasks=4', '--nodes=2', '--ntasks-per-node=2', '--distribution=block'],
  ]);
  for (const flag of ['--export=ALL', '--mpi=none', '--cpus-per-task=6'])
    assert.ok(command.includes(flag), flag);
  assert.not.match(command.join(' '), /f00d/);
  assert.equal(env, { CHUNKFLOW_SECRET: secret, CHUNKFLOW_SECRET_FILE: '' });
  assert.not.match(rankLaunch(1, null, null, secret, {}).command.join(' '), /cpus-per-task/);
});

test('a container sees the results and the runtime beside what it was told to', () => {
  assert.is(withOwnMounts(undefined, '/r'), null);
  const container = withOwnMounts({ by: 'apptainer', image: 'x.sif', mounts: ['/data:/data'] }, '/shared/r')!;
  assert.equal(container.mounts.slice(0, 2), ['/data:/data', '/shared/r:/shared/r']);
  assert.is(container.mounts.length, 3);
  const { command } = rankLaunch(2, null, container, 'secret', {});
  const at = command.indexOf('apptainer');
  assert.equal(command.slice(at, at + 5), ['apptainer', 'exec', '--nv', '--bind', '/data:/data']);
  assert.is(command.at(-1), 'x.sif');
  const pyxis = rankLaunch(2, null, { ...container, by: 'pyxis' }, 'secret', {}).command;
  assert.ok(pyxis.includes('--container-image=x.sif'));
  assert.match(pyxis.at(-1)!, /^--container-mounts=\/data:\/data,\/shared\/r:\/shared\/r,/);
});

const SUBMISSION: Submission = {
  schema: 'chunkflow/submission@1',
  work: { kind: 'experiment', measure: [] },
  ...{ build: join(folder, 'no build'), after: '11', ranksPerNode: null, container: null },
  tasks: ['a', 'b', 'c'].map((id) => ({
    ...{ results: '/r', node: null },
    items: [{ id, fingerprint: `of ${id}` }],
  })),
};

/** A results folder with submissions as those jobs; null for one whose job nobody knows. */
function rootWith(name: string, jobs: readonly (string | null)[], submission = SUBMISSION): string {
  const root = join(folder, name);
  for (const job of jobs) {
    const kept = keepSubmission(root, submission);
    if (job !== null) keepJob(kept, job);
  }
  return root;
}

const wanted = (ids: string, done = ''): Wanted[] =>
  [...ids].map((id) => ({
    ...{ id, fingerprint: `of ${id}`, results: '/r', node: null },
    isDone: () => done.includes(id),
  }));
const element = (
  job: string,
  number: number,
  state: string,
  more: Partial<QueuedElement> = {},
): QueuedElement => ({
  ...{ job, element: number, state, reason: 'None', node: state === 'RUNNING' ? 'gpu1' : '', startsAt: null },
  ...more,
});
const kinds = (states: readonly ItemState[]) => states.map(({ is }) => is);

test('what is done is done, what an element will measure is queued, the rest of what was submitted has failed', () => {
  const root = rootWith('states', ['12']);
  const queue = () => [
    element('12', 0, 'COMPLETED'),
    element('12', 1, 'PENDING', { reason: 'Resources' }),
    element('12', 2, 'NODE_FAIL'),
  ];
  const states = itemStates(root, wanted('abcd', 'a'), queue);
  assert.equal(kinds(states), ['done', 'queued', 'failed', 'open']);
  assert.is((states[2] as { reason: string }).reason, 'has printed nothing (element 2 of job 12, NODE_FAIL)');
  const other = wanted('b').map((one) => ({ ...one, fingerprint: 'of a changed program' }));
  assert.equal(kinds(itemStates(root, other, queue)), ['open']);
  assert.equal(
    kinds(
      itemStates(
        root,
        wanted('b').map((one) => ({ ...one, results: '/r/gpu1' })),
        queue,
      ),
    ),
    ['open'],
  );
});

test('without anything submitted, or with all of it done, nobody asks the scheduler', () => {
  const unasked = () => {
    throw new Error('asked');
  };
  assert.equal(kinds(itemStates(join(folder, 'never'), wanted('ab', 'a'), unasked)), ['done', 'open']);
  assert.equal(kinds(itemStates(rootWith('killed', [null]), wanted('a'), unasked)), ['open']);
  assert.equal(kinds(itemStates(rootWith('finished', ['12']), wanted('ab', 'ab'), unasked)), [
    'done',
    'done',
  ]);
});

test('an element of an earlier submission that is alive counts before a later one that failed', () => {
  const root = rootWith('twice', ['12', '13']);
  const queue = () => [element('12', 0, 'RUNNING'), element('13', 0, 'FAILED'), element('13', 1, 'FAILED')];
  assert.equal(kinds(itemStates(root, wanted('ab'), queue)), ['queued', 'failed']);
});

test('an element whose build has failed waits for nothing, and the build says why', () => {
  const root = rootWith('unbuilt', ['12']);
  const never = () => [element('12', 0, 'PENDING', { reason: 'DependencyNeverSatisfied' })];
  writeFileSync(logOf(root, '11', 0), 'building 3 programs\nerror: a: the build failed: no compiler\n');
  const [state] = itemStates(root, wanted('a'), never);
  assert.is(
    (state as { reason: string }).reason,
    'a: the build failed: no compiler (build in job 11; element 0 of job 12, PENDING)',
  );
  const dependency = () => [element('12', 0, 'PENDING', { reason: 'Dependency' })];
  assert.equal(kinds(itemStates(root, wanted('a'), dependency)), ['queued']);
});

test('a reason is the last that a log says of an item', () => {
  const log = join(folder, 'x.log');
  assert.is(lastWords(log, 'a'), null);
  writeFileSync(log, 'element 0 of job 1\nsrun: Job step aborted\n\n');
  assert.is(lastWords(log, 'a'), 'srun: Job step aborted');
  writeFileSync(log, 'error: a: first start\nerror: a: lost\nerror: ab: other\nsrun: gone\n');
  assert.is(lastWords(log, 'a'), 'lost');
  assert.is(lastWords(log, 'ab'), 'other');
  assert.is(lastWords(log, 'c'), 'ab: other');
  writeFileSync(log, `${'x\n'.repeat(200_000)}error: a: at the end\n`);
  assert.is(lastWords(log, 'a'), 'at the end');
});

test('waiting survives a controller that is away, and ends when nothing is queued', async () => {
  const root = rootWith('waiting', ['12']);
  const answers: (() => QueuedElement[])[] = [
    () => [element('12', 0, 'PENDING')],
    () => {
      throw new SchedulerAway('squeue: Unable to contact slurm controller');
    },
    () => [element('12', 0, 'RUNNING')],
    () => [element('12', 0, 'TIMEOUT')],
  ];
  const notes: string[] = [];
  const seen: string[] = [];
  const states = await waitForItems(root, wanted('a'), {
    ...{ signal: new AbortController().signal, pollMs: [1, 1] },
    onStates: (now) => seen.push(statesText('cells', now)),
    onNote: (text) => notes.push(text),
    queue: () => answers.shift()!(),
  });
  assert.equal(kinds(states!), ['failed']);
  assert.equal(seen, [
    '0 of 1 cells are measured, 1 pending',
    '0 of 1 cells are measured, 1 running on gpu1',
    '0 of 1 cells are measured, 1 failed',
  ]);
  assert.is(notes.length, 2);
  assert.match(notes[0]!, /^squeue: Unable to contact slurm controller; what was submitted runs on/);
});

test('results of an element that ended well are waited for, as a file system may show them later', async () => {
  const root = rootWith('unseen', ['12']);
  let looks = 0;
  const late = wanted('a').map((one) => ({ ...one, isDone: () => ++looks > 3 }));
  const states = await waitForItems(root, late, {
    ...{ signal: new AbortController().signal, pollMs: [1, 1], onStates: () => {}, onNote: () => {} },
    queue: () => [element('12', 0, 'COMPLETED')],
  });
  assert.equal(kinds(states!), ['done']);
});

test('a signal ends the waiting', async () => {
  const abort = new AbortController();
  const states = await waitForItems(rootWith('signal', ['12']), wanted('a'), {
    ...{ signal: abort.signal, pollMs: [60_000, 60_000], onNote: () => {} },
    onStates: () => setTimeout(() => abort.abort(), 1),
    queue: () => [element('12', 0, 'RUNNING')],
  });
  assert.is(states, null);
});

test('states are said in one line, and each in a cell of a table', () => {
  const queued = (state: string, more = {}): ItemState => ({
    is: 'queued',
    element: element('12', 4, state, more),
  });
  const failed: ItemState = { is: 'failed', reason: '', endedWell: false };
  const soon = { reason: 'Priority', startsAt: '2026-01-02T03:04:05+0000' };
  assert.is(
    statesText('cells', [{ is: 'done' }, queued('RUNNING'), queued('PENDING', soon), failed, { is: 'open' }]),
    '1 of 5 cells are measured, 1 running on gpu1, 1 pending (Priority; expected from 2026-01-02T03:04:05+0000), 1 failed',
  );
  assert.is(stateText(queued('RUNNING')), 'running on gpu1, 12_4');
  assert.is(stateText(queued('PENDING', { reason: 'Resources' })), 'pending (Resources), 12_4');
  assert.is(stateText(failed), 'failed');
  assert.is(stateText({ is: 'open' }), '');
});

test('of two starts that have seen the same results, one publishes', async () => {
  const root = join(folder, 'published');
  mkdirSync(root);
  const attempt = (name: string) => {
    const file = join(root, `cell.${name}.attempt`);
    writeFileSync(file, name);
    return file;
  };
  assert.equal(cellFiles(root, 'cell'), { files: [], next: 1 });
  const [mine, theirs] = [attempt('mine'), attempt('theirs')];
  assert.is(await publish(mine, root, 'cell', 1), true);
  assert.is(await publish(theirs, root, 'cell', 1), false);
  assert.is(readFileSync(join(root, 'cell.1.jsonl'), 'utf8'), 'mine');
  assert.equal(readdirSync(root).sort(), ['cell.1.jsonl', 'cell.theirs.attempt']);
  writeFileSync(join(root, 'cell.jsonl'), 'here');
  assert.equal(cellFiles(root, 'cell'), {
    files: ['cell.jsonl', 'cell.1.jsonl'].map((name) => join(root, name)),
    next: 2,
  });
  assert.is(await publish(theirs, root, 'cell', 2), true);
});

test("two programs' results are held side by side; of one, who comes later is refused or waits", async () => {
  const root = join(folder, 'held');
  const release = lockProgram(root, 'a');
  lockProgram(root, 'b')();
  assert.throws(
    () => lockProgram(root, 'a'),
    new RegExp(`process ${process.pid} on .* is measuring it; wait for it`),
  );
  const notes: string[] = [];
  const waiting = lockedProgram(root, 'a', (text) => notes.push(text));
  assert.match(notes.join(), /^a: waiting for process \d+ on .*, which is measuring it$/);
  release();
  (await waiting)();
  assert.not.ok(existsSync(join(root, 'locks', 'a.json')));
});

test('flags of jobs without --slurm, and of nodes twice, are mistakes', async () => {
  const results = join(folder, 'none');
  const file = 'experiments/h200-steps/h200-steps.yaml';
  for (const [flags, expected] of [
    [['--each-node'], /^error: --each-node: only a scheduler reads it; add --slurm/],
    [['--ranks-per-node', '2'], /^error: --ranks-per-node: only a scheduler reads it/],
    [['--wait'], /^error: --wait: only a scheduler reads it/],
    [
      ['--slurm', '--build-here', '--container', 'pyxis', '--image', 'x'],
      /^error: --build-here and --container: programs that run in an image are compiled in it/m,
    ],
    [
      ['--slurm', '--each-node', '--nodes', 'a'],
      /^error: --each-node and --nodes: expected one of them, got both/,
    ],
  ] as const) {
    const { code, stderr } = await runCli(['experiment', 'run', file, '--results', results, ...flags]);
    assert.is(code, 2);
    assert.match(stderr, expected);
  }
  const { stderr } = await runCli([
    'calibrate',
    '--machine',
    'host-x2',
    '--results',
    results,
    '--build-here',
  ]);
  assert.match(stderr, /^error: --build-here: only a scheduler reads it/);
  assert.match(
    (await runCli(['job', 'x.json'])).stderr,
    /^error: "x.json": is done by elements of job arrays/,
  );
  assert.not.ok(existsSync(results));
});

test.run();
