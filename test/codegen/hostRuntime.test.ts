import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type BuiltProgram, buildPrograms } from '../../build/build.ts';
import { writeProgram } from '../../codegen/writeProgram.ts';
import { recordFormats } from '../../measure/records.ts';
import { noCompiler } from '../support/compilers.ts';
import { skip } from '../support/skip.ts';
import { readTensors } from '../support/tensorFile.ts';
import { ALONE, generateScenario, SHARED, type TinyScenario } from './scenarios.ts';

const SOME = ['none', 'yield,chunk=1MiB', 'yield,chunk=2MiB,transport=staged-copy,piece=64KiB'];

/** Blocks that keep as many pages, and the first of them one more. */
const PAGES = ['alike', 'mixed'].map((name) => `test/codegen/mixedResidents.jsonl#${name}`);

/** Settings of tools, and a plan whose first block waits for its own copy. */
const TOOLS = ['sglang', 'vllm-omni', 'test/codegen/ownCopies.json'];

// Few tokens: plans differ in when the same weights come, whatever is computed with them.
const cross = { model: 'tiny-cross', machine: 'host-x2', size: '32x32x5', blocks: 2 } as const;
// Enough tokens for messages of several pieces.
const joint = { model: 'tiny-joint', machine: 'host-x2', size: '128x128', blocks: 2 } as const;

const COMMIT = `${'0123456789'.repeat(4)}-dirty`;

/** One rank computes what several must agree with. */
const SCENARIOS: Record<string, TinyScenario & { reference?: string }> = {
  'cross-one': { ...cross, machine: 'host-x1', layout: { sp: 1 }, plans: [...ALONE, ...PAGES, ...TOOLS] },
  'cross-mirrored': { ...cross, machine: 'host-x1', layout: { sp: 2 }, plans: SOME },
  'cross-packed': { ...cross, layout: { sp: 2 }, plans: SHARED, reference: 'cross-one' },
  'joint-one': { ...joint, machine: 'host-x1', layout: { sp: 1 }, plans: ['none'], commit: COMMIT },
  'joint-packed': { ...joint, layout: { sp: 2 }, plans: SOME, reference: 'joint-one' },
  'joint-separate': {
    ...joint,
    layout: { sp: 2, exchange: 'separate' },
    plans: SOME,
    reference: 'joint-one',
  },
  'joint-gather': { ...joint, layout: { sp: 2, exchange: 'kv-gather' }, plans: SOME, reference: 'joint-one' },
  'joint-tensor': { ...joint, layout: { sp: 1, tp: 2 }, plans: SOME, reference: 'joint-one' },
};

const FOLDER = join('out', 'test', 'host-runtime');
const OUTPUTS = join(FOLDER, 'outputs');

const CUT_OFF = join(FOLDER, 'cut-off.safetensors');
const NEW = join(FOLDER, 'failed.jsonl');

/** What goes wrong, how it is brought about, the exit code, and what the line must say. */
const FAILURES: [string, string[], Record<string, string>, number, RegExp][] = [
  ['an unwritable results folder', ['--out', '/proc/nope/x.jsonl'], {}, 2, /--out .*cannot be written/],
  ['a full disk', ['--ranks', 'threads', '--out', '/dev/full'], {}, 1, /No space left/],
  [
    'a weights file that is cut off',
    ['--ranks', 'threads', '--weights', CUT_OFF, '--out', NEW],
    {},
    2,
    /cut off \(9 bytes; its header claims 4096\)/,
  ],
  [
    'too little pinned memory',
    ['--ranks', 'threads', '--pinned-limit', '1000000', '--out', NEW],
    {},
    2,
    /pinned/,
  ],
  [
    'a mismatched world size',
    ['--out', NEW],
    { RANK: '0', WORLD_SIZE: '3', LOCAL_RANK: '0', MASTER_ADDR: '127.0.0.1', MASTER_PORT: '29555' },
    2,
    /WORLD_SIZE is 3, this program was generated for 2 ranks/,
  ],
  ['an unknown flag', ['--rnk'], {}, 2, /did you mean --ranks/],
];

interface Records {
  status: number | null;
  stderr: string;
  lines: { record: string; [key: string]: unknown }[];
}

function run(program: BuiltProgram, name: string, args: readonly string[], env = process.env): Records {
  const file = join(FOLDER, `${name}.jsonl`);
  rmSync(file, { force: true });
  const usual = ['--rounds', '1', '--steps', '1', '--warm-up', '0', '--out', file];
  const { status, stderr } = spawnSync(program.executable, [...usual, ...args], { encoding: 'utf8', env });
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return { status, stderr, lines: lines.map((line) => JSON.parse(line)) };
}

/** What every plan of one number of steps computed. */
function digests({ lines }: Records): Set<string> {
  const outputs = lines.filter(({ record, steps }) => record === 'output' && steps === 3);
  assert.ok(outputs.length > 0);
  return new Set(outputs.map((line) => JSON.stringify(line.digests)));
}

/** ||outputs - reference|| / ||reference|| of a residual stream. */
function distance(name: string, reference: string, residual: string): number {
  const saved = (id: string) => readTensors(join(OUTPUTS, `${id}-plan0.safetensors`)).tensors.get(residual)!;
  const expected = saved(reference);
  const actual = saved(name);
  assert.equal(actual.shape, expected.shape);
  let difference = 0;
  let norm = 0;
  for (const [index, value] of expected.values.entries()) {
    difference += (actual.values[index]! - value) ** 2;
    norm += value ** 2;
  }
  return Math.sqrt(difference / norm);
}

const runtime = suite('runtime on the host backend');
const why = noCompiler();

function generated(names: readonly string[]): string[] {
  return names.map((name) =>
    writeProgram(generateScenario({ ...SCENARIOS[name]!, id: name }), join(FOLDER, 'programs')),
  );
}

if (why !== null) skip(runtime, 'generated programs compile and run', why);
else {
  let programs: Map<string, BuiltProgram>;

  runtime('every program compiles with the C++ compiler', async () => {
    mkdirSync(OUTPUTS, { recursive: true });
    const built = await buildPrograms(generated(Object.keys(SCENARIOS)), { backend: 'host' });
    programs = new Map(built.programs.map((program) => [program.manifest.id, program]));
  });

  for (const [name, { reference, plans }] of Object.entries(SCENARIOS)) {
    runtime(
      `${name}: ${plans.length} plans compute the same, eagerly and as a graph, with their own weights`,
      () => {
        const result = run(programs.get(name)!, name, [
          '--graph',
          '--verify',
          '--ranks',
          'threads',
          '--save-outputs',
          OUTPUTS,
        ]);
        assert.is(result.status, 0, result.stderr);
        assert.is(digests(result).size, 1);
        const verified = result.lines.filter(({ record }) => record === 'verify');
        assert.is(verified.length, plans.length);
        for (const { wrong } of verified) assert.is(wrong, 0);
        if (reference === undefined) return;
        const residuals = name.startsWith('joint') ? ['image', 'text'] : ['video'];
        // bf16 keeps 8 bits; three steps of rounding at other places stay well within 1.5 %.
        for (const residual of residuals) assert.ok(distance(name, reference, residual) < 0.015);
      },
    );
  }

  runtime('ranks as processes compute what ranks as threads do', () => {
    const program = programs.get('cross-packed')!;
    const plans = ['--plans', '0,8,11'];
    const threads = run(program, 'as-threads', [...plans, '--ranks', 'threads']);
    const processes = run(program, 'as-processes', [...plans, '--ranks', 'processes']);
    assert.is(processes.status, 0, processes.stderr);
    assert.equal([...digests(processes)], [...digests(threads)]);
  });

  runtime('records name the node and the job, and the commit of what generated the program', () => {
    const { CHUNKFLOW_NODE: _, SLURMD_NODENAME: __, SLURM_JOB_ID: ___, ...env } = process.env;
    const record = (name: string, more: Record<string, string>) => {
      const { status, stderr, lines } = run(programs.get(name)!, 'named', ['--plans', '0'], {
        ...env,
        ...more,
      });
      assert.is(status, 0, stderr);
      const { devices, commit, slurmJob } = recordFormats.run.parse(lines[0]);
      return { nodes: devices.map(({ node }) => node), commit, slurmJob };
    };
    const job = { SLURMD_NODENAME: 'gpu-17', SLURM_JOB_ID: '4702' };
    assert.equal(record('joint-one', job), { nodes: ['gpu-17'], commit: COMMIT, slurmJob: '4702' });
    const array = {
      ...job,
      SLURM_ARRAY_JOB_ID: '4700',
      SLURM_ARRAY_TASK_ID: '3',
      CHUNKFLOW_NODE: 'rack 2 "b"',
    };
    assert.equal(record('joint-packed', array), {
      ...{ nodes: ['rack 2 "b"', 'rack 2 "b"'], commit: undefined, slurmJob: '4700_3' },
    });
    assert.equal(record('joint-one', {}), { nodes: [hostname()], commit: COMMIT, slurmJob: undefined });
  });

  runtime('segments by themselves, on two ranks: each in every way', () => {
    const args = ['--segments', '--plans', '0', '--ranks', 'threads'];
    const { status, stderr, lines } = run(programs.get('cross-packed')!, 'segments', args);
    assert.is(status, 0, stderr);
    const segments = lines.filter(({ record }) => record === 'segment') as never as Record<string, unknown>[];
    const ways = (beside: string) =>
      segments.filter((line) => line.beside === beside && line.gapS === 0).length;
    assert.ok(ways('nothing') > 10, `${ways('nothing')} segments`);
    assert.is(ways('copies'), ways('nothing'));
    assert.is(ways('collectives'), ways('nothing'));
    // Long ones are measured with two pauses too, on all ranks or on none.
    const paused = segments.filter((line) => line.gapS !== 0).length;
    assert.ok(paused > 0);
    assert.is(paused % 2, 0);
  });

  runtime('measured memory is within 2 % of what the plan claims, but for whole pages', () => {
    const { lines } = run(programs.get('cross-one')!, 'memory', ['--plans', '0,2']);
    const memory = lines.filter(({ record }) => record === 'memory');
    assert.is(memory.length, 2);
    for (const { claimedBytes, allocatedPeakBytes } of memory as never as Record<string, number>[]) {
      // The workspace stands for the device's reserve, which a host does not have.
      const own = allocatedPeakBytes! - 64 * 2 ** 20;
      assert.ok(
        Math.abs(own - claimedBytes!) < 0.02 * claimedBytes! + 16 * 2 ** 20,
        `${own} ${claimedBytes}`,
      );
    }
  });

  runtime('a block that keeps a page more takes just that more', () => {
    const plans = [ALONE.length, ALONE.length + 1].join();
    const { lines } = run(programs.get('cross-one')!, 'pages', ['--plans', plans]);
    const memory = lines.filter(({ record }) => record === 'memory') as never as Record<string, number>[];
    const [alike, mixed] = memory as [Record<string, number>, Record<string, number>];
    for (const bytes of ['claimedBytes', 'allocatedPeakBytes'])
      assert.is(mixed[bytes]! - alike[bytes]!, 2 * 2 ** 20, bytes);
  });

  for (const [what, args, env, status, message] of FAILURES) {
    runtime(`${what}: one clear line and exit code ${status}`, () => {
      writeFileSync(CUT_OFF, Buffer.concat([Buffer.from([0, 16, 0, 0, 0, 0, 0, 0]), Buffer.from('{')]));
      const quick = ['--rounds', '1', '--steps', '1', '--warm-up', '0', '--plans', '2', '--time-limit', '10'];
      const ended = spawnSync(programs.get('cross-packed')!.executable, [...quick, ...args], {
        encoding: 'utf8',
        env: { ...process.env, ...env },
        timeout: 60_000,
      });
      assert.is(ended.status, status, ended.stderr);
      const errors = ended.stderr.split('\n').filter((line) => line.startsWith('error: '));
      assert.ok(errors.length > 0, ended.stderr);
      for (const error of errors) assert.match(error, message);
    });
  }

  runtime('a killed rank ends the other one, and what was written stays whole', async () => {
    const { executable } = programs.get('cross-packed')!;
    const file = join(FOLDER, 'killed.jsonl');
    rmSync(file, { force: true });
    const args = ['--rounds', '50', '--steps', '20', '--time-limit', '10', '--out', file];
    const start = (rank: number) =>
      spawn(executable, args, {
        env: {
          ...process.env,
          RANK: `${rank}`,
          WORLD_SIZE: '2',
          LOCAL_RANK: `${rank}`,
          MASTER_ADDR: '127.0.0.1',
          MASTER_PORT: `${20_000 + (process.pid % 20_000)}`,
        },
        stdio: 'ignore',
      });
    const [survivor, victim] = [start(0), start(1)];
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const ended = new Promise<number | null>((resolve) => survivor.on('close', resolve));
    victim.kill('SIGKILL');
    const before = performance.now();
    assert.is(await ended, 1);
    assert.ok(performance.now() - before < 30_000);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    for (const line of lines) JSON.parse(line);
    assert.is(JSON.parse(lines.at(-1)!).ok, false);
  });
}

runtime.run();
