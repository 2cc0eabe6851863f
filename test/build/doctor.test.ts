import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Places } from '../../build/cudaParts.ts';
import { canBuildAnything, diagnose } from '../../build/doctor.ts';
import { readGpuLinks, readGpus } from '../../build/hardware.ts';
import { run as doctor } from '../../cli/commands/doctor/run.ts';
import { PIPED } from '../../cli/text/layout.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-doctor-'));
const test = suite('doctor');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const NOWHERE: Places = {
  system: join(folder, 'no-cuda'),
  wheels: join(folder, 'no-wheels'),
  distribution: join(folder, 'no-usr'),
  frontend: join(folder, 'no-frontend'),
};

/** A folder of commands that print a version. */
function commands(name: string, versions: Record<string, string>): string {
  const bin = join(folder, name);
  mkdirSync(bin, { recursive: true });
  for (const [command, text] of Object.entries(versions)) {
    writeFileSync(join(bin, command), `#!/bin/sh\necho '${text}'\n`);
    chmodSync(join(bin, command), 0o755);
  }
  return bin;
}

const HOST_TOOLS = { 'c++': 'c++ (Debian) 12.2.0', cmake: 'cmake version 3.25.1' };

function part(diagnosis: ReturnType<typeof diagnose>, name: string) {
  return diagnosis.parts.find((candidate) => candidate.name === name)!;
}

test('a bare environment: everything missing is named with the way to get it', () => {
  const diagnosis = diagnose({ PATH: commands('empty', {}) }, NOWHERE);
  for (const [name, remedy] of [
    ['C++ compiler', /apt-get install g\+\+/],
    ['cmake', /apt-get install cmake/],
    ['nvcc', /npm run cuda-wheels/],
    ['NCCL', /nvidia-nccl-cu13/],
  ] as const) {
    assert.is(part(diagnosis, name).found, null, name);
    assert.match(part(diagnosis, name).remedy, remedy);
  }
  assert.is(canBuildAnything(diagnosis), false);
  assert.ok(diagnosis.transports.every(({ possible }) => !possible));
});

test('with a compiler and cmake the host backend is possible, cuda says what it lacks', () => {
  const diagnosis = diagnose({ PATH: commands('host', HOST_TOOLS) }, NOWHERE);
  assert.is(part(diagnosis, 'cmake').found?.version, '3.25.1');
  assert.is(canBuildAnything(diagnosis), true);
  const [host, cuda] = diagnosis.backends;
  assert.is(host!.possible, true);
  assert.is(cuda!.possible, false);
  assert.match(cuda!.why, /^without nvcc, CUDA runtime, /);
});

test('wheels are found without plain library names, and an own folder counts before them', () => {
  const wheels = join(folder, 'wheels');
  const nccl = (prefix: string, version: string) => {
    mkdirSync(join(prefix, 'include'), { recursive: true });
    mkdirSync(join(prefix, 'lib'), { recursive: true });
    const [major, minor, patch] = version.split('.');
    const text = `#define NCCL_MAJOR ${major}\n#define NCCL_MINOR ${minor}\n#define NCCL_PATCH ${patch}\n`;
    writeFileSync(join(prefix, 'include', 'nccl.h'), text);
    writeFileSync(join(prefix, 'lib', 'libnccl.so.2'), '');
    return prefix;
  };
  nccl(join(wheels, 'lib', 'python3.11', 'site-packages', 'nvidia', 'nccl'), '2.32.3');
  const own = nccl(join(folder, 'own'), '2.28.9');
  const PATH = commands('host', HOST_TOOLS);
  const found = (env: Record<string, string>) =>
    part(diagnose({ PATH, ...env }, { ...NOWHERE, wheels }), 'NCCL').found;
  assert.is(found({})?.version, '2.32.3');
  assert.equal(found({ CHUNKFLOW_NCCL_ROOT: own }), {
    path: join(own, 'lib', 'libnccl.so.2'),
    version: '2.28.9',
  });
  assert.is(found({ CHUNKFLOW_NCCL_ROOT: join(folder, 'gone') }), null);
});

test('nvcc of CUDA_HOME counts before the PATH', () => {
  const PATH = commands('with-nvcc', { ...HOST_TOOLS, nvcc: 'release 12.1, V12.1.66' });
  commands('cuda/bin', { nvcc: 'Cuda compilation tools, release 13.0, V13.0.88' });
  const version = (env: Record<string, string>) =>
    part(diagnose({ PATH, ...env }, NOWHERE), 'nvcc').found?.version;
  assert.is(version({}), '12.1.66');
  assert.is(version({ CUDA_HOME: join(folder, 'cuda') }), '13.0.88');
});

test('GPUs and their links are read from nvidia-smi', () => {
  const gpus = readGpus(
    '0, NVIDIA H200, 143771, 580.95.05, 00000000:18:00.0, 5, 16\n1, B, [N/A], x, y, [N/A], 8\n',
  );
  assert.equal(gpus[0], {
    ...{ index: 0, name: 'NVIDIA H200', memoryBytes: 143771 * 2 ** 20, driver: '580.95.05' },
    ...{ pciBus: '00000000:18:00.0', pcieGeneration: 5, pcieLanes: 16 },
  });
  assert.is(gpus[1]!.memoryBytes, null);
  const esc = String.fromCharCode(27);
  const matrix = [
    `\t${esc}[4mGPU0\tGPU1\tGPU2\tNIC0\tCPU Affinity${esc}[0m`,
    'GPU0\t X \tNV18\tSYS\tPIX\t0-63',
    'GPU1\tNV18\t X \tPHB\tSYS\t0-63',
    'GPU2\tSYS\tPHB\t X \tSYS\t0-63',
    'NIC0\tPIX\tSYS\tSYS\t X ',
    'Legend:',
    '  X    = Self',
  ].join('\n');
  assert.equal(readGpuLinks(matrix), [
    { a: 0, b: 1, link: 'NV18' },
    { a: 0, b: 2, link: 'SYS' },
    { a: 1, b: 2, link: 'PHB' },
  ]);
  assert.equal(readGpus('NVIDIA-SMI has failed\n'), []);
});

test('a matrix that cannot be read is said with its line, and everything else is found', () => {
  const gpu = '0, A, 1, x, y, 5, 16\\n1, A, 1, x, y, 5, 16';
  const matrix = '\\tGPU0\\tGPU1\\nGPU0\\tX\\t??\\nGPU1\\t??\\tX';
  const bin = commands('smi', { 'nvidia-smi': '' });
  writeFileSync(
    join(bin, 'nvidia-smi'),
    `#!/bin/sh\nif [ "$1" = topo ]; then printf '${matrix}\\n'; else printf '${gpu}\\n'; fi\n`,
    { mode: 0o755 },
  );
  const { gpus, links, linksUnread } = diagnose({ PATH: `${bin}:/usr/bin:/bin` }, NOWHERE);
  assert.is(gpus.length, 2);
  assert.equal(links, []);
  assert.match(linksUnread!, /^nvidia-smi topo -m:2: row GPU0, column GPU1: expected NV and a number/);
});

test('the command prints a table, or one JSON object', () => {
  let text = '';
  const output = {
    result: (more: string) => (text += more),
    diagnostic: () => {},
    terminal: false,
    layout: PIPED,
  };
  const code = doctor({}, output);
  for (const expected of ['nvcc', 'staged-copy', 'ulimit -l', 'backend'])
    assert.ok(text.includes(expected), expected);
  text = '';
  assert.is(doctor({ json: true }, output), code);
  assert.is(JSON.parse(text).schema, 'chunkflow/doctor@1');
});

test.run();
