import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { queuedElements } from '../../../cluster/slurm/queue.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { readSteps } from '../../../studies/dataset/stepRecords.ts';
import { submittedJobs } from '../../../studies/jobs/submission.ts';
import { noCompiler } from '../../support/compilers.ts';
import { runOwnCli, startCli } from '../../support/ownCli.ts';
import { skip } from '../../support/skip.ts';
import { LocalSlurm } from '../../support/slurm.ts';

const test = suite('an experiment as job arrays of a real Slurm with two nodes');
// Ranks find the first node by its name, which sorts before the other's.
const [first, second] = [hostname(), `${hostname()}x`];
const cluster =
  noCompiler() ??
  (await LocalSlurm.start({
    nodes: [first, second],
    // All elements at once, whatever this machine has.
    ...{ cpus: 4, config: ['SlurmdParameters=config_overrides'] },
  }));
/** A build of the runtime on a machine that others use. */
const PATIENCE_MS = 600_000;

const EXPERIMENT = `name: tiny-cluster
split: fit
machine: host-x2
measure: [--rounds, "1", --steps, "1"]
workloads:
  - {model: ${join(packageRoot, 'experiments/tiny/tiny-joint.yaml')}, blocks: 2, sizes: [64x64]}
arms:
  - {sp: 1, plans: [none, chunked]}
  - {sp: 2, plans: [none]}
cells:
  - {model: ${join(packageRoot, 'experiments/tiny/tiny-joint.yaml')}, blocks: 2, size: 128x64, sp: 1, plans: [none, chunked]}
`;

/** Stands for a container's program: runs what follows its image, and then waits while its node is held. */
const APPTAINER = `#!/bin/sh
while [ "$1" != tiny.sif ]; do shift; done
shift
[ "$1" = cmake ] && exec "$@"
echo "$SLURM_PROCID $SLURM_NTASKS $SLURM_LOCALID $SLURM_JOB_NODELIST $CHUNKFLOW_SECRET" >> "$HELD/ranks"
"$@"
code=$?
while [ -e "$HELD/$SLURMD_NODENAME" ]; do sleep 0.2; done
exit $code
`;

if (typeof cluster === 'string') skip(test, 'experiments under Slurm', cluster);
else {
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-jobs-'));
  const [programs, held, results, file, steps] = ['bin', 'held', 'results', 'tiny.yaml', 'steps.jsonl'].map(
    (name) => join(folder, name),
  ) as [string, string, string, string, string];
  for (const each of [programs, held]) mkdirSync(each);
  writeFileSync(file, EXPERIMENT);
  writeFileSync(join(programs, 'apptainer'), APPTAINER);
  chmodSync(join(programs, 'apptainer'), 0o755);
  // Of Slurm's clients here, and of what they start.
  Object.assign(process.env, cluster.env, { PATH: `${programs}:${cluster.env.PATH}`, HELD: held });

  const [one, two, pair] = ['64x64-sp1', '128x64-b2-sp1', '64x64-sp2'].map(
    (name) => `tiny-joint-${name}`,
  ) as [string, string, string];
  const RUN = [
    ...['experiment', 'run', file, '--results', results, '--slurm', '--ranks-per-node', '1'],
    ...['--container', 'apptainer', '--image', 'tiny.sif', '--backend', 'host', '--jobs', '2'],
  ];
  const hold = (node: string) => writeFileSync(join(held, node), '');
  const letGo = (node: string) => rmSync(join(held, node));
  const names = (of: RegExp) =>
    existsSync(results) ? readdirSync(results).filter((name) => of.test(name)) : [];
  const textOf = (name: string) => readFileSync(join(results, name), 'utf8');
  /** Runs of a cell that have ended and are not published. */
  const wholeAttempts = (id: string, restart: number) =>
    names(/\.attempt$/).filter(
      (name) =>
        name.startsWith(`${id}.`) && name.endsWith(`.${restart}.attempt`) && textOf(name).includes('"end"'),
    ).length;
  const isPublished = (id: string) => existsSync(join(results, `${id}.1.jsonl`));
  const jobOf = (id: string) => {
    const jobs = submittedJobs(results).filter(({ tasks }) => tasks.some(({ items }) => items[0]!.id === id));
    const { job, tasks } = jobs.at(-1)!;
    return { job, element: tasks.findIndex(({ items }) => items[0]!.id === id) };
  };
  const stateOf = (id: string) => {
    const { job, element } = jobOf(id);
    return queuedElements([job]).find((each) => each.element === element)?.state;
  };
  const logOf = (id: string) => {
    const { job, element } = jobOf(id);
    return readFileSync(join(results, 'slurm', 'logs', `${job}_${element}.log`), 'utf8');
  };
  /** The process of the element that measures a cell; all nodes' are on this machine. */
  const holderOf = (id: string): number =>
    JSON.parse(readFileSync(join(results, 'locks', `${id}.json`), 'utf8')).pid;
  const watched = (child: ChildProcess) => {
    let said = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    return { child, said: () => said, ended };
  };
  const until = (what: string, isSo: () => boolean) => cluster.until(what, isSo, PATIENCE_MS);

  test('each result is there once, whatever becomes of nodes, jobs and the controller', async () => {
    hold(first);
    const waiting = watched(startCli([...RUN, '--wait']));
    await until('all cells are measured and none is published', () =>
      [one, two, pair].every((id) => wholeAttempts(id, 0) === 1),
    );
    assert.equal(names(/\.jsonl$/), []);

    await cluster.stopController();
    await until('who waits has missed the controller', () => /controller/.test(waiting.said()));
    cluster.startController();
    await until('who waits has found it again', () => /the controller answers again/.test(waiting.said()));

    const requeued = jobOf(two);
    cluster.client('scontrol', 'requeue', `${requeued.job}_${requeued.element}`);
    const cancelled = jobOf(pair);
    cluster.client('scancel', cancelled.job);
    await until('the requeued cell is measured again', () => wholeAttempts(two, 1) === 1);
    await until('the cancelled one is gone', () => stateOf(pair) === 'CANCELLED');

    // The node is cut off, and what runs on it stands still and does not know: Slurm starts it again elsewhere.
    const cutOff = [one, two].map(holderOf);
    for (const pid of cutOff) process.kill(pid, 'SIGSTOP');
    await cluster.stopNode(first);
    await until('the other node has published', () => isPublished(one) && isPublished(two));
    for (const pid of cutOff) process.kill(pid, 'SIGCONT');
    letGo(first);
    await until('who was cut off has noticed', () =>
      [one, two].every((id) => /another job has published the same/.test(logOf(id))),
    );
    assert.is(await waiting.ended, 1, waiting.said());
    assert.match(waiting.said(), new RegExp(`^error: ${pair}: .*CANCELLED\\)$`, 'm'));
    assert.match(waiting.said(), /^2 of 3 cells are measured, 1 failed: /m);
    cluster.startNode(first);
    // Not idle: Slurm may count for minutes what has run there, which the next element has room beside.
    await until(
      'the node serves again',
      () => !/down/.test(cluster.client('sinfo', '-hNn', first, '-o', '%T')),
    );

    hold(first);
    const again = runOwnCli(RUN);
    assert.is(again.code, 0, again.stderr);
    assert.match(again.stderr, /^submitted 1 cells: jobs \d+$/m);
    const interrupted = watched(startCli([...RUN, '--wait']));
    await until('it runs on both', () => /1 running on/.test(interrupted.said()));
    await until('it is measured', () => wholeAttempts(pair, 0) === 2);
    interrupted.child.kill('SIGINT');
    assert.is(await interrupted.ended, 130);
    assert.match(interrupted.said(), new RegExp(`cancel: scancel ${jobOf(pair).job}$`, 'm'));
    assert.not.match(interrupted.said(), /submitted \d/);
    assert.is(stateOf(pair), 'RUNNING');

    await cluster.powerOff(first);
    await until('Slurm has noticed', () => stateOf(pair) === 'PENDING');
    cluster.startNode(first);
    letGo(first);
    const last = runOwnCli([...RUN, '--wait']);
    assert.is(last.code, 0, last.stderr);
    assert.match(last.stdout, /^3 of 3 cells are measured: /m);
    assert.not.match(last.stderr, /submitted \d/);
    assert.match(logOf(pair), /started again \(\d\)/);

    const listed = runOwnCli(['experiment', 'list', file, '--results', results]);
    assert.is(listed.stdout.match(/ done$/gm)?.length, 3, listed.stdout);
    const collected = runOwnCli(['experiment', 'collect', file, '--results', results, '--out', steps]);
    assert.is(collected.code, 0, collected.stderr);
    assert.equal(
      readSteps([steps])
        .map(({ cell, plan }) => `${cell.id} ${plan}`)
        .sort(),
      [
        ...[two, two, one, one].map((id, index) => `${id} ${index % 2 === 0 ? 'chunked' : 'none'}`),
        `${pair} none`,
      ],
    );
    assert.equal(names(/\.jsonl$/).sort(), [`${two}.1.jsonl`, `${one}.1.jsonl`, `${pair}.1.jsonl`].sort());
    assert.equal(readdirSync(join(results, 'locks')), []);
    assert.is(names(/^build$/).length, 1);
    assert.is(readdirSync(join(results, 'build')).length, 1, 'built once');
  });

  test('ranks on two nodes have one secret, which stands nowhere', () => {
    const ranks = readFileSync(join(held, 'ranks'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    const pairs = ranks.filter(([, tasks]) => tasks === '2');
    for (const [, , local, nodes, secret] of pairs) {
      assert.is(local, '0');
      assert.match(nodes!, new RegExp(`^${first}`));
      assert.match(secret!, /^[0-9a-f]{64}$/);
      assert.is(pairs.filter((other) => other[4] === secret).length, 2);
    }
    assert.equal([...new Set(pairs.map(([rank]) => rank))].sort(), ['0', '1']);
    const files = readdirSync(results, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && !entry.parentPath.includes('/build/'),
    );
    assert.ok(files.length > 10);
    for (const { parentPath, name } of files) {
      const text = readFileSync(join(parentPath, name), 'utf8');
      assert.not.ok(
        pairs.some(([, , , , secret]) => text.includes(secret!)),
        name,
      );
    }
  });

  test.after(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });
}

test.run();
