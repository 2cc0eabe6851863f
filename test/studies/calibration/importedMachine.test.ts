import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COLLECTIVE_KINDS } from '../../../model/dit/kinds.ts';
import { KiB, MiB } from '../../../model/input/byteUnits.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { randomNumbers } from '../../../model/leastSquares/multiStart.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { ProvenanceEntry, System } from '../../../model/system/system.ts';
import { pathToMemory } from '../../../model/system/tree.ts';
import { runCli } from '../../support/runCli.ts';
import { matrixOutput, ncclTestsOutput, nvbandwidthOutput } from '../imports/madeOutputs.ts';

const folder = mkdtempSync(join(tmpdir(), 'imported-machine-'));
const fitting = suite("a machine fitted to other tools' files");
fitting.after(() => rmSync(folder, { recursive: true }));

const written = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const out = join(folder, 'mine.yaml');

async function fitted(
  files: readonly string[],
  ...flags: string[]
): Promise<{ system: System; stderr: string }> {
  rmSync(out, { force: true });
  const { code, stderr } = await runCli(['fit', ...files, ...flags, '--out', out]);
  assert.is(code, 0, stderr);
  return { system: loadSystem(out), stderr };
}

const entryOf = (system: System, key: string): ProvenanceEntry =>
  system.provenance.find((one) => one.key === key) ??
  assert.unreachable(`${key} is no number of the machine`)!;

const SIZES = [16 * KiB, 128 * KiB, MiB, 4 * MiB, 16 * MiB, 64 * MiB, 256 * MiB];

/** Times of a start-up and a rate with noise of 2 %. */
function timesOf(latencyS: number, bytesPerS: number, seed: number) {
  const random = randomNumbers(seed);
  const noise = () => 1 + 0.04 * (random() - 0.5);
  return (sentBytes: number) => (latencyS + sentBytes / bytesPerS) * noise();
}

const TRUTHS: [
  machine: string,
  ranks: number,
  transport: string,
  latencyUs: number,
  rates: Record<string, number>,
][] = [
  ['h100-sxm-x2', 2, 'shm', 24, { 'all-to-all': 19, 'all-gather': 21, 'all-reduce': 26 }],
  ['h100-pcie-x2', 2, 'shm', 12, { 'all-to-all': 24 }],
  ['h100-sxm-x4', 4, 'shm', 30, { 'all-to-all': 12, 'all-reduce': 14 }],
  // No PCIe link is as fast: NVLink, whatever the machine's default, and where it has none.
  ['h100-sxm-x2', 2, 'nvlink', 14, { 'all-to-all': 240, 'all-gather': 250, 'all-reduce': 260 }],
  ['h100-pcie-x2', 2, 'nvlink', 14, { 'all-gather': 150 }],
];

for (const [machine, ranks, transport, latencyUs, rates] of TRUTHS) {
  fitting(
    `${machine}: start-up and rates over ${transport} lie in their intervals, the rest stays`,
    async () => {
      const text = Object.entries(rates).map(([kind, gigabytesPerS], index) =>
        ncclTestsOutput({
          collective: COLLECTIVE_KINDS.find((known) => known === kind)!,
          ...{ ranks, sizes: SIZES, secondsOf: timesOf(latencyUs * 1e-6, gigabytesPerS * 1e9, index + 3) },
        }),
      );
      const { system, stderr } = await fitted([written('nccl.txt', text.join('\n'))], '--machine', machine);
      assert.match(stderr, new RegExp(`nccl-tests are taken to have run over ${transport}`));
      const expected = {
        [`transports.${transport}.latency`]: latencyUs,
        ...Object.fromEntries(
          Object.entries(rates).map(([kind, rate]) => [`transports.${transport}.${kind}.rate`, rate]),
        ),
      };
      for (const [key, truth] of Object.entries(expected)) {
        const { shown, from, source, interval } = entryOf(system, key);
        const value = Number.parseFloat(shown);
        assert.is(from, 'fitted', key);
        assert.is(source, 'nccl-tests, nccl.txt');
        const [low, high] = interval!.map((factor) => factor * value) as [number, number];
        // Of many 95 % intervals some miss by a little.
        assert.ok(
          0.97 * low <= truth && truth <= 1.03 * high,
          `${key}: ${truth} is not in ${low} to ${high}`,
        );
        assert.ok(high / low < 1.5, `${key}: ${low} to ${high} says little`);
      }
      assert.not(
        system.provenance.some(({ key }) => key.endsWith('.hostShare')),
        'nothing says what misses host memory',
      );
      const before = new Map(loadSystem(machine).provenance.map((entry) => [entry.key, entry]));
      for (const entry of system.provenance) {
        if (entry.key in expected || !before.has(entry.key)) continue;
        assert.equal(entry, before.get(entry.key), entry.key);
      }
    },
  );
}

const COPIES: [what: string, tests: Record<string, number[]>, expected: Record<string, string>][] = [
  [
    'one GPU alone',
    { host_to_device_memcpy_ce: [51.5], device_to_host_memcpy_ce: [49.25] },
    {
      'gpu.copyEngine.h2d': '51.5 GB/s',
      'tree.gpu0.down': '51.5 GB/s',
      'tree.gpu1.down': '51.5 GB/s',
      'tree.gpu0.up': '49.25 GB/s',
    },
  ],
  [
    'a slower slot',
    { host_to_device_memcpy_ce: [51.5, 25.5] },
    { 'gpu.copyEngine.h2d': '51.5 GB/s', 'tree.gpu0.down': '51.5 GB/s', 'tree.gpu1.down': '25.5 GB/s' },
  ],
  [
    'both directions, held back',
    {
      host_to_device_memcpy_ce: [50, 50],
      device_to_host_memcpy_ce: [50, 50],
      host_to_device_bidirectional_memcpy_ce: [40, 40],
      device_to_host_bidirectional_memcpy_ce: [42, 42],
    },
    { 'tree.gpu0.duplex': '82 GB/s', 'tree.gpu1.duplex': '82 GB/s' },
  ],
  [
    'all at once, held back by host memory',
    { host_to_device_memcpy_ce: [50, 50], host_to_all_memcpy_ce: [33, 34] },
    { 'tree.memory.reads': '67 GB/s' },
  ],
  [
    'to the host at once',
    { device_to_host_memcpy_ce: [50, 50], all_to_host_memcpy_ce: [31, 31] },
    { 'tree.memory.writes': '62 GB/s' },
  ],
];

for (const [what, tests, expected] of COPIES) {
  fitting(`nvbandwidth: ${what}`, async () => {
    const { system } = await fitted(
      [written('nvb.txt', nvbandwidthOutput(tests))],
      '--machine',
      'h100-sxm-x2',
    );
    for (const [key, shown] of Object.entries(expected)) {
      const entry = entryOf(system, key);
      assert.is(entry.shown, shown, key);
      assert.match(entry.source, /nvb\.txt:\d+$/);
    }
    assert.is(entryOf(system, 'gpu.peak').from, 'datasheet');
    assert.is(entryOf(system, 'transports.shm.all-to-all.rate').from, 'default');
  });
}

fitting('nvbandwidth: how far three GPUs and more lie apart is the interval of each', async () => {
  const tests = { host_to_device_memcpy_ce: [50, 51, 52, 53] };
  const { system } = await fitted([written('nvb.txt', nvbandwidthOutput(tests))], '--machine', 'h100-sxm-x4');
  const [low, high] = entryOf(system, 'tree.gpu1.down').interval!;
  // Student's 97.5 % quantile of 3 degrees of freedom times the standard deviation of 1.29.
  assert.ok(Math.abs(low * 51 - (51 - 3.182 * 1.291)) < 0.02, `${low * 51}`);
  assert.ok(Math.abs(high * 51 - (51 + 3.182 * 1.291)) < 0.02, `${high * 51}`);
});

const PAIR = ['X PHB', 'PHB X'];

fitting('a shared host bridge: all at once says what the matrix does not', async () => {
  const smi = written('smi.txt', matrixOutput(PAIR));
  const alone = [50, 50];
  const of = async (atOnce: number[]) => {
    const nvb = nvbandwidthOutput({ host_to_device_memcpy_ce: alone, host_to_all_memcpy_ce: atOnce });
    return fitted([smi, written('nvb.txt', nvb)], '--machine', 'h100-sxm-x2');
  };
  const unknown = await fitted([smi], '--machine', 'h100-sxm-x2');
  const link = unknown.system.tree.find(({ id }) => id === 'gpu0')!.downBytesPerS;
  assert.is(
    unknown.system.tree.find(({ id }) => id === 'bridge0')!.downBytesPerS,
    link,
    'one link, as cautious',
  );
  assert.match(
    unknown.stderr,
    /GPUs and tree are those of .*smi\.txt; what it gives no rate is as h100-sxm-x2/,
  );
  assert.match(unknown.stderr, /may share one link of their host bridge/);
  const shared = await of([24, 25]);
  assert.is(shared.system.tree.find(({ id }) => id === 'bridge0')!.downBytesPerS, 49e9);
  assert.match(shared.stderr, /get 49\.0 GB\/s h2d at once: the rate of the link that they share/);
  const apart = await of([50, 49.5]);
  assert.is(apart.system.tree.find(({ id }) => id === 'bridge0')!.downBytesPerS, 99.5e9);
  assert.match(apart.stderr, /as much as alone, so nothing that they share binds/);
});

fitting('a topology of more GPUs than the machine has gives it all of them, and NCCL', async () => {
  const cells = ['X NODE NODE NODE', 'NODE X NODE NODE', 'NODE NODE X NODE', 'NODE NODE NODE X'];
  const nccl = ncclTestsOutput({
    ...{ collective: 'all-gather', ranks: 4, sizes: SIZES, secondsOf: timesOf(15e-6, 9e9, 5) },
    device: 'NVIDIA GeForce RTX 5090',
  });
  const files = [written('smi.txt', matrixOutput(cells)), written('nccl.txt', nccl)];
  const { system, stderr } = await fitted(files, '--machine', 'rtx5090-x1', '--id', 'four-cards');
  assert.is(system.id, 'four-cards');
  assert.equal(system.gpus, ['gpu0', 'gpu1', 'gpu2', 'gpu3']);
  assert.is(system.peer, 'real');
  for (const gpu of system.gpus) assert.is(pathToMemory(system.tree, gpu).memory.id, 'socket0');
  assert.is(entryOf(system, 'transports.shm.all-gather.rate').from, 'fitted');
  assert.is(entryOf(system, 'tree.socket0.memory').from, 'default');
  assert.match(stderr, /no all-to-all was measured/);
  assert.not.match(stderr, /the files are of/);
});

const NVLINKED = ['X NV4', 'NV4 X'];

const OVER: [
  what: string,
  machine: string,
  gigabytesPerS: number,
  flags: string[],
  name: string,
  why: RegExp,
][] = [
  [
    'NVLinks that are slower than PCIe',
    'h100-sxm-x2',
    19,
    [],
    'shm',
    /19\.\d GB\/s is less than .*, as with NCCL_P2P_DISABLE=1/,
  ],
  ['NVLinks', 'h100-sxm-x2', 54, [], 'nvlink', /the topology has NVLinks/],
  ['what is asked for', 'h100-sxm-x2', 200, ['--transport', 'p2p'], 'p2p', /as asked for/],
];

for (const [what, machine, gigabytesPerS, flags, name, why] of OVER) {
  fitting(`nccl-tests ran over ${name}: ${what}`, async () => {
    const secondsOf = timesOf(15e-6, gigabytesPerS * 1e9, 9);
    const text = ncclTestsOutput({ collective: 'all-to-all', ranks: 2, sizes: SIZES, secondsOf });
    const files = [written('smi.txt', matrixOutput(NVLINKED)), written('nccl.txt', text)];
    const { system, stderr } = await fitted(files, '--machine', machine, ...flags);
    assert.match(stderr, new RegExp(`taken to have run over ${name}: `));
    assert.match(stderr, why);
    assert.match(entryOf(system, `transports.${name}.all-to-all.rate`).source, /^nccl-tests, nccl\.txt/);
  });
}

fitting('JSON has every number with its provenance, and the fit', async () => {
  const text = ncclTestsOutput({
    ...{ collective: 'all-to-all', ranks: 2, sizes: SIZES, secondsOf: timesOf(2e-5, 2e10, 4) },
  });
  const { code, stdout } = await runCli([
    ...['fit', written('nccl.txt', text), nvb(), '--machine', 'h100-sxm-x2', '--json'],
  ]);
  assert.is(code, 0);
  const { numbers, stages, notes } = JSON.parse(stdout);
  const froms = Object.fromEntries(
    numbers.map(({ key, from }: { key: string; from: string }) => [key, from]),
  );
  assert.is(froms['tree.gpu0.down'], 'measured');
  assert.is(froms['transports.shm.all-to-all.rate'], 'fitted');
  assert.is(stages[0].name, 'shm alone');
  assert.ok(notes.length > 0);
});

fitting('GPUs of another name than the machine: said, since compute stays its own', async () => {
  const nvb = nvbandwidthOutput({ host_to_device_memcpy_ce: [25, 25] }, 'NVIDIA GeForce RTX 4090');
  const { stderr } = await fitted([written('nvb.txt', nvb)], '--machine', 'h100-sxm-x2');
  assert.match(stderr, /the files are of NVIDIA GeForce RTX 4090, and h100-sxm-x2 has H100: compute/);
});

fitting('the machine predicts, simulates and plans', async () => {
  const nccl = ncclTestsOutput({
    ...{ collective: 'all-to-all', ranks: 2, sizes: SIZES, secondsOf: timesOf(20e-6, 19e9, 7) },
  });
  const nvb = nvbandwidthOutput({ host_to_device_memcpy_ce: [50, 50], device_to_host_memcpy_ce: [50, 50] });
  await fitted([written('nccl.txt', nccl), written('nvb.txt', nvb)], '--machine', 'h100-sxm-x2');
  const where = ['--model', 'wan2.1-t2v-1.3b', '--sp', '2', '--machine', out, '--plan', 'yield'];
  for (const command of ['predict', 'simulate']) {
    const { code, stdout, stderr } = await runCli([command, ...where]);
    assert.is(code, 0, stderr);
    assert.match(stdout, /yield/);
  }
});

const BAD: [what: string, files: () => string[], flags: string[], message: RegExp][] = [
  ['no machine', () => [nvb()], [], /--machine: is missing; .*name the nearest machine, .*h100-sxm-x2/],
  ['an unknown machine', () => [nvb()], ['--machine', 'h900'], /machine "h900" is not known/],
  ['one of several cards', () => [nvb()], ['--machine', 'h100'], /card "h100" may be h100-nvl or /],
  ['CPU cores', () => [nvb()], ['--machine', 'host-x2'], /machine host-x2 is CPU cores; name the machine/],
  [
    'mirrored peers',
    () => [nccl(2)],
    ['--machine', 'h200-x1'],
    /nccl\.txt:\d+: collectives of 2 GPUs, and h200-x1 has mirrored peers/,
  ],
  [
    'more ranks than GPUs',
    () => [nccl(8)],
    ['--machine', 'h100-sxm-x2'],
    /nccl\.txt:\d+: collectives of 8 ranks, and h100-sxm-x2 has 2 GPUs/,
  ],
  [
    'two topologies',
    () => [smi(), smi()],
    ['--machine', 'h100-sxm-x2'],
    /smi\.txt: is a second topology beside that of/,
  ],
  [
    'another transport',
    () => [nccl(2)],
    ['--machine', 'h100-sxm-x2', '--transport', 'staged-sm'],
    /--transport "staged-sm": expected one of NCCL's, shm, p2p, nvlink/,
  ],
  [
    'a calibration beside',
    () => [nvb(), 'experiments/x.yaml'],
    [],
    /: is no calibration, as .*x\.yaml is; fit files of other tools by themselves/,
  ],
  [
    'a machine of a calibration',
    () => ['experiments/x.yaml'],
    ['--machine', 'h200-x1'],
    /--machine h200-x1: is for files of other tools/,
  ],
  ['no such file', () => [join(folder, 'none')], ['--machine', 'h200-x1'], /none: cannot be read \(ENOENT\)/],
  [
    'another file',
    () => [written('x.txt', 'hello\n')],
    ['--machine', 'h200-x1'],
    /x\.txt:1: is none of the files that are known/,
  ],
  [
    'nothing usable',
    () => [written('b.txt', nvbandwidthOutput({ device_to_device_memcpy_read_ce: [1] }))],
    ['--machine', 'h100-sxm-x2'],
    /b\.txt:1: holds no reading of copies/,
  ],
];

const nvb = () => written('nvb.txt', nvbandwidthOutput({ host_to_device_memcpy_ce: [50, 50] }));
const smi = () => written('smi.txt', matrixOutput(PAIR));
const nccl = (ranks: number) =>
  written(
    'nccl.txt',
    ncclTestsOutput({ collective: 'all-to-all', ranks, sizes: SIZES, secondsOf: timesOf(2e-5, 2e10, 1) }),
  );

for (const [what, files, flags, message] of BAD) {
  fitting(`refused in one line, and nothing is written: ${what}`, async () => {
    rmSync(out, { force: true });
    const { code, stdout, stderr } = await runCli(['fit', ...files(), ...flags, '--out', out]);
    assert.is(code, 2, stderr);
    assert.is(stdout, '');
    assert.is(stderr.trim().split('\n').length, 1, stderr);
    assert.match(stderr, message);
    assert.not(existsSync(out));
  });
}

fitting('the example of docs/calibrate.md runs, and its files are those of the tests', async () => {
  const page = readFileSync(join(packageRoot, 'docs', 'calibrate.md'), 'utf8');
  const [, section = ''] = /## From other tools' files\n([\s\S]*?)(?=\n## )/.exec(page) ?? [];
  const commands = [...section.matchAll(/^npm run chunkflow -- (.*)$/gm)].map(([, line]) => line!.split(' '));
  assert.ok(commands.length >= 2, 'the page has its commands');
  const here = process.cwd();
  process.chdir(packageRoot);
  try {
    for (const command of commands) {
      const args = command.map((arg) => (arg === 'mine.yaml' ? out : arg));
      const { code, stderr } = await runCli(args);
      assert.is(code, 0, `${command.join(' ')}: ${stderr}`);
    }
  } finally {
    process.chdir(here);
  }
});

fitting.run();
