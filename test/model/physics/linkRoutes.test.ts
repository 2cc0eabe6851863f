import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { collectiveUses, copyUses, resourceLimit, type Use } from '../../../model/physics/linkRoutes.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System, TreeNode } from '../../../model/system/system.ts';
import { type FlowTransport, transportNamed } from '../../../model/system/transport.ts';
import { NCCL_FLOW } from '../../support/flows.ts';
import { hostMemory } from '../../support/hostMemory.ts';

const GB = 1e9;
const base = loadSystem('h100-pcie-x2');

/**
 *        memory
 *        |    \
 *     root0   root1
 *       |        \
 *    switch      gpu2
 *     /   \
 *  gpu0   gpu1
 */
const node = (id: string, parent: string | null, more: Partial<TreeNode> = {}): TreeNode => ({
  id,
  parent,
  downBytesPerS: 50 * GB,
  upBytesPerS: 40 * GB,
  duplexBytesPerS: Number.POSITIVE_INFINITY,
  memory: null,
  ...more,
});
const switched: System = {
  ...base,
  gpus: ['gpu0', 'gpu1', 'gpu2'],
  tree: [
    node('memory', null, { memory: hostMemory(300 * GB) }),
    node('root0', 'memory'),
    node('root1', 'memory'),
    node('switch', 'root0'),
    node('gpu0', 'switch', { duplexBytesPerS: 70 * GB }),
    node('gpu1', 'switch'),
    node('gpu2', 'root1'),
  ],
};
// With every GPU loading, gpu0 and gpu1 have 25 GB/s each, gpu2 has 50. At 20 GB/s and {0.5, 0.5} a collective's byte
// uses (0.5 x 25) / (0.5 x 20) = 1.25 bytes of H2D on the way down to gpu0 and 50 / 20 = 2.5 to gpu2.
const flow = (path: FlowTransport['path'], collective = 0.5, h2d = 0.5): FlowTransport => {
  const rate = { bytesPerS: 20 * GB, besideH2d: { collective, h2d, gapS: null } };
  return {
    kind: 'flow',
    name: path,
    path,
    latencyS: 0,
    fill: null,
    ...NCCL_FLOW,
    collectives: { 'all-to-all': rate, 'all-gather': rate, 'all-reduce': rate },
  };
};

function uses(list: readonly Use[]): Record<string, number> {
  const entries = list.map(({ resource, coefficient }): [string, number] => [resource, coefficient]);
  assert.is(new Set(entries.map(([name]) => name)).size, entries.length, 'a resource is named twice');
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function near(list: readonly Use[], expected: Record<string, number>): void {
  const got = uses(list);
  assert.equal(Object.keys(got), Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    assert.ok(Math.abs(got[name]! - value) < 1e-12, `${name}: expected ${value}, got ${got[name]}`);
  }
}

const copies = suite('paths of copies');

const COPIES: [system: System, gpu: string, direction: 'down' | 'up', expected: Record<string, number>][] = [
  [
    switched,
    'gpu0',
    'down',
    { 'down gpu0': 1, 'duplex gpu0': 1, 'down switch': 1, 'down root0': 1, 'memory memory': 1 },
  ],
  [switched, 'gpu1', 'up', { 'up gpu1': 1, 'up switch': 1, 'up root0': 1, 'memory memory': 1 }],
  [switched, 'gpu2', 'down', { 'down gpu2': 1, 'down root1': 1, 'memory memory': 1 }],
  [loadSystem('h100-pcie-x2'), 'gpu1', 'down', { 'down gpu1': 1, 'down root': 1, 'memory memory': 1 }],
  [loadSystem('h200-x2'), 'gpu0', 'up', { 'up gpu0': 1, 'duplex gpu0': 1, 'memory memory': 1 }],
  // Each socket's GPUs copy from their own memory: nothing above the socket is touched.
  [loadSystem('h100-sxm-x8'), 'gpu5', 'down', { 'down gpu5': 1, 'memory socket1': 1 }],
];
for (const [system, gpu, direction, expected] of COPIES) {
  copies(`${system === switched ? 'switched' : system.id}: ${direction} ${gpu}`, () =>
    near(copyUses(system, gpu, direction), expected),
  );
}

/** The same over a memory that limits reads and writes by themselves. */
const limited: System = {
  ...switched,
  tree: switched.tree.map((one) =>
    one.id === 'memory'
      ? {
          ...one,
          memory: hostMemory(300 * GB, { readBytesPerS: 200 * GB, writeBytesPerS: 180 * GB, sharpness: 3 }),
        }
      : one,
  ),
};
copies('to the device reads host memory, to the host writes it', () => {
  const ofMemory = (direction: 'down' | 'up') =>
    uses(copyUses(limited, 'gpu2', direction).filter(({ resource }) => resource.endsWith(' memory')));
  assert.equal(ofMemory('down'), { 'memory memory': 1, 'reads memory': 1 });
  assert.equal(ofMemory('up'), { 'memory memory': 1, 'writes memory': 1 });
  assert.equal(resourceLimit(limited, 'reads memory'), { capacity: 200 * GB, sharpness: 3 });
  assert.equal(resourceLimit(limited, 'writes memory'), { capacity: 180 * GB, sharpness: 3 });
  assert.equal(resourceLimit(limited, 'memory memory'), { capacity: 300 * GB, sharpness: 3 });
});

const CAPACITIES: [resource: string, gigabytes: number][] = [
  ['down gpu0', 50],
  ['up gpu0', 40],
  ['duplex gpu0', 70],
  ['memory memory', 300],
  ['duplex gpu1', Number.POSITIVE_INFINITY],
];
for (const [resource, gigabytes] of CAPACITIES) {
  copies(`${resource} carries ${gigabytes} GB/s`, () =>
    assert.is(resourceLimit(switched, resource).capacity, gigabytes * GB),
  );
}

copies.run();

const collectives = suite('paths of collectives');

collectives('shm: up from each peer, memory written and read, down to the receiver', () => {
  near(collectiveUses(switched, 3, 0, flow('host'), 'all-to-all'), {
    'up gpu1': 0.5,
    'up switch': 0.5,
    'up root0': 0.5,
    'up gpu2': 0.5,
    'up root1': 0.5,
    'memory memory': 2,
    'down root0': 1.25,
    'down switch': 1.25,
    'down gpu0': 1.25,
    'duplex gpu0': 1.25,
  });
});

collectives('what stays in the cache of what is staged is not seen by host memory', () => {
  const uses = (hostShare: number) =>
    collectiveUses(switched, 3, 0, { ...flow('host'), hostShare }, 'all-to-all');
  const ofMemory = (list: Use[]) => list.filter(({ resource }) => resource === 'memory memory');
  assert.equal(ofMemory(uses(0.3)), [{ resource: 'memory memory', coefficient: 0.6 }]);
  const others = (list: Use[]) => list.filter(({ resource }) => resource !== 'memory memory');
  assert.equal(others(uses(0.3)), others(uses(1)));
});

collectives(
  'shm to a GPU with a root of its own: its links weigh more, because copies are faster there',
  () => {
    near(collectiveUses(switched, 3, 2, flow('host'), 'all-to-all'), {
      'up gpu0': 0.5,
      'duplex gpu0': 0.5,
      'up gpu1': 0.5,
      'up switch': 1,
      'up root0': 1,
      'memory memory': 2,
      'down root1': 2.5,
      'down gpu2': 2.5,
    });
  },
);

collectives('peers under one switch touch neither root nor memory', () => {
  const pair: System = { ...switched, gpus: ['gpu0', 'gpu1'] };
  near(collectiveUses(pair, 2, 0, flow('peer'), 'all-to-all'), {
    'up gpu1': 1,
    'down gpu0': 1.25,
    'duplex gpu0': 1.25,
  });
});

collectives('peers under different roots meet at the top without using memory', () => {
  near(collectiveUses(switched, 3, 2, flow('peer'), 'all-to-all'), {
    'up gpu0': 0.5,
    'duplex gpu0': 0.5,
    'up gpu1': 0.5,
    'up switch': 1,
    'up root0': 1,
    'down root1': 2.5,
    'down gpu2': 2.5,
  });
});

collectives('NVLink leaves the tree alone but for the contention that was measured', () => {
  assert.equal(collectiveUses(switched, 3, 2, flow('nvlink', 1, 1), 'all-to-all'), []);
  // (1 - 0.9) x 50 / (0.8 x 20) on the way down, and nothing else.
  near(collectiveUses(switched, 3, 2, flow('nvlink', 0.8, 0.9), 'all-to-all'), {
    'down root1': 0.3125,
    'down gpu2': 0.3125,
  });
});

collectives('peers on the other socket cross the fabric, those on the own one do not', () => {
  const system = loadSystem('h100-sxm-x8');
  const shm = transportNamed(system, 'shm') as FlowTransport;
  // Seven peers send a seventh each; four of them sit on the other socket. (1 - 0.74) x 55 / (0.52 x 20) = 1.375.
  near(collectiveUses(system, 8, 0, shm, 'all-to-all'), {
    ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((gpu) => [`up gpu${gpu}`, 1 / 7])),
    'up socket1': 4 / 7,
    'down socket0': 4 / 7,
    'memory socket0': 2,
    'down gpu0': 1.375,
  });
});

collectives('a mirrored rank sends to itself, whatever the path to a real peer would be', () => {
  const mirrored: System = { ...switched, peer: 'mirrored', gpus: ['gpu2'] };
  for (const path of ['host', 'peer'] as const) {
    near(collectiveUses(mirrored, 1, 0, flow(path), 'all-to-all'), {
      'up gpu2': 1,
      'up root1': 1,
      'memory memory': 2,
      'down root1': 2.5,
      'down gpu2': 2.5,
    });
  }
});

collectives('each kind of collective has its own contention', () => {
  const system = loadSystem('h200-x2');
  const shm = transportNamed(system, 'shm') as FlowTransport;
  const down = (kind: 'all-to-all' | 'all-reduce' | 'all-gather') =>
    uses(collectiveUses(system, 2, 1, shm, kind))['down gpu1']!;
  // (1 - 0.741) x 55.5 / (0.526 x 23.2) and (1 - 0.57) x 55.5 / (0.62 x 29); all-gather has no numbers of its own.
  assert.ok(Math.abs(down('all-to-all') - 1.17793) < 1e-5, String(down('all-to-all')));
  assert.ok(Math.abs(down('all-reduce') - 1.32731) < 1e-5, String(down('all-reduce')));
  assert.is(down('all-gather'), down('all-to-all'));
});

collectives.run();
