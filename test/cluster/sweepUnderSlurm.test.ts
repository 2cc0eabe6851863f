import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SchedulerAway } from '../../cluster/slurm/client.ts';
import { isAlive, queuedElements } from '../../cluster/slurm/queue.ts';
import { runOwnCli } from '../support/ownCli.ts';
import { skip } from '../support/skip.ts';
import { LocalSlurm } from '../support/slurm.ts';
import { sqlRows, sweepRows } from '../support/sweepRows.ts';

const sweeps = suite("a sweep under a real Slurm's controller and two nodes");
/** The first sweep's elements fit into one array, the second's do not. */
const cluster = await LocalSlurm.start({ config: ['MaxArraySize=16'] });

if (typeof cluster === 'string') skip(sweeps, 'sweeps under Slurm', cluster);
else {
  Object.assign(process.env, cluster.env);
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow sweep '));
  const file = join(folder, 'many.yaml');
  const results = join(folder, 'results');
  writeFileSync(
    file,
    `sweep: many
grids:
  - models: [wan2.1-t2v-1.3b, flux.1-dev]
    machines: [2xrtx-4090, h200-x2]
    set: {gpu.copyEngine.h2d: {from: 5 GB/s, to: 50 GB/s, steps: 40}}
    sp: [1, 2, 4]
    plans: [none, layerwise, "yield,resident=0.5"]
`,
  );
  const POINTS = 2 * 2 * 40 * 3 * 3;
  const sweep = (...args: string[]) => runOwnCli(['sweep', file, '--results', results, ...args]);
  const statusOf = () => JSON.parse(sweep('--status', '--json').stdout);
  const parts = () => {
    try {
      return readdirSync(join(results, 'parts')).filter((name) => name.endsWith('.parquet')).length;
    } catch {
      return 0;
    }
  };
  const jobOf = (text: string) => /job (\d+)/.exec(text)![1]!;
  /** Elements as far as the controller answers. */
  const elements = (job: string) => {
    try {
      return queuedElements([job]);
    } catch (error) {
      if (error instanceof SchedulerAway) return null;
      throw error;
    }
  };
  const isOver = (job: string) => () => elements(job)?.some(isAlive) === false;

  sweeps(
    'daemons that end, a lost node, a requeue, a cancelled job, a restarted controller: every point once',
    async () => {
      const first = sweep('--slurm', '--tasks-per-element', '2');
      assert.is(first.code, 0, first.stderr);
      const tasks = Number(/submitted (\d+) tasks/.exec(first.stdout)![1]);
      const job = jobOf(first.stdout);
      // While all are queued or running, a second start has nothing to submit.
      const again = sweep('--slurm');
      assert.match(again.stdout, /^nothing to submit; \d+ tasks? done; \d+ tasks? in the queue before\n$/);

      // The last waits for a place; the tasks of it are nobody's from then on.
      const last = Math.max(...elements(job)!.map(({ element }) => element));
      cluster.client('scancel', `${job}_${last}`);
      await cluster.until('some are done', () => parts() >= 2);
      const [running, cancelled] = elements(job)!
        .filter(({ state }) => state === 'RUNNING')
        .reverse();
      if (cancelled !== undefined) cluster.client('scancel', `${job}_${cancelled.element}`);
      cluster.client('scontrol', 'requeue', `${job}_${running!.element}`);
      await cluster.stopNode('node2');
      await cluster.stopController();
      // Of a controller that is away nobody knows what is queued: nothing is submitted, and the status says so.
      const away = sweep('--slurm');
      assert.is(away.code, 2);
      assert.match(away.stderr, /^error: squeue: .*; try again when the controller answers\n$/);
      assert.match(statusOf().scheduler.away, /try again when the controller answers/);
      cluster.startController();
      cluster.startNode('node2');
      await cluster.until('the controller answers', () => elements(job) !== null);
      if (parts() < tasks / 2)
        await cluster.until('node1 works', () =>
          (elements(job) ?? []).some(({ node, state }) => node === 'node1' && state === 'RUNNING'),
        );
      await cluster.powerOff('node1');
      cluster.startNode('node1');
      await cluster.until('all elements have ended', isOver(job));

      const status = statusOf();
      assert.ok(status.tasks.missing !== '', 'what was cancelled is missing');
      assert.equal(
        status.scheduler.failed
          .filter(({ element }: { element: number }) => element === last)
          .map(({ state }: { state: string }) => state),
        // It had not begun: the scheduler keeps no record of it.
        ['FORGOTTEN'],
      );
      // A node daemon's end may take elements with it, beside the cancelled one; what they have done stays.
      const missing = status.tasks.all - status.tasks.done;
      const rest = sweep('--slurm', '--wait');
      assert.is(rest.code, 0, `${rest.stdout}${rest.stderr}`);
      assert.match(rest.stdout, new RegExp(`^submitted ${missing} tasks? in `));
      assert.match(rest.stdout, new RegExp(`all ${tasks} tasks are done\n$`));
      assert.equal(
        await sqlRows(results, 'SELECT count(*), count(DISTINCT point), min(point), max(point) FROM sweep'),
        [JSON.stringify([POINTS, POINTS, 0, POINTS - 1])],
      );
      const other = join(folder, 'uninterrupted');
      assert.is(runOwnCli(['sweep', file, '--results', other]).code, 0);
      assert.equal(await sweepRows(results), await sweepRows(other));
      assert.match(sweep('--slurm').stdout, /^nothing to submit; /);
    },
  );

  sweeps('what is more than an array may hold goes out as several', () => {
    const small = join(folder, 'small.yaml');
    writeFileSync(
      small,
      'sweep: small\ngrids: [{models: [flux.1-dev], machines: [h200-x2], sp: [1, 2], batch: [1, 2, 3, 4, 5], plans: [none, yield]}]\n',
    );
    const path = join(folder, 'small arrays');
    const args = ['sweep', small, '--results', path, '--slurm', '--tasks-per-element', '1', '--at-once', '1'];
    const { code, stdout, stderr } = runOwnCli(args);
    assert.is(code, 0, stderr);
    assert.match(stdout, /^submitted 20 tasks in 20 elements: jobs \d+, \d+; /);
    const [, one, two] = /jobs (\d+), (\d+)/.exec(stdout)!;
    cluster.client('scancel', one!, two!);
    assert.equal(
      readdirSync(join(path, 'slurm')).filter((name) => name.startsWith('array-')),
      ['array-1.job', 'array-1.json', 'array-2.job', 'array-2.json'],
    );
  });

  sweeps.after(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });
}

sweeps.run();
