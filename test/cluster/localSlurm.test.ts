import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SchedulerAway } from '../../cluster/slurm/client.ts';
import { usableNodes } from '../../cluster/slurm/nodes.ts';
import { isAlive, queuedElements } from '../../cluster/slurm/queue.ts';
import { largestElement, submitArray } from '../../cluster/slurm/submit.ts';
import { skip } from '../support/skip.ts';
import { LocalSlurm } from '../support/slurm.ts';

const jobs = suite("jobs of a real Slurm's controller and two nodes");
const cluster = await LocalSlurm.start();

if (typeof cluster === 'string') skip(jobs, 'jobs under Slurm', cluster);
else {
  // Slurm's clients are started with the environment of this process.
  Object.assign(process.env, cluster.env);
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow jobs 100% '));
  const logs = join(folder, 'logs');
  mkdirSync(logs);
  const submit = (elements: readonly number[], program: string, more = {}) =>
    submitArray({
      ...{ name: "an array's name", elements, folder, logs, options: {} },
      ...{ command: ['sh', '-c', program], ...more },
    });
  const logged = (job: string, element: number) => readFileSync(join(logs, `${job}_${element}.log`), 'utf8');
  const stateOf = (job: string, element: number) =>
    queuedElements([job]).find((each) => each.element === element)?.state;
  const isDone = (job: string) => () => !queuedElements([job]).some(isAlive);

  jobs(
    'every element runs where it was told to, with its number, whatever the names of folders',
    async () => {
      assert.equal(
        usableNodes().map(({ name }) => name),
        ['node1', 'node2'],
      );
      assert.throws(() => usableNodes('none'), /none/);
      assert.is(largestElement(), 1000);
      const program = 'echo "$SLURM_ARRAY_TASK_ID on $SLURMD_NODENAME in $PWD, $WORD"';
      const job = submit([0, 3], program, { node: 'node2', env: { WORD: "it's $HOME" } });
      await cluster.until('both have run', isDone(job));
      for (const element of [0, 3])
        assert.is(logged(job, element), `${element} on node2 in ${folder}, it's $HOME\n`);
      assert.equal(
        queuedElements([job])
          .map(({ element, state, node }) => [element, state, node])
          .sort(),
        [
          [0, 'COMPLETED', 'node2'],
          [3, 'COMPLETED', 'node2'],
        ],
      );
      assert.equal(queuedElements(['999999']), []);
    },
  );

  jobs('a job waits for another, and is not started where that failed', async () => {
    const failed = submit([0], 'exit 3');
    const after = submit([0], 'echo ran', { after: [failed] });
    await cluster.until('neither is in the queue', () => [failed, after].every((job) => isDone(job)()));
    assert.is(queuedElements([failed])[0]?.state, 'FAILED');
    assert.not.ok(readdirSync(logs).includes(`${after}_0.log`));
  });

  jobs('a command is told before it is ended, and an element can be cancelled alone', async () => {
    const job = submit([0, 1], 'trap "echo told; exit 0" TERM; echo begun; while :; do sleep 0.1; done');
    await cluster.until('both have begun', () =>
      [0, 1].every(
        (element) => readdirSync(logs).includes(`${job}_${element}.log`) && logged(job, element) !== '',
      ),
    );
    cluster.client('scancel', `${job}_1`);
    await cluster.until('one is cancelled', () => stateOf(job, 1) === 'CANCELLED');
    assert.is(stateOf(job, 0), 'RUNNING');
    assert.match(logged(job, 1), /^begun\n(?:told\n)?/);
    cluster.client('scancel', job);
    await cluster.until('both are gone', isDone(job));
  });

  jobs('a controller that is away is told from a refusal, and jobs survive it', async () => {
    assert.throws(() => submit([0], 'true', { options: { partition: 'none' } }), /invalid partition/i);
    const job = submit([0], 'sleep 2; echo done');
    await cluster.stopController();
    assert.throws(
      () => queuedElements([job]),
      (error: unknown) => error instanceof SchedulerAway,
    );
    cluster.startController();
    await cluster.until('it answers, and the job is done', () => {
      try {
        return isDone(job)();
      } catch (error) {
        if (error instanceof SchedulerAway) return false;
        throw error;
      }
    });
    assert.is(logged(job, 0), 'done\n');
  });

  jobs('what ran on a node that lost its power is started again elsewhere', async () => {
    const job = submit([0], 'echo on $SLURMD_NODENAME; [ $SLURMD_NODENAME = node2 ] || sleep 600');
    await cluster.until('it runs', () => stateOf(job, 0) === 'RUNNING');
    await cluster.until('it has said where', () => logged(job, 0) !== '');
    assert.is(queuedElements([job])[0]!.node, 'node1');
    await cluster.powerOff('node1');
    await cluster.until('it has run', isDone(job));
    assert.is(logged(job, 0), 'on node1\non node2\n');
    cluster.startNode('node1');
    await cluster.nodeIs('node1', 'idle');
  });

  jobs.after(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });
}

jobs.run();
