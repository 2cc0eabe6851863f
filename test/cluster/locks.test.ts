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
import { linked, takeLock } from '../../cluster/lockFile.ts';
import { type LockOwner, livenessOf, ownerText, thisOwner } from '../../cluster/lockOwner.ts';
import { ownAllocation } from '../../cluster/slurm/allocation.ts';
import { SchedulerAway } from '../../cluster/slurm/client.ts';
import type { QueuedElement } from '../../cluster/slurm/queue.ts';

const test = suite('locks that several hosts share');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-locks-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const here = thisOwner();
const own: LockOwner = { host: 'login', pid: 1, startTicks: '1', user: 7 };
const inJob = (restart: number, node = 'gpu1', job = '12', element = 3): LockOwner => ({
  ...{ host: node, pid: 99, startTicks: '5', user: 7 },
  allocation: { job, element, restart, node },
});
const queue =
  (state: string, element = 3) =>
  (): QueuedElement[] => [{ job: '12', element, state, reason: 'None', node: 'gpu1', startsAt: null }];
const unasked = () => {
  throw new Error('the queue was asked');
};

test('an element is told by variables of Slurm, and how often it was started by the count of restarts', () => {
  const variables = { SLURM_ARRAY_JOB_ID: '12', SLURM_ARRAY_TASK_ID: '3', SLURMD_NODENAME: 'gpu1' };
  assert.equal(ownAllocation(variables), { job: '12', element: 3, restart: 0, node: 'gpu1' });
  assert.is(ownAllocation({ ...variables, SLURM_RESTART_COUNT: '2' })?.restart, 2);
  for (const name of Object.keys(variables))
    assert.is(ownAllocation({ ...variables, [name]: undefined }), null);
});

test("an owner on this host is judged by its process, whatever the scheduler's name for it", () => {
  assert.is(livenessOf(here, here, unasked), 'alive');
  assert.is(livenessOf({ ...here, startTicks: 'another start' }, here, unasked), 'dead');
  assert.is(livenessOf({ ...here, pid: 2 ** 22 + 1 }, here, unasked), 'dead');
});

test('an owner elsewhere is judged by the scheduler', () => {
  for (const [state, expected] of [
    ['RUNNING', 'alive'],
    ['COMPLETING', 'alive'],
    ['SUSPENDED', 'alive'],
    // It waits to be started again: what ran has ended.
    ['PENDING', 'dead'],
    ['REQUEUED', 'dead'],
    ['COMPLETED', 'dead'],
    ['NODE_FAIL', 'dead'],
    ['CANCELLED', 'dead'],
  ] as const)
    assert.is(livenessOf(inJob(0), own, queue(state)), expected, state);
  assert.is(livenessOf(inJob(0), own, queue('RUNNING', 4)), 'dead', 'another element runs');
  assert.is(
    livenessOf(inJob(0), own, () => []),
    'dead',
    'forgotten',
  );
});

test('the same element that was started again knows that its earlier start is over', () => {
  assert.is(livenessOf(inJob(0), inJob(1, 'gpu2'), unasked), 'dead');
  assert.is(livenessOf(inJob(1), inJob(0, 'gpu2'), unasked), 'unknown', 'of a later start');
  assert.is(livenessOf(inJob(0), inJob(0, 'gpu2'), unasked), 'unknown');
  assert.is(livenessOf(inJob(0), inJob(1, 'gpu2', '12', 4), queue('RUNNING')), 'alive', 'another element');
  assert.is(livenessOf(inJob(0), inJob(1, 'gpu2', '13'), queue('RUNNING')), 'alive', 'another job');
});

test('nodes of one host are not taken for one: the process of another may live on in vain', () => {
  const on = (node: string, restart: number) => ({ ...here, allocation: inJob(restart, node).allocation });
  assert.is(livenessOf(on('gpu1', 0), on('gpu2', 1), unasked), 'dead');
  assert.is(livenessOf(on('gpu1', 0), on('gpu1', 1), unasked), 'alive', 'of the same node');
});

test('an owner that nobody can judge is not taken for dead', () => {
  assert.is(livenessOf({ ...own, host: 'other' }, own, unasked), 'unknown');
  assert.is(livenessOf({ ...inJob(0), user: 8 }, own, unasked), 'unknown', "another user's jobs are hidden");
  const away = () => {
    throw new SchedulerAway('squeue: Unable to contact slurm controller');
  };
  assert.is(livenessOf(inJob(0), own, away), 'unknown');
  assert.throws(() => livenessOf(inJob(0), own, unasked), /the queue was asked/, 'a bug stays one');
});

test('one at a time holds a lock; one whose owner is dead is taken over', () => {
  const lock = join(folder, 'new', 'cell.json');
  const first = takeLock(lock);
  assert.ok(first.taken);
  const second = takeLock(lock);
  assert.not.ok(second.taken);
  assert.is(!second.taken && second.owner?.pid, process.pid);
  assert.is(!second.taken && second.liveness, 'alive');
  const unknown = takeLock(lock, () => 'unknown');
  assert.is(!unknown.taken && unknown.liveness, 'unknown');
  const third = takeLock(lock, () => 'dead');
  assert.ok(third.taken);
  // Who was taken for dead does not give back what is another's now.
  if (first.taken) first.release();
  assert.ok(existsSync(lock));
  if (third.taken) third.release();
  assert.equal(readdirSync(join(folder, 'new')), []);
});

test('a lock that a host has left half written is taken over', () => {
  const lock = join(folder, 'half.json');
  writeFileSync(lock, '{"host":"gp');
  const attempt = takeLock(lock);
  assert.ok(attempt.taken);
  assert.is(JSON.parse(readFileSync(lock, 'utf8')).pid, process.pid);
});

test('a file is linked once, and whoever did it is told so again', () => {
  const at = (name: string) => join(folder, 'links', name);
  mkdirSync(join(folder, 'links'));
  for (const name of ['a', 'b']) writeFileSync(at(name), name);
  assert.is(linked(at('a'), at('one')), true);
  assert.is(linked(at('b'), at('one')), false);
  // Over a network the answer may be lost, and the client asks again.
  assert.is(linked(at('a'), at('one')), true);
  assert.is(readFileSync(at('one'), 'utf8'), 'a');
});

test('an owner is named by its job, else by its process', () => {
  assert.is(ownerText(own), 'process 1 on login');
  assert.is(ownerText(inJob(0)), 'element 3 of job 12 on gpu1');
});

test.run();
