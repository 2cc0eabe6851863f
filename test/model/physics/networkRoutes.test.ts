import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { collectiveLimit } from '../../../model/physics/collectiveLimit.ts';
import { type CollectivePhase, phasesOf } from '../../../model/physics/collectivePhases.ts';
import { collectiveUses } from '../../../model/physics/linkRoutes.ts';
import { pairRates } from '../../../model/physics/rates.ts';
import type { System } from '../../../model/system/system.ts';
import { type FlowTransport, transportOf } from '../../../model/system/transport.ts';
import { type HostsMachine, hostsMachine } from '../../support/hostsMachine.ts';

const test = suite('collectives between hosts, by the routes of their bytes');

const GB = 1e9;
const near = (found: number, expected: number, what: string, within = 1e-9) =>
  assert.ok(Math.abs(found / expected - 1) <= within, `${what}: ${found} for ${expected}`);

function flowsOf(
  system: System,
  ranks: number,
  collective: CollectiveKind,
  transport = 'net',
): CollectivePhase[] {
  const flow = transportOf(system, transport, ranks) as FlowTransport;
  return phasesOf(system, flow, { collective, sentBytes: 1 }, ranks);
}

function ratesOf(of: HostsMachine, collective: CollectiveKind = 'all-to-all') {
  const system = hostsMachine(of);
  const ranks = of.hosts * of.gpusPerHost;
  const { transport } = flowsOf(system, ranks, collective)[0]!;
  return { ...pairRates(system, ranks, transport, collective), limit: limitOf(system, ranks, transport) };
}

function limitOf(system: System, ranks: number, transport: FlowTransport): string {
  const limit = collectiveLimit(system, ranks, transport as never, 'all-to-all');
  return limit.by === 'resource' ? limit.resource : `${limit.by} ${limit.transport}`;
}

test('a NIC carries what all GPUs that use it send to other hosts', () => {
  // 4 ranks on a NIC of 10 GB/s, 4 of 7 bytes leave the host.
  const { collectiveAlone, limit } = ratesOf({ hosts: 2, gpusPerHost: 4 });
  near(collectiveAlone, (10 * GB * 7) / (4 * 4), 'one NIC');
  assert.match(limit, /^(up|down) host\d\/nic0.port$/);
  near(ratesOf({ hosts: 2, gpusPerHost: 4, nics: 2 }).collectiveAlone, (2 * 10 * GB * 7) / 16, 'two NICs');
  near(ratesOf({ hosts: 2, gpusPerHost: 1, nics: 2 }).collectiveAlone, 20 * GB, 'two NICs of one GPU');
  near(ratesOf({ hosts: 4, gpusPerHost: 1 }).collectiveAlone, 10 * GB, 'one GPU on each of four hosts');
  // The ring of an all-gather leaves each host once.
  near(ratesOf({ hosts: 2, gpusPerHost: 4 }, 'all-gather').collectiveAlone, 10 * GB, 'ring');
});

test('where NICs are no limit it is what stays in the host', () => {
  const fast = { hosts: 2, gpusPerHost: 4, nics: 4, nicGBPerS: 1e6, linkGBPerS: 500, memoryGBPerS: 1e6 };
  const { collectiveAlone, limit } = ratesOf({ ...fast, within: 'shm' });
  near(collectiveAlone, (20 * GB * 7) / 3, 'shm of 3 peers of 7');
  assert.is(limit, 'within shm');
});

test('an oversubscribed switch halves what crosses it', () => {
  const blocking = ratesOf({ hosts: 2, gpusPerHost: 4, nics: 4, oversubscription: 2 });
  near(blocking.collectiveAlone, ratesOf({ hosts: 2, gpusPerHost: 4, nics: 4 }).collectiveAlone / 2, 'flat');
  assert.match(blocking.limit, /leaf|host/);
  // On rails each GPU's peers of the same index are at its own leaf.
  const rails = { hosts: 2, gpusPerHost: 4, nics: 4, rails: 'optimized', within: 'nvlink' } as const;
  near(
    ratesOf({ ...rails, oversubscription: 2 }).collectiveAlone,
    ratesOf(rails).collectiveAlone,
    'rails: messages are handed to the GPU on the rail first',
  );
  const noNvlink = { ...rails, within: 'shm' } as const;
  assert.ok(
    ratesOf({ ...noNvlink, oversubscription: 4 }).collectiveAlone < ratesOf(noNvlink).collectiveAlone * 0.9,
    'nothing hands them over without NVLink',
  );
});

test('the load of an all-to-all is that of all its pairs, walked one by one', () => {
  for (const direct of [true, false]) {
    const system = hostsMachine({ hosts: 3, gpusPerHost: 2, direct, within: 'nvlink' });
    const { transport } = flowsOf(system, 6, 'all-to-all')[0]!;
    const found = new Map<string, number>();
    for (let rank = 0; rank < 6; rank += 1)
      for (const { resource, coefficient } of collectiveUses(system, 6, rank, transport, 'all-to-all'))
        found.set(resource, (found.get(resource) ?? 0) + coefficient);
    const walked = new Map<string, number>();
    // A byte is read and written: it counts twice.
    const use = (resource: string) => walked.set(resource, (walked.get(resource) ?? 0) + 1 / 5);
    for (let from = 0; from < 6; from += 1)
      for (let to = 0; to < 6; to += 1) {
        const [a, b] = [Math.floor(from / 2), Math.floor(to / 2)];
        if (a === b) continue;
        for (const link of [`up host${a}/gpu${from % 2}`, `down host${a}/nic0`]) use(link);
        for (const link of [`up host${b}/nic0`, `down host${b}/gpu${to % 2}`]) use(link);
        for (const leaf of [`up leaf${a}`, `down leaf${b}`]) use(leaf);
        for (const port of [`up host${a}/nic0.port`, `down host${b}/nic0.port`]) use(port);
        if (!direct)
          for (const host of [a, b]) for (const _ of ['read', 'written']) use(`memory host${host}/memory`);
      }
    assert.equal(
      [...found]
        .filter(([, load]) => load > 0)
        .map(([resource]) => resource)
        .sort(),
      [...walked.keys()].sort(),
    );
    for (const [resource, load] of walked)
      near(found.get(resource) ?? 0, load, `${resource}, ${direct ? 'direct' : 'through memory'}`);
  }
});

test('without GPUDirect RDMA bytes cross host memory and leave H2D less', () => {
  const machine: HostsMachine = {
    ...{ hosts: 2, gpusPerHost: 2, nics: 2, nicGBPerS: 40, within: 'nvlink', memoryGBPerS: 120 },
  };
  const direct = ratesOf({ ...machine, direct: true });
  const staged = ratesOf({ ...machine, direct: false });
  assert.ok(staged.h2dShared < direct.h2dShared, `${staged.h2dShared} < ${direct.h2dShared}`);
  assert.ok(staged.collectiveShared < direct.collectiveShared);
  // Each byte is written and read on both sides: 4 crossings for two ranks each way, and memory has room for 120 GB/s.
  const { memory } = hostsMachine(machine).tree.find(({ id }) => id === 'host0/memory')!;
  assert.is(memory!.bytesPerS, 120 * GB);
  near(
    staged.collectiveAlone,
    Math.min((40 * GB * 3) / 2, (120 * GB * 3) / (2 * 4 * 2)),
    'by host memory',
    1e-6,
  );
});

test('a hierarchical exchange has two phases, of fewer and longer messages', () => {
  const system = hostsMachine({ hosts: 4, gpusPerHost: 4, nics: 4, within: 'nvlink', rails: 'optimized' });
  const flat = flowsOf(system, 16, 'all-to-all')[0]!;
  const [inside, between] = flowsOf(system, 16, 'all-to-all', 'net-hierarchical');
  assert.is(inside!.transport.path, 'nvlink');
  near(flat.transport.latencyS, 25e-6 + 12 * 2e-6, 'a message to each of twelve peers');
  near(between!.transport.latencyS, 25e-6 + 3 * 2e-6, 'and to each of three hosts');
  near(between!.sentBytes, (16 / 15) * (3 / 4), 'bytes between hosts');
  assert.is(flowsOf(system, 16, 'all-reduce', 'net-hierarchical').length, 1);
});

test('groups within one host take what joins its GPUs', () => {
  const system = hostsMachine({ hosts: 2, gpusPerHost: 4, within: 'nvlink' });
  const net = transportOf(system, 'net', 8) as FlowTransport;
  const phase = (members: { ranks: number; stride: number }, toNeighbour?: true) =>
    phasesOf(
      system,
      net,
      { collective: 'all-to-all', sentBytes: 1, members, ...(toNeighbour && { toNeighbour }) },
      8,
    )[0]!.transport;
  assert.is(phase({ ranks: 4, stride: 1 }).path, 'nvlink');
  assert.is(phase({ ranks: 2, stride: 4 }, true).path, 'network');
  assert.throws(() => transportOf(system, 'staged-copy', 8), /net/);
  assert.throws(() => transportOf(system, 'nvlink', 8), /net/);
  assert.is((transportOf(system, 'nvlink', 4) as FlowTransport).path, 'nvlink');
});

test.run();
