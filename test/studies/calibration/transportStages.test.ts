import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CaseParameters } from '../../../model/calibration/cases.ts';
import { parseYaml, readYamlFile } from '../../../model/input/yamlFile.ts';
import { pairRates } from '../../../model/physics/rates.ts';
import { buildSystem, loadSystem, systemFileOf } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { type FlowTransport, transportOf } from '../../../model/system/transport.ts';
import { type FittedMachine, fitReadings } from '../../../studies/calibration/fitMachine.ts';
import { fittedMachineFile } from '../../../studies/calibration/machineFile.ts';
import type { CaseReading } from '../../../studies/calibration/readings.ts';
import { syntheticReadings } from './syntheticReadings.ts';

const NOISE = 0.01;
/** Fitted numbers are this close, relative, to those of the machine that was simulated. */
const NEAR = 0.05;

const only =
  (transport: string) =>
  (parameters: CaseParameters): boolean =>
    parameters.kind === 'copies' ? parameters.gpus === 1 : parameters.transport === transport;

const fitTo = (machine: string, cases: CaseReading[]) =>
  fitReadings(readYamlFile(systemFileOf(machine)), { cases, segments: [], notes: [] }, 'simulated');

const flowOf = ({ system }: FittedMachine, name: string, ranks: number) =>
  transportOf(system, name, ranks) as FlowTransport;

function assertNear(what: string, found: number, expected: number, within = NEAR): void {
  assert.ok(Math.abs(found / expected - 1) < within, `${what}: ${found} for ${expected}`);
}

/** The machine, where so much of what a transport stages reaches host memory. */
function withHostShare(system: System, name: string, hostShare: number): System {
  return {
    ...system,
    transports: system.transports.map((one) =>
      one.kind === 'flow' && one.name === name ? { ...one, hostShare } : one,
    ),
  };
}

const stages = suite("NCCL's transports, fitted to simulated measurements with 1 % noise");

for (const [machine, groupSize, transport, overrides, hostShare = 1] of [
  [
    'h200-x2',
    2,
    'shm',
    [
      'transports.shm.latency=30 us',
      'transports.shm.all-to-all.rate=17 GB/s',
      'transports.shm.all-to-all.besideH2d.collective=0.6',
      'transports.shm.all-to-all.besideH2d.h2d=0.65',
      'transports.shm.all-reduce.rate=33 GB/s',
    ],
  ],
  ['h200-x2', 2, 'nvlink', ['transports.nvlink.latency=20 us', 'transports.nvlink.all-to-all.rate=180 GB/s']],
  [
    'h100-sxm-x4',
    4,
    'shm',
    [
      'transports.shm.latency=50 us',
      'transports.shm.all-to-all.rate=14 GB/s',
      'transports.shm.all-reduce.rate=20 GB/s',
    ],
  ],
  ['h100-sxm-x4', 4, 'shm', ['transports.shm.all-to-all.rate=30 GB/s'], 0.3],
] as [string, number, string, string[], number?][]) {
  stages(`have the true numbers: ${transport} between ${groupSize} ranks`, () => {
    const truth = withHostShare(loadSystem(machine, overrides), transport, hostShare);
    const given = { groupSize, noise: NOISE, seed: 7, keep: only(transport), split: true };
    const fitted = fitTo(machine, syntheticReadings(truth, { ...given, options: { nccl: transport } }));
    const found = flowOf(fitted, transport, groupSize);
    const expected = transportOf(truth, transport, groupSize) as FlowTransport;
    assertNear('latency', found.latencyS, expected.latencyS, 0.1);
    // What is measured is a rate under this host, which may hold back the transport's own.
    for (const kind of ['all-to-all', 'all-gather', 'all-reduce'] as const) {
      const [alone, aloneTruth] = (
        [
          [fitted.system, found],
          [truth, expected],
        ] as const
      ).map(([system, of]) => pairRates(system, groupSize, of, kind).collectiveAlone);
      assertNear(kind, alone!, aloneTruth!);
    }
    const [beside, besideTruth] = [found, expected].map((of) => of.collectives['all-to-all'].besideH2d);
    assertNear('beside H2D', beside!.collective, besideTruth!.collective);
    assertNear('H2D beside', beside!.h2d, besideTruth!.h2d);
    if (hostShare < 1) assertNear('host share', found.hostShare, hostShare, 0.15);
    // The machine that is written is the machine that was fitted.
    const read = buildSystem(parseYaml('fitted.yaml', fittedMachineFile(fitted, 'fitted')));
    assert.equal(transportOf(read, transport, groupSize), found);
  });
}

stages(
  'have numbers for each group size that was measured; the largest stands for those that were not',
  () => {
    const truths = new Map(
      [
        [2, ['transports.shm.latency=20 us', 'transports.shm.all-to-all.rate=24 GB/s']],
        [4, ['transports.shm.latency=50 us', 'transports.shm.all-to-all.rate=14 GB/s']],
      ].map(([ranks, overrides]) => {
        const machine = loadSystem('h100-sxm-x4', overrides as string[]);
        // So little that the host holds back nothing of what a transport does by itself.
        return [ranks as number, withHostShare(machine, 'shm', 0.2)];
      }),
    );
    const cases = [...truths].flatMap(([groupSize, truth]) =>
      syntheticReadings(truth, {
        ...{ groupSize, noise: NOISE, seed: groupSize, keep: only('shm'), split: false },
        options: { nccl: 'shm' },
      }),
    );
    const fitted = fitTo('h100-sxm-x4', cases);
    for (const [ranks, rate] of [
      [2, 24e9],
      [3, 14e9],
      [4, 14e9],
    ] as const)
      assertNear(`${ranks} ranks`, flowOf(fitted, 'shm', ranks).collectives['all-to-all'].bytesPerS, rate);
    assertNear('start-up of 2', flowOf(fitted, 'shm', 2).latencyS, 20e-6, 0.1);
    assertNear('start-up of 4', flowOf(fitted, 'shm', 4).latencyS, 50e-6, 0.1);
  },
);

stages('have no fitted share of host memory where copies beside them show none', () => {
  const truth = withHostShare(loadSystem('h100-sxm-x4'), 'staged-sm:1', 0.02);
  const given = { groupSize: 4, noise: NOISE, seed: 5, keep: only('staged-sm:1'), split: true };
  const { entries } = fitTo('h100-sxm-x4', syntheticReadings(truth, given));
  const entry = entries.get('transports.staged-sm.ctas.1.hostShare')!;
  assert.is(entry.is, 0.02);
  assert.is(entry.from, 'default');
  assert.match(entry.source, /^assumed: copies beside it showed nothing/);
  assert.is(entry.interval, undefined);
  // What a fit of any kind calls fitted has an interval, but for a pipeline that fills for nothing.
  for (const [key, { is, from, interval }] of entries)
    assert.ok(from !== 'fitted' || interval !== undefined || is === 0, `${key}: ${is}`);
});

const cache = suite(
  'the cache that copy engines stage through, fitted to simulated measurements with 1 % noise',
);

function withCache(system: System, cacheBytes: number): System {
  const transports = system.transports.map((one) => (one.kind === 'flow' ? one : { ...one, cacheBytes }));
  return { ...system, transports };
}

function cacheOf({ system }: FittedMachine): number {
  const copies = system.transports.find(({ kind }) => kind === 'staged-copy');
  assert.ok(copies?.kind === 'staged-copy');
  return copies.cacheBytes;
}

const CACHE = 'transports.staged-copy.cache';

const fitCache = (machine: string, groupSize: number, cacheMiB: number) => {
  const truth = withCache(loadSystem(machine), cacheMiB * 1024 * 1024);
  const given = { groupSize, noise: NOISE, seed: 3, keep: only('staged-copy'), split: true };
  return fitTo(machine, syntheticReadings(truth, given));
};

for (const cacheMiB of [24, 60])
  cache(`is found between four ranks: ${cacheMiB} MiB`, () => {
    const fitted = fitCache('h100-sxm-x4', 4, cacheMiB);
    assertNear('cache', cacheOf(fitted), cacheMiB * 1024 * 1024, 0.1);
    const [low, high] = fitted.entries.get(CACHE)!.interval!.map((text) => Number.parseFloat(`${text}`));
    const found = cacheOf(fitted) / 1024 / 1024;
    assert.ok(low! < found && found < high!, `${found} in ${low} to ${high}`);
    const read = buildSystem(parseYaml('fitted.yaml', fittedMachineFile(fitted, 'fitted')));
    assert.equal(cacheOf({ ...fitted, system: read }), cacheOf(fitted));
  });

for (const [machine, groupSize, cacheMiB, why] of [
  ['h100-sxm-x4', 4, 0, 'memory serves all that four ranks read'],
  ['h200-x2', 2, 60, 'two ranks leave host memory room'],
] as const)
  cache(`is not written where nothing is seen of it: ${why}`, () => {
    const fitted = fitCache(machine, groupSize, cacheMiB);
    assert.not(fitted.entries.has(CACHE));
    assert.is(cacheOf(fitted), 0);
  });

const quick = suite('a quick calibration of another host');

quick("refreshes links and transports, and keeps the GPU's numbers and where they came from", () => {
  const truth = loadSystem('h200-x2', [
    'gpu.copyEngine.h2d=44 GB/s',
    'tree.gpu0.down=44 GB/s',
    'tree.gpu1.down=44 GB/s',
    'transports.shm.all-to-all.rate=19 GB/s',
    'transports.staged-sm.ctas.2.all-to-all.rate=21 GB/s',
  ]);
  const given = { groupSize: 2, noise: NOISE, seed: 4, split: false, options: { quick: true } };
  const source = readYamlFile(systemFileOf('h200-x2'));
  const cases = syntheticReadings(truth, given);
  const { entries, system } = fitReadings(
    source,
    { cases, segments: [], notes: [], hostOnly: true },
    'quick',
  );
  assertNear('h2d', system.gpu.copyEngine.h2dBytesPerS, 44e9);
  for (const [name, rate] of [
    ['shm', 19e9],
    ['staged-sm:2', 21e9],
  ] as const) {
    const { collectives } = transportOf(system, name, 2) as FlowTransport;
    assertNear(name, collectives['all-to-all'].bytesPerS, rate);
  }
  const before = loadSystem('h200-x2');
  assert.equal(
    { ...system.gpu, copyEngine: null },
    { ...before.gpu, copyEngine: null },
    'compute, clock and power are as they were',
  );
  assert.not(
    [...entries.keys()].some((key) => /power|traffic|efficiency|startUp|\.gap$|turn|fillCost/.test(key)),
  );
});

stages.run();
cache.run();
quick.run();
