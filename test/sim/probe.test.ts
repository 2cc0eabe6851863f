import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSystem } from '../../model/system/load.ts';
import type { System, TreeNode } from '../../model/system/system.ts';
import type { Contention, FlowTransport } from '../../model/system/transport.ts';
import { probe } from '../../sim/probe.ts';
import { NCCL_FLOW } from '../support/flows.ts';
import { hostMemory } from '../support/hostMemory.ts';

const GB = 1e9;
const MiB = 2 ** 20;
const base = loadSystem('h100-pcie-x2');

interface Ideal {
  ranks: number;
  h2d: number;
  /** 0: every GPU on a root of its own; otherwise GB/s of one root that all share. */
  root?: number;
  path?: FlowTransport['path'];
  collective: number;
  besideH2d: Pick<Contention, 'collective' | 'h2d'>;
  peer?: System['peer'];
}

/** A machine without latencies, start-ups and gaps: rates in GB/s and nothing else. */
function ideal({ ranks, h2d, root = 0, path = 'host', collective, besideH2d, peer = 'real' }: Ideal): System {
  const node = (id: string, parent: string | null, gigabytes: number): TreeNode => ({
    id,
    parent,
    downBytesPerS: gigabytes * GB,
    upBytesPerS: gigabytes * GB,
    duplexBytesPerS: Number.POSITIVE_INFINITY,
    memory: null,
  });
  const gpus = Array.from({ length: peer === 'real' ? ranks : 1 }, (_, gpu) => `gpu${gpu}`);
  const rate = { bytesPerS: collective * GB, besideH2d: { ...besideH2d, gapS: null } };
  return {
    ...base,
    peer,
    gpu: {
      ...base.gpu,
      copyEngine: {
        h2dBytesPerS: h2d * GB,
        d2hBytesPerS: h2d * GB,
        startUpS: 0,
        gapS: 0,
        turnS: 1e-3,
        paceOverheadS: 0,
      },
    },
    gpus,
    tree: [
      { ...node('memory', null, 1), memory: hostMemory(1e6 * GB) },
      node('root', 'memory', root === 0 ? Number.POSITIVE_INFINITY : root),
      ...gpus.map((gpu) => node(gpu, 'root', Math.max(h2d, collective))),
    ],
    transports: [
      {
        kind: 'flow',
        name: 'flow',
        path,
        latencyS: 0,
        fill: null,
        ...NCCL_FLOW,
        collectives: { 'all-to-all': rate, 'all-gather': rate, 'all-reduce': rate },
      },
    ],
    defaultTransport: 'flow',
  };
}

const near = (value: number | null, expected: number, share = 1e-9) =>
  assert.ok(value !== null && Math.abs(value / expected - 1) <= share, `expected ${expected}, got ${value}`);

const SENT = 64 * MiB;
const collective = { transport: 'flow', kind: 'all-to-all' as const, sentBytes: SENT };
const chunks = (chunkBytes: number) => ({ h2d: { chunkBytes, paceS: 0 } });

const test = suite('probes of an ideal machine');

const half = { collective: 0.5, h2d: 0.5 };
const MACHINES: [what: string, machine: Ideal, h2dAlone: number, collectiveAlone: number][] = [
  ['two GPUs on roots of their own', { ranks: 2, h2d: 50, collective: 20, besideH2d: half }, 50, 20],
  ['two on one root of 60 GB/s', { ranks: 2, h2d: 50, root: 60, collective: 20, besideH2d: half }, 30, 20],
  ['four on one root of 60 GB/s', { ranks: 4, h2d: 50, root: 60, collective: 10, besideH2d: half }, 15, 10],
  [
    'uneven shares',
    { ranks: 2, h2d: 50, collective: 20, besideH2d: { collective: 0.55, h2d: 0.75 } },
    50,
    20,
  ],
  ['a mirrored peer', { ranks: 2, h2d: 50, collective: 20, besideH2d: half, peer: 'mirrored' }, 50, 20],
  [
    'links that do not meet',
    { ranks: 2, h2d: 50, collective: 300, path: 'nvlink', besideH2d: { collective: 1, h2d: 1 } },
    50,
    300,
  ],
];
for (const [what, machine, h2dAlone, collectiveAlone] of MACHINES) {
  const system = ideal(machine);
  const { ranks: groupSize, besideH2d } = machine;

  test(`${what}: copies alone go at ${h2dAlone} GB/s, in chunks of any size`, () => {
    for (const chunkBytes of [2 * MiB, 250 * MiB]) {
      const got = probe(system, { groupSize, ...chunks(chunkBytes) });
      near(got.h2dBytesPerS, h2dAlone * GB);
      assert.is(got.collectiveS, null);
    }
  });

  test(`${what}: a collective alone goes at ${collectiveAlone} GB/s`, () => {
    const got = probe(system, { groupSize, collective });
    near(got.collectiveS, SENT / (collectiveAlone * GB));
    assert.is(got.h2dBytesPerS, null);
  });

  test(`${what}: both at once keep ${besideH2d.h2d} and ${besideH2d.collective} of that`, () => {
    for (const chunkBytes of [4 * MiB, 16 * MiB]) {
      const got = probe(system, { groupSize, collective, ...chunks(chunkBytes) });
      near(got.h2dBytesPerS, besideH2d.h2d * h2dAlone * GB, 1e-7);
      near(got.collectiveS, SENT / (besideH2d.collective * collectiveAlone * GB), 1e-7);
    }
  });
}

test('on any ideal pair, both at once keep exactly the fractions of the machine', () => {
  const percent = (min: number) => fc.integer({ min, max: 100 }).map((value) => value / 100);
  fc.assert(
    fc.property(
      fc.integer({ min: 5, max: 100 }),
      fc.integer({ min: 2, max: 100 }),
      percent(20),
      // A collective that takes nothing from copies cannot be held back by them.
      percent(1),
      (h2d, share, kept, taken) => {
        // A collective that crosses the link can use no more of it than there is.
        const rate = (h2d * share) / 100;
        const besideH2d = { collective: kept, h2d: Math.max(0.2, 1 - kept * taken) };
        const system = ideal({ ranks: 2, h2d, collective: rate, besideH2d });
        const got = probe(system, { groupSize: 2, collective, ...chunks(16 * MiB) });
        near(got.h2dBytesPerS, besideH2d.h2d * h2d * GB, 1e-6);
        near(got.collectiveS, SENT / (besideH2d.collective * rate * GB), 1e-6);
      },
    ),
    { numRuns: 25 },
  );
});

test('gaps and pauses cost what they say, one for every chunk', () => {
  const plain = ideal({ ranks: 2, h2d: 50, collective: 20, besideH2d: half });
  const copyEngine = { ...plain.gpu.copyEngine, startUpS: 6e-6, gapS: 4e-6 };
  const gaps = { ...plain, gpu: { ...plain.gpu, copyEngine } };
  // A chunk of 4 MiB takes 83.886 us at 50 GB/s, and 4 us more from one to the next.
  const chunkS = (4 * MiB) / (50 * GB);
  near(probe(gaps, { groupSize: 2, ...chunks(4 * MiB) }).h2dBytesPerS, (4 * MiB) / (chunkS + 4e-6), 1e-4);
  // An engine that stands idle for 40 us starts up anew: 6 us instead of the gap.
  const paced = probe(gaps, { groupSize: 2, h2d: { chunkBytes: 4 * MiB, paceS: 40e-6 } });
  near(paced.h2dBytesPerS, (4 * MiB) / (chunkS + 40e-6 + 6e-6), 1e-4);
});

test('latency comes on top of every collective', () => {
  const plain = ideal({ ranks: 2, h2d: 50, collective: 20, besideH2d: half });
  const [flow] = plain.transports as [FlowTransport];
  const late = { ...plain, transports: [{ ...flow, latencyS: 30e-6 }] };
  near(probe(late, { groupSize: 2, collective }).collectiveS, 30e-6 + SENT / (20 * GB));
});

test.run();
