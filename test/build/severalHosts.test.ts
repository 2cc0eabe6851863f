import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from '../../build/bundle.ts';
import { findCommand } from '../../build/command.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { generateScenario } from '../codegen/scenarios.ts';
import { noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';
import { type Ended, makeTwoHosts, start, type TwoHosts } from '../support/twoHosts.ts';

/** One program in a bundle, built once: ranks of several nodes start it in every way there is. */
const FOLDER = resolve('out', 'test', 'several-hosts');
const BUNDLE = join(FOLDER, 'bundle');
const STRANGER = join(packageRoot, 'test', 'support', 'stranger.py');
const TORCHRUN = join(packageRoot, '.python', 'bin', 'torchrun');
const SECRET = '5f0c1d2e3b4a59687786a5b4c3d2e1f0';
const QUICK = ['--rounds', '1', '--steps', '1', '--warm-up', '0', '--time-limit', '30'];

/** Two that NCCL carries, on CPU cores messages between the ranks, and one that stages in shared memory. */
const PLANS = [
  'none,transport=shm',
  'yield,chunk=1MiB,resident=0.5,transport=shm',
  'yield,chunk=2MiB,transport=staged-copy,piece=64KiB',
];
const BETWEEN_HOSTS = ['--plans', '0,1'];

const test = suite('ranks on several hosts');

interface Line {
  record: string;
  [key: string]: unknown;
}

function linesOf(file: string): Line[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** What every plan of the last run of a file computed: one digest of each rank. */
function digests(file: string): string {
  const lines = linesOf(file);
  const last = lines.slice(lines.findLastIndex(({ record }) => record === 'run'));
  assert.is(last.at(-1)!.ok, true);
  const outputs = last.filter(({ record, steps }) => record === 'output' && steps === 3);
  const all = new Set(outputs.map((line) => JSON.stringify(line.digests)));
  assert.ok(outputs.length >= 2);
  assert.is(all.size, 1);
  return [...all][0]!;
}

const errorsOf = (stderr: string) => stderr.split('\n').filter((line) => line.startsWith('error: '));
const port = (number: number) => 20_000 + ((process.pid + 40 * number) % 20_000);

async function ready({ process: child }: Ended): Promise<void> {
  await new Promise<void>((done, failed) => {
    child.stdout!.on('data', (text) => String(text).includes('ready') && done());
    child.on('close', () => failed(new Error('ended before it was ready')));
  });
}

const why = noCompiler();
if (why !== null) skip(test, 'every way', why);
else {
  let id = '';
  let reference = '';

  test('a bundle on two nodes by hand: each builds once, node 0 writes the results', async () => {
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    const program = generateScenario({
      ...{ model: 'tiny-cross', machine: 'h200-x2', size: '32x32x5', blocks: 2, layout: { sp: 2 } },
      plans: PLANS,
    });
    id = program.id;
    await bundle([writeProgram(program, FOLDER)], { out: BUNDLE, args: QUICK });
    const node = (index: number) =>
      start(
        join(BUNDLE, 'measure.sh'),
        [
          ...['--nodes', '2', '--node', `${index}`, '--ranks-per-node', '1'],
          ...['--master', `127.0.0.1:${port(0)}`, '--results', join(FOLDER, 'by-hand')],
        ],
        { CHUNKFLOW_BACKEND: 'host' },
      );
    const ends = await Promise.all([node(0).end, node(1).end]);
    for (const { code, stderr } of ends) assert.is(code, 0, stderr);
    assert.match(ends[0]!.stdout, /plan +mode +median ms/);
    assert.is(ends[1]!.stdout, '');
    assert.is(ends.filter(({ stderr }) => stderr.includes('measuring')).length, 1);
    assert.ok(existsSync(join(FOLDER, 'by-hand', 'programs', id, 'manifest.json')));
    reference = digests(join(FOLDER, 'by-hand', `${id}.jsonl`));
  });

  const executable = () => {
    const build = readdirSync(BUNDLE).find((name) => name.startsWith('build-host-'))!;
    const bin = join(BUNDLE, build, 'bin');
    return join(bin, readdirSync(bin).find((name) => name.endsWith('_run'))!);
  };

  test('and on one host, as threads, the same comes out', async () => {
    const file = join(FOLDER, 'threads.jsonl');
    const { code, stderr } = await start(executable(), [...QUICK, '--ranks', 'threads', '--out', file], {})
      .end;
    assert.is(code, 0, stderr);
    assert.is(digests(file), reference);
  });

  if (!existsSync(TORCHRUN)) skip(test, 'torchrun', 'there is no .python with torch (npm run python)');
  else
    test('under torchrun with two agents', async () => {
      const agent = (index: number) =>
        start(
          TORCHRUN,
          [
            ...['--nnodes', '2', '--node-rank', `${index}`, '--nproc-per-node', '1'],
            ...['--master-addr', '127.0.0.1', '--master-port', `${port(1)}`],
            ...['--no-python', join(BUNDLE, 'measure.sh'), '--results', join(FOLDER, 'torchrun')],
          ],
          { CHUNKFLOW_BACKEND: 'host', CHUNKFLOW_SECRET: SECRET },
        );
      for (const { code, stderr } of await Promise.all([agent(0).end, agent(1).end])) {
        assert.is(code, 0, stderr);
      }
      assert.is(digests(join(FOLDER, 'torchrun', `${id}.jsonl`)), reference);
    });

  test('measure.sh names what is wrong about nodes', async () => {
    for (const [args, env, message] of [
      [['--nodes', '2'], {}, /^error: --node is missing; --nodes, --node, --ranks-per-node and --master go/],
      [['--nodes', '2', '--node', '2', '--ranks-per-node', '1', '--master', 'a'], {}, /from 0 to 1, got '2'/],
      [['--nodes', 'two'], {}, /^error: --nodes: expected a whole number, got 'two'/],
      [
        ['--nodes', '1', '--node', '0', '--ranks-per-node', '2', '--master', 'a:b'],
        {},
        /--master: expected a/,
      ],
      [['--nodes', '2'], { RANK: '1' }, /^error: --nodes: this is rank 1 already/],
    ] as const) {
      const { code, stderr } = await start(join(BUNDLE, 'measure.sh'), args, env).end;
      assert.is(code, 2, stderr);
      assert.match(stderr, message);
    }
  });

  const python = findCommand('python3');
  const made = makeTwoHosts();
  if (typeof made === 'string') skip(test, 'two network namespaces', made);
  else if (python === null)
    skip(test, 'two network namespaces', 'python3, which plays the stranger, is missing');
  else namespaces(made, python, executable, () => reference);
}

/** Tests of two ranks on two hosts, which differ in name and address. */
function namespaces(two: TwoHosts, python: string, executable: () => string, reference: () => string): void {
  const [a, b] = two.hosts;
  test.after(() => two.remove());

  interface Way {
    args?: readonly string[];
    env?: Record<string, string>;
    /** In place of the variables of both ranks. */
    ofRank?: readonly [Record<string, string>, Record<string, string>];
    out?: string;
  }
  const startRank = (rank: 0 | 1, number: number, { args = BETWEEN_HOSTS, env = {}, ofRank, out }: Way) =>
    two.hosts[rank].start(executable(), [...QUICK, ...args, '--out', join(FOLDER, out ?? 'refused.jsonl')], {
      RANK: `${rank}`,
      WORLD_SIZE: '2',
      LOCAL_RANK: '0',
      MASTER_ADDR: a.addresses.ib0,
      MASTER_PORT: `${port(number)}`,
      CHUNKFLOW_INTERFACE: 'ib0',
      CHUNKFLOW_SECRET: SECRET,
      ...env,
      ...ofRank?.[rank],
    });
  const both = (number: number, way: Way) =>
    Promise.all([startRank(0, number, way).end, startRank(1, number, way).end]);

  test('two ranks on two hosts compute what they do on one, over the chosen interface alone', async () => {
    const recording = b.start(
      python,
      [STRANGER, 'record', 'ib0', `${port(2)}`, join(FOLDER, 'recorded')],
      {},
    );
    await ready(recording);
    const others = [a.receivedBytes('eth0'), b.receivedBytes('eth0')];
    const out = 'two-hosts.jsonl';
    for (const { code, stderr } of await both(2, { out })) assert.is(code, 0, stderr);
    recording.process.kill();
    await recording.end;
    assert.is(digests(join(FOLDER, out)), reference());
    assert.ok(a.receivedBytes('ib0') > 100_000);
    // The kernel's own announcements are not of the run.
    for (const [index, before] of others.entries()) {
      assert.ok(two.hosts[index]!.receivedBytes('eth0') - before < 5000);
    }
    const recorded = readFileSync(join(FOLDER, 'recorded'));
    assert.ok(recorded.length > 10_000);
    assert.not.ok(recorded.includes(SECRET));
    assert.not.match(readFileSync(join(FOLDER, out), 'utf8'), new RegExp(SECRET));
  });

  test('a stranger who connects, sends garbage, stalls, floods, claims a rank and replays changes nothing', async () => {
    const out = 'beside-stranger.jsonl';
    // The port of the run before: what was recorded there says the same job.
    const where = [a.addresses.ib0, `${port(2)}`, join(FOLDER, 'recorded'), a.addresses.eth0];
    const stranger = b.start(python, [STRANGER, 'disturb', ...where], {});
    const zero = startRank(0, 2, { out });
    await ready(stranger);
    const one = startRank(1, 2, { out });
    for (const { code, stderr } of await Promise.all([zero.end, one.end])) assert.is(code, 0, stderr);
    stranger.process.kill();
    const counts = JSON.parse((await stranger.end).stdout.trim().split('\n').at(-1)!);
    assert.is(digests(join(FOLDER, out)), reference());
    assert.ok(counts.connected > 100, JSON.stringify(counts));
    // Behind the meeting nobody listens any more.
    assert.ok(counts.refused > 3, JSON.stringify(counts));
    assert.ok(counts.challenged > 1, JSON.stringify(counts));
    assert.is(counts.believed, 0);
    assert.is(counts.elsewhere, 0);
  });

  test('secrets that differ: both end, each with one line', async () => {
    const other = 'ffffffffffffffffffffffffffffffff';
    const ofRank = [{}, { CHUNKFLOW_SECRET: other }] as const;
    const ends = await both(3, { args: [...BETWEEN_HOSTS, '--time-limit', '4'], ofRank });
    for (const [rank, { code, stderr }] of ends.entries()) {
      assert.is(code, rank === 0 ? 1 : 2, stderr);
      const errors = errorsOf(stderr);
      assert.is(errors.length, 1, stderr);
      assert.match(errors[0]!, /set the same CHUNKFLOW_SECRET on all ranks/);
      assert.not.match(stderr, new RegExp(`${SECRET}|${other}`));
    }
    assert.match(
      ends[0].stderr,
      /rank 1 did not come within 4 s .*; what came from 10\.231\.7\.2 does not know/,
    );
  });

  const refusals: [string, Way, RegExp][] = [
    [
      'no secret',
      { env: { CHUNKFLOW_SECRET: '' } },
      /CHUNKFLOW_SECRET is not set, and rank 0 would listen at 10\.231\.7\.1, .*openssl rand -hex 16/,
    ],
    [
      'a plan that stages in shared memory',
      { args: ['--plans', '1,2'] },
      /^error: plan .*staged-copy stages in memory that all ranks share, which needs one host; there are rank 0 on node-a, rank 1 on node-b; plans that work between hosts \(--plans\): 0 \(none.*1 \(yield/,
    ],
    [
      'a survey of the arenas',
      { args: [...BETWEEN_HOSTS, '--survey-arena'] },
      /--survey-arena: .*needs one host; there are rank 0 on node-a, rank 1 on node-b/,
    ],
    [
      'an interface that is not there',
      { env: { CHUNKFLOW_INTERFACE: 'ib7' } },
      /CHUNKFLOW_INTERFACE is "ib7", and there is no such interface; there are lo \(127\.0\.0\.1.*ib0 \(10\.231/,
    ],
  ];
  for (const [index, [what, way, message]] of refusals.entries()) {
    test(`${what}: refused on both, with one line`, async () => {
      for (const { code, stderr } of await both(4 + index, way)) {
        assert.is(code, 2, stderr);
        assert.is(errorsOf(stderr).length, 1, stderr);
        assert.match(errorsOf(stderr)[0]!, message);
      }
      assert.not.ok(existsSync(join(FOLDER, 'refused.jsonl')));
    });
  }

  test("rank 0's address on another interface than the chosen one: refused, with the one to set", async () => {
    const env = { MASTER_ADDR: a.addresses.eth0 };
    const { code, stderr } = await startRank(0, 9, { env }).end;
    assert.is(code, 2);
    assert.match(
      stderr,
      /MASTER_ADDR is 10\.231\.8\.1, which is not on ib0 .*set MASTER_ADDR to 10\.231\.7\.1 on all/,
    );
  });
}

test.run();
