import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { collectiveUses, copyUses, resourceLimit, type Use } from '../../../model/physics/linkRoutes.ts';
import { linkRateAllLoading, weigh } from '../../../model/physics/linkShare.ts';
import { copyRates, pairRates } from '../../../model/physics/rates.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System, TreeNode } from '../../../model/system/system.ts';
import { type FlowTransport, transportNamed } from '../../../model/system/transport.ts';
import { type SharedFlow, sharingProblem, solveMaxMin } from '../../../sim/sharing/maxMin.ts';
import { NCCL_FLOW } from '../../support/flows.ts';
import { hostMemory } from '../../support/hostMemory.ts';

const GB = 1e9;
const base = loadSystem('h100-pcie-x2');
const near = (value: number, expected: number, what: string) =>
  assert.ok(Math.abs(value / expected - 1) < 1e-9, `${what}: expected ${expected}, got ${value}`);

const copies = suite('copy rates of the machines');

const COPIES: [machine: string, ranks: number, h2d: number, d2h: number, both: number, why: string][] = [
  ['h200-x2', 2, 55.5, 55.4, 51, 'each link carries 102 GB/s in both directions together'],
  ['h200-x1', 2, 55.5, 55.4, 51, 'the mirrored GPU alone'],
  ['h100-pcie-x2', 1, 55, 52.0, 52.0, 'up is what generation 5 with 16 lanes writes'],
  ['h100-pcie-x2', 2, 30.5, 30.5, 30.5, 'the root carries 61 GB/s each way'],
  ['h100-pcie-x4', 4, 12.4, 12.4, 12.4, 'the root carries 49.6 GB/s each way'],
];
for (const [machine, ranks, h2d, d2h, both, why] of COPIES) {
  copies(`${machine}, ${ranks} ranks: ${h2d} and ${d2h}, ${both} at once (${why})`, () => {
    const got = copyRates(loadSystem(machine), ranks);
    for (const [name, expected] of Object.entries({ h2d, d2h, both })) {
      // Rates from generation and width are given to three digits above.
      const value = got[name as keyof typeof got] / GB;
      assert.ok(Math.abs(value / expected - 1) < 1e-3, `${name}: ${value}`);
    }
  });
}

copies('host memory counts both directions of every rank', () => {
  const tree = base.tree.map((node) =>
    node.id === 'memory' ? { ...node, memory: hostMemory(40 * GB) } : node,
  );
  // 40 GB/s for two ranks, or for two ranks and two directions.
  assert.equal(copyRates({ ...base, tree }, 2), {
    h2d: 20 * GB,
    d2h: 20 * GB,
    both: 10 * GB,
    bothD2h: 10 * GB,
  });
});

copies.run();

const pairs = suite('copies and a collective at once');

pairs('on the machine where both halve, both halve', () => {
  const shm = transportNamed(base, 'shm') as FlowTransport;
  const rates = pairRates(base, 2, shm, 'all-to-all');
  near(rates.h2dAlone, 30.5 * GB, 'h2d alone');
  near(rates.collectiveAlone, 22.2 * GB, 'collective alone');
  near(rates.h2dShared, 15.25 * GB, 'h2d');
  near(rates.collectiveShared, 11.1 * GB, 'collective');
});

// The stated fractions of the machine file, wherever nothing else on the way is full before.
const STATED: [
  machine: string,
  transport: string,
  kind: 'all-to-all' | 'all-reduce',
  h2d: number,
  collective: number,
][] = [
  ['h200-x2', 'shm', 'all-to-all', 0.741, 0.526],
  ['h200-x2', 'shm', 'all-reduce', 0.57, 0.62],
  ['h200-x2', 'nvlink', 'all-to-all', 0.985, 0.9],
  ['h200-x1', 'staged-sm:2', 'all-to-all', 0.69, 0.59],
  ['h100-pcie-x4', 'shm', 'all-to-all', 0.5, 0.5],
];
for (const [machine, name, kind, h2d, collective] of STATED) {
  pairs(`${machine} over ${name}: ${kind} keeps ${collective}, copies ${h2d}`, () => {
    const system = loadSystem(machine);
    const ranks = system.peer === 'mirrored' ? 2 : system.gpus.length;
    const rates = pairRates(system, ranks, transportNamed(system, name) as FlowTransport, kind);
    near(rates.h2dShared / rates.h2dAlone, h2d, 'h2d');
    near(rates.collectiveShared / rates.collectiveAlone, collective, 'collective');
  });
}

/** GPUs under equal roots of one machine, every GPU and every root like the others. */
const symmetric = fc
  .record({
    gpusPerRoot: fc.constantFrom(1, 2, 4),
    roots: fc.constantFrom(1, 2, 4),
    link: fc.integer({ min: 5, max: 100 }),
    rootShare: fc.integer({ min: 20, max: 150 }),
    duplexShare: fc.integer({ min: 100, max: 200 }),
    memoryShare: fc.integer({ min: 30, max: 400 }),
    engineShare: fc.integer({ min: 50, max: 120 }),
    path: fc.constantFrom<FlowTransport['path'][]>('host', 'peer', 'nvlink'),
    rate: fc.integer({ min: 5, max: 300 }),
    collective: fc.integer({ min: 10, max: 100 }),
    taken: fc.integer({ min: 0, max: 100 }),
  })
  .filter(({ gpusPerRoot, roots }) => gpusPerRoot * roots > 1)
  .map((made) => {
    const link = made.link * GB;
    const node = (id: string, parent: string | null, rate: number): TreeNode => ({
      id,
      parent,
      downBytesPerS: rate,
      upBytesPerS: rate,
      duplexBytesPerS: made.duplexShare === 200 ? Number.POSITIVE_INFINITY : (rate * made.duplexShare) / 100,
      memory: null,
    });
    const count = made.gpusPerRoot * made.roots;
    const gpus = Array.from({ length: count }, (_, gpu) => `gpu${gpu}`);
    const system: System = {
      ...base,
      gpus,
      gpu: {
        ...base.gpu,
        copyEngine: { ...base.gpu.copyEngine, h2dBytesPerS: (link * made.engineShare) / 100 },
      },
      tree: [
        { ...node('memory', null, 1), memory: hostMemory((count * link * made.memoryShare) / 100) },
        ...Array.from({ length: made.roots }, (_, root) =>
          node(`root${root}`, 'memory', (made.gpusPerRoot * link * made.rootShare) / 100),
        ),
        ...gpus.map((gpu, index) => node(gpu, `root${index % made.roots}`, link)),
      ],
    };
    const collective = made.collective / 100;
    const rates = {
      bytesPerS: (link * made.rate) / 100,
      besideH2d: { collective, h2d: Math.max(0.05, 1 - (collective * made.taken) / 100), gapS: null },
    };
    const transport: FlowTransport = {
      kind: 'flow',
      name: 'flow',
      path: made.path,
      latencyS: 0,
      fill: null,
      ...NCCL_FLOW,
      collectives: { 'all-to-all': rates, 'all-gather': rates, 'all-reduce': rates },
    };
    return { system, transport };
  });

/** Max-min rates of some flows on the links of a machine. */
function solve(
  system: System,
  flows: readonly { uses: readonly Use[]; bound: number; weight: number }[],
): number[] {
  const names = [...new Set(flows.flatMap(({ uses }) => uses.map(({ resource }) => resource)))];
  const capacities = names.map((name) => resourceLimit(system, name).capacity);
  const shared = flows.map(
    ({ uses, bound, weight }): SharedFlow => ({
      bound,
      weight,
      uses: uses.map(({ resource, coefficient }) => ({ resource: names.indexOf(resource), coefficient })),
    }),
  );
  return [...solveMaxMin(sharingProblem(capacities, shared))];
}

pairs('are the max-min rates of one copy and one collective flow per rank, on any symmetric machine', () => {
  fc.assert(
    fc.property(symmetric, ({ system, transport }) => {
      const ranks = system.gpus.length;
      const { bytesPerS } = transport.collectives['all-to-all'];
      const h2dRates = linkRateAllLoading(system, ranks);
      const copyFlows = system.gpus.map((gpu) => ({
        uses: copyUses(system, gpu, 'down'),
        bound: system.gpu.copyEngine.h2dBytesPerS,
        weight: 1,
      }));
      const collectiveFlows = system.gpus.map((_, rank) => ({
        uses: collectiveUses(system, ranks, rank, transport, 'all-to-all'),
        bound: bytesPerS,
        weight: weigh(transport.collectives['all-to-all'], h2dRates[rank]!).weight,
      }));
      const both = solve(system, [...copyFlows, ...collectiveFlows]);
      const got = pairRates(system, ranks, transport, 'all-to-all');
      near(got.h2dAlone, solve(system, copyFlows)[0]!, 'h2d alone');
      near(got.collectiveAlone, solve(system, collectiveFlows)[0]!, 'collective alone');
      near(got.h2dShared, both[0]!, 'h2d beside the collective');
      near(got.collectiveShared, both[ranks]!, 'collective beside h2d');
    }),
    { numRuns: 500 },
  );
});

pairs.run();
