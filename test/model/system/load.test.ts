import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { UserError } from '../../../model/input/userError.ts';
import { parseYaml } from '../../../model/input/yamlFile.ts';
import { buildSystem, loadSystem, systemIds } from '../../../model/system/load.ts';
import { transportNamed } from '../../../model/system/transport.ts';

function refuses(run: () => unknown, message: RegExp): void {
  let error: unknown;
  try {
    run();
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, UserError);
  assert.match((error as UserError).message, message);
  assert.not.match((error as UserError).message, /\n/, 'one line');
}

const shipped = suite('machines that ship with the package');

/** Numbers that describe the shape of a machine, not a quantity of it. */
const STRUCTURE = new Set(['gen', 'lanes', 'defaultCtas', 'ring', 'hosts']);
const TEXT = new Set([
  'id',
  'name',
  'source',
  'from',
  'parent',
  'peer',
  'path',
  'defaultTransport',
  'within',
  'rails',
]);

/** Keys of numbers and quantities that stand there without saying where they came from, and how many do say. */
function provenance(value: unknown, key = ''): { bare: string[]; given: number } {
  if (typeof value !== 'object' || value === null) {
    const name = key.split('.').at(-1)!;
    const isQuantity = typeof value === 'number' || /^\s*[\d.]+(e[\d+-]+)?\s*[A-Za-z]/i.test(String(value));
    return { bare: isQuantity && !STRUCTURE.has(name) && !TEXT.has(name) ? [key] : [], given: 0 };
  }
  if ('is' in value) return { bare: 'from' in value ? [] : [key], given: 1 };
  const inner = Object.entries(value).map(([name, part]) =>
    provenance(part, key === '' ? name : `${key}.${name}`),
  );
  return {
    bare: inner.flatMap((part) => part.bare),
    given: inner.reduce((sum, part) => sum + part.given, 0),
  };
}

shipped('are these', () => {
  assert.equal(systemIds(), [
    'a100-pcie-x2',
    'h100-pcie-x2',
    'h100-pcie-x4',
    'h100-sxm-2x8',
    'h100-sxm-x1',
    'h100-sxm-x2',
    'h100-sxm-x4',
    'h100-sxm-x8',
    'h200-2x2-loopback',
    'h200-x1',
    'h200-x1-colocated',
    'h200-x1-fitted',
    'h200-x2',
    'h200-x2-fitted',
    'host-x1',
    'host-x2',
    'rtx5090-2x4',
    'rtx5090-x1',
    'rtx5090-x2',
  ]);
});

for (const id of systemIds()) {
  shipped(`${id} loads under its own name, and says of each number where it came from`, () => {
    const system = loadSystem(id);
    assert.is(system.id, id);
    const [, hosts = '1', gpus] = /-(?:(\d+))?x(\d+)/.exec(id)!;
    assert.is(system.gpus.length, Number(hosts) * Number(gpus));
    assert.ok(system.transports.some(({ name }) => name === system.defaultTransport));
    const raw = parse(readFileSync(join(packageRoot, 'model', 'systems', `${id}.yaml`), 'utf8'));
    const { bare, given } = provenance(raw);
    assert.equal(bare, []);
    assert.is(system.provenance.length, given);
    assert.ok(given >= 20, `${given} numbers`);
  });
}

shipped('numbers come out in seconds, bytes, FLOP/s, watts and joules', () => {
  const { gpu, host, tree, transports } = loadSystem('h200-x2');
  // 139.8 x 2^30 bytes, to the byte.
  assert.ok(Math.abs(gpu.memoryBytes - 139.8 * 2 ** 30) < 1);
  assert.is(gpu.peakFlops, 989e12);
  assert.is(gpu.hbmBytesPerS, 4.8e12);
  assert.equal(gpu.efficiency, { gemm: 0.812, attention: 0.712, elementwise: 0.8 });
  assert.is(gpu.copyEngine.h2dBytesPerS, 55.5e9);
  assert.ok(Math.abs(gpu.copyEngine.gapS / 2.55e-6 - 1) < 1e-12);
  assert.ok(Math.abs(gpu.power!.joulesPerFlop.gemm / 0.946e-12 - 1) < 1e-12);
  assert.ok(Math.abs(gpu.power!.joulesPerByte / 40e-12 - 1) < 1e-12);
  assert.is(gpu.power!.capW, 690);
  assert.is(host.memoryBytes, 256e9);
  assert.equal(tree[1], {
    id: 'gpu0',
    parent: 'memory',
    downBytesPerS: 55.5e9,
    upBytesPerS: 55.4e9,
    duplexBytesPerS: 102e9,
    memory: null,
  });
  // One transport for each number of CTAs, and the usual number under the plain name.
  assert.equal(
    transports.map(({ name }) => name),
    [
      'shm',
      'nvlink',
      'staged-sm:1',
      'staged-sm:2',
      'staged-sm:4',
      'staged-sm:8',
      'staged-sm:16',
      'staged-sm',
      'staged-copy',
    ],
  );
  const rateOf = (name: string) => {
    const transport = transportNamed(loadSystem('h200-x2'), name);
    return transport.kind === 'flow' ? transport.collectives['all-to-all'].bytesPerS : undefined;
  };
  assert.is(rateOf('staged-sm'), rateOf('staged-sm:16'));
  assert.is(rateOf('staged-sm'), 37e9);
});

shipped('a transport that a machine does not have is refused with those that it has', () => {
  refuses(
    () => transportNamed(loadSystem('h100-pcie-x2'), 'nvlink'),
    /"nvlink" is not one of .*; it has shm, staged-copy$/,
  );
});

shipped('an unknown machine is refused with the nearest ones', () => {
  refuses(() => loadSystem('h20-x1'), /^machine "h20-x1" is not known; .* such as h20, h200-x1, /);
  refuses(
    () => loadSystem('h100'),
    /^--machine h100: card "h100" may be h100-nvl or h100-pcie or h100-sxm; give the whole name$/,
  );
  refuses(() => loadSystem('../systems/h200-x2'), /is not known/);
  refuses(() => loadSystem('missing.yaml'), /^missing\.yaml: cannot be read \(ENOENT\)/);
});

shipped.run();

const overrides = suite('overrides of a machine');

overrides('replace a number and say that it was set by hand', () => {
  const system = loadSystem('h100-pcie-x2', [
    'gpu.copyEngine.h2d=30.5 GB/s',
    'gpu.efficiency.gemm=0.7',
    'transports.shm.all-to-all.rate = 20.4 GB/s',
    'transports.shm.all-to-all.besideH2d.h2d=0.6',
  ]);
  assert.is(system.gpu.copyEngine.h2dBytesPerS, 30.5e9);
  assert.is(system.gpu.efficiency.gemm, 0.7);
  const shm = transportNamed(system, 'shm');
  assert.equal(shm.kind === 'flow' && shm.collectives['all-to-all'], {
    bytesPerS: 20.4e9,
    besideH2d: { collective: 0.5, h2d: 0.6, gapS: null },
  });
  const byHand = system.provenance.filter(({ source }) => source === 'set by hand');
  assert.equal(byHand, [
    { key: 'gpu.efficiency.gemm', shown: '0.7', from: 'default', source: 'set by hand' },
    { key: 'gpu.copyEngine.h2d', shown: '30.5 GB/s', from: 'default', source: 'set by hand' },
    { key: 'transports.shm.all-to-all.rate', shown: '20.4 GB/s', from: 'default', source: 'set by hand' },
    { key: 'transports.shm.all-to-all.besideH2d.h2d', shown: '0.6', from: 'default', source: 'set by hand' },
  ]);
});

overrides('change nothing else', () => {
  const plain = loadSystem('h100-pcie-x2');
  const changed = loadSystem('h100-pcie-x2', ['host.launchLead=1 ms']);
  assert.is(changed.host.launchLeadS, 1e-3);
  assert.equal(
    { ...changed, host: plain.host, provenance: plain.provenance },
    { ...plain, host: plain.host, provenance: plain.provenance },
  );
  assert.equal(loadSystem('h100-pcie-x2'), plain);
});

overrides('of one link leave another alone that the file shares with it', () => {
  const { tree } = loadSystem('h200-x2', ['tree.gpu0.down=20 GB/s']);
  assert.equal(
    tree.map(({ id, downBytesPerS }) => [id, downBytesPerS]),
    [
      ['memory', Number.POSITIVE_INFINITY],
      ['gpu0', 20e9],
      ['gpu1', 55.5e9],
    ],
  );
});

overrides('the last of two for one number holds, and a word is replaced like a number', () => {
  const system = loadSystem('h200-x2', ['peer=colocated', 'host.memory=1 GB', 'host.memory=2 GB']);
  assert.is(system.peer, 'colocated');
  assert.is(system.host.memoryBytes, 2e9);
});

const WRONG: [override: string, message: RegExp][] = [
  ['nothing', /^--set "nothing": expected key=value such as /],
  ['=3 GB/s', /^--set "=3 GB\/s": expected key=value/],
  [
    'gpu.copyEngine.h2dd=3 GB/s',
    /^--set gpu\.copyEngine\.h2dd: there is no "h2dd" here; expected one of h2d, d2h, /,
  ],
  ['gpu.copyEngine.h2d.rate=3 GB/s', /there is no "rate" here/],
  ['constructor.name=x', /there is no "constructor" here; expected one of id, name, /],
  ['__proto__.polluted=1', /there is no "__proto__" here/],
  ['gpu.copyEngine=3 GB/s', /^--set gpu\.copyEngine: is no number; it holds h2d, d2h, /],
  [
    'gpu.copyEngine.h2d=30 J',
    /^--set gpu\.copyEngine\.h2d=30 J: .*expected a rate such as "55\.4 GB\/s", got "30 J"/,
  ],
  ['gpu.copyEngine.h2d=30', /^--set gpu\.copyEngine\.h2d=30: .*expected a rate .*got "30"/],
  [
    'gpu.copyEngine.h2d=-3 GB/s',
    /^--set gpu\.copyEngine\.h2d=-3 GB\/s: .*that is not negative, got "-3 GB\/s"/,
  ],
  ['gpu.copyEngine.h2d=12 GT/s', /for PCIe give pcie: \{gen, lanes\}/],
  ['gpu.copyEngine.h2d=0 GB/s', /^--set gpu\.copyEngine\.h2d=0 GB\/s: /],
  ['gpu.efficiency.gemm=1.2', /^--set gpu\.efficiency\.gemm=1\.2: .*at most 1, got 1\.2: .*--compute-dtype/],
  ['gpu.efficiency.gemm=-0.1', /^--set gpu\.efficiency\.gemm=-0\.1: .*>=0\.01, got -0\.1/],
  ['gpu.efficiency.gemm=high', /^--set gpu\.efficiency\.gemm=high: .*expected number, got "high"/],
  ['tree.gpu0.pcie.lanes=12', /^--set tree\.gpu0\.pcie\.lanes=12: .*1\|2\|4\|8\|16, got 12/],
  [
    'tree.root.parent=gpu0',
    /^--set tree\.root\.parent=gpu0: tree\.root\.parent: the tree is cyclic: root -> gpu0 -> root/,
  ],
  [
    'defaultTransport=nvlink',
    /^--set defaultTransport=nvlink: .*expected one of shm, staged-copy, got "nvlink"/,
  ],
  ['peer=imaginary', /^--set peer=imaginary: peer: .*"real"\|"mirrored"\|"colocated"/],
  ['peer=mirrored', /^--set peer=mirrored: peer: a mirrored peer needs exactly one GPU$/],
];
for (const [override, message] of WRONG) {
  overrides(`--set ${override} is refused`, () =>
    refuses(() => loadSystem('h100-pcie-x2', [override]), message),
  );
}

overrides.run();

/** A small machine; a line is changed by its number, counted from 1. */
const LINES = `id: small
name: two GPUs under one root
peer: real
gpu:
  name: any
  memory: {is: 80 GB, from: datasheet}
  peak: {is: 100 TFLOP/s, from: datasheet}
  deviceMemory: {is: 2 TB/s, from: datasheet}
  efficiency: {gemm: {is: 0.5, from: default}, attention: {is: 0.5, from: default}, elementwise: {is: 0.5, from: default}}
  launchFloor: {is: 3 us, from: default}
  copyEngine:
    h2d: {is: 50 GB/s, from: default}
    d2h: {is: 50 GB/s, from: default}
    startUp: {is: 6 us, from: default}
    gap: {is: 2 us, from: default}
    turn: {is: 1 ms, from: default}
    paceOverhead: {is: 6 us, from: default}
gpus: [gpu0, gpu1]
tree:
  memory: {memory: {is: 250 GB/s, from: default}}
  root: {parent: memory, pcie: {gen: 5, lanes: 16}}
  gpu0: {parent: root, pcie: {gen: 5, lanes: 16}}
  gpu1: {parent: root, down: {is: 40 GB/s, from: default}, up: {is: 30 GB/s, from: default}}
transports:
  shm:
    path: host
    latency: {is: 20 us, from: default}
    all-to-all:
      rate: {is: 20 GB/s, from: default}
      besideH2d: {collective: {is: 0.5, from: default}, h2d: {is: 0.5, from: default}}
defaultTransport: shm
host:
  memory: {is: 512 GB, from: default}
  pageable: {is: 12 GB/s, from: default}
  launchLead: {is: 5 ms, from: default}
  launchWindow: {is: 0.02 ms, from: default}
  deviceReserve: {is: 1 GB, from: default}
`.split('\n');

const build = (changes: Record<number, string> = {}) =>
  buildSystem(parseYaml('m.yaml', LINES.map((line, index) => changes[index + 1] ?? line).join('\n')));

const faults = suite('faults of a machine file');

faults('the small machine has none', () => {
  const system = build();
  assert.is(system.gpu.power, null);
  assert.equal(
    system.tree
      .slice(2)
      .map(({ id, downBytesPerS, upBytesPerS }) => [
        id,
        Math.round(downBytesPerS / 1e8),
        Math.round(upBytesPerS / 1e8),
      ]),
    // Generation 5 with 16 lanes reads 52.7 and writes 52.0 GB/s; explicit rates go before.
    [
      ['gpu0', 527, 520],
      ['gpu1', 400, 300],
    ],
  );
});

const FAULTS: [what: string, changes: Record<number, string>, message: RegExp][] = [
  [
    'a cyclic tree',
    { 21: '  root: {parent: gpu0, pcie: {gen: 5, lanes: 16}}' },
    /^m\.yaml:21:\d+: tree\.root\.parent: the tree is cyclic: root -> gpu0 -> root; one node must have no parent$/,
  ],
  [
    'a node that is its own parent',
    { 20: '  memory: {parent: memory, down: {is: 1 GB/s, from: default}, up: {is: 1 GB/s, from: default}}' },
    /^m\.yaml:20:\d+: tree\.memory\.parent: the tree is cyclic: memory -> memory;/,
  ],
  [
    'two tops',
    { 21: '  root: {memory: {is: 250 GB/s, from: default}}' },
    /^m\.yaml:21:3: tree\.root: expected one node without a parent, got memory, root$/,
  ],
  [
    'an unknown parent',
    { 22: '  gpu0: {parent: rot, pcie: {gen: 5, lanes: 16}}' },
    /^m\.yaml:22:18: tree\.gpu0\.parent: its parent "rot" is no node; nodes are memory, root, gpu0, gpu1$/,
  ],
  [
    'a link without a rate',
    { 22: '  gpu0: {parent: root}' },
    /^m\.yaml:22:3: tree\.gpu0: the link to root has no rate; give pcie: \{gen, lanes\} or down$/,
  ],
  [
    'half a rate',
    { 22: '  gpu0: {parent: root, down: {is: 40 GB/s, from: default}}' },
    /^m\.yaml:22:3: tree\.gpu0: the link to root has no rate; give pcie: \{gen, lanes\} or up$/,
  ],
  [
    'lanes that do not exist',
    { 22: '  gpu0: {parent: root, pcie: {gen: 5, lanes: 12}}' },
    /^m\.yaml:22:46: tree\.gpu0\.pcie\.lanes: .*1\|2\|4\|8\|16, got 12$/,
  ],
  [
    'a GPU that is no node',
    { 18: 'gpus: [gpu0, gpu2]' },
    /^m\.yaml:18:14: gpus\.1: "gpu2" is no node of the tree$/,
  ],
  ['a GPU named twice', { 18: 'gpus: [gpu0, gpu0]' }, /^m\.yaml:18:14: gpus\.1: "gpu0" /],
  ['no GPU', { 18: 'gpus: []' }, /^m\.yaml:18:7: gpus: .*>=1/],
  [
    'a GPU that reaches no host memory',
    { 20: '  memory: {}' },
    /^m\.yaml:18:8: gpus\.0: "gpu0" reaches no host memory; give a node above it `memory`$/,
  ],
  [
    'a mirrored peer of two GPUs',
    { 3: 'peer: mirrored' },
    /^m\.yaml:3:7: peer: a mirrored peer needs exactly one GPU$/,
  ],
  [
    'shares below 1 together',
    { 30: '      besideH2d: {collective: {is: 0.5, from: default}, h2d: {is: 0.4, from: default}}' },
    /^m\.yaml:30:7: transports\.shm\.all-to-all\.besideH2d: collective 0\.5 and h2d 0\.4 add up to less than 1; /,
  ],
  [
    'an unknown default transport',
    { 31: 'defaultTransport: nvlink' },
    /^m\.yaml:31:19: defaultTransport: expected one of shm, got "nvlink"$/,
  ],
  [
    'an unknown key',
    { 15: '    pause: {is: 2 us, from: default}' },
    /^m\.yaml:1[15]:\d+: gpu\.copyEngine\.(pause|gap): /,
  ],
  [
    'a number without its source',
    { 12: '    h2d: 50 GB/s' },
    /^m\.yaml:12:10: gpu\.copyEngine\.h2d: .*expected object, got "50 GB\/s"$/,
  ],
  [
    'an unknown source',
    { 12: '    h2d: {is: 50 GB/s, from: guessed}' },
    /^m\.yaml:12:30: gpu\.copyEngine\.h2d\.from: .*"measured"\|.*got "guessed"$/,
  ],
  [
    'a wrong unit',
    { 12: '    h2d: {is: 50 GB, from: default}' },
    /^m\.yaml:12:15: gpu\.copyEngine\.h2d\.is: expected a rate such as "55\.4 GB\/s", got "50 GB"$/,
  ],
  ['a transport that nobody knows', { 25: '  tcp:' }, /^m\.yaml:2[56]:\d+: transports\.tcp: unknown key/],
];
for (const [what, changes, message] of FAULTS)
  faults(`${what} is refused`, () => refuses(() => build(changes), message));

faults('the usual number of CTAs is one that has rates', () => {
  const stagedSm = (usual: number) => `  staged-sm:
    path: host
    latency: {is: 3 us, from: default}
    defaultCtas: ${usual}
    ctas:
      "4":
        all-to-all:
          rate: {is: 20 GB/s, from: default}
          besideH2d: {collective: {is: 0.5, from: default}, h2d: {is: 0.5, from: default}}
defaultTransport: staged-sm`;
  assert.is(transportNamed(build({ 31: stagedSm(4) })).name, 'staged-sm');
  refuses(
    () => build({ 31: stagedSm(2) }),
    /^m\.yaml:34:18: transports\.staged-sm\.defaultCtas: expected one of 4, got 2$/,
  );
});

faults.run();
