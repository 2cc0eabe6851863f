import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, stringify } from 'yaml';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { memoryNeed, reserveBytesOf } from '../../../model/physics/memory.ts';
import { withCollectiveRates } from '../../../model/physics/variants/scaled.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { isCpuCores } from '../../../model/system/cpuCores.ts';
import { loadSystem, systemFileOf, systemIds } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import {
  carrierByName,
  distinctName,
  distinctTransports,
  type FlowTransport,
  stagesInHostMemory,
  transportOf,
} from '../../../model/system/transport.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { simulate } from '../../../sim/simulate.ts';

const test = suite('transports by who carries them and between how many ranks');

const fitted = (value: number) => ({ is: value, from: 'fitted' });
const measured = (value: string) => ({ is: value, from: 'measured' });

/** Four H100s whose shm has numbers of its own between four ranks, and buffers. */
function machineWithRanks(ranks: object, buffers?: string) {
  const value = parse(readFileSync(systemFileOf('h100-pcie-x4'), 'utf8'));
  value.transports.shm.ranks = ranks;
  if (buffers !== undefined) value.transports.shm.deviceBuffers = measured(buffers);
  const file = join(mkdtempSync(join(tmpdir(), 'chunkflow-')), 'four.yaml');
  writeFileSync(file, stringify(value));
  return file;
}

const half = {
  'all-to-all': { rate: measured('5 GB/s'), besideH2d: { collective: fitted(0.5), h2d: fitted(0.6) } },
};

test('numbers of a number of ranks hold between so many, and the usual ones between every other', () => {
  const system = loadSystem(machineWithRanks({ 4: { ...half, latency: measured('77 us') } }));
  const usual = transportOf(loadSystem('h100-pcie-x4'), 'shm', 2) as FlowTransport;
  const of = (ranks: number) => transportOf(system, 'shm', ranks) as FlowTransport;
  assert.is(of(4).collectives['all-to-all'].bytesPerS, 5e9);
  // A kind that has no numbers of its own between so many ranks goes at the rate of their all-to-all.
  assert.is(of(4).collectives['all-reduce'].bytesPerS, 5e9);
  assert.is(of(4).latencyS, 77e-6);
  for (const ranks of [2, 3, 8]) {
    assert.equal(of(ranks).collectives, usual.collectives);
    assert.is(of(ranks).latencyS, usual.latencyS);
  }
});

test('a change of all rates changes those of each number of ranks', () => {
  const system = loadSystem(machineWithRanks({ 4: half }));
  const shm = system.transports[0] as FlowTransport;
  const doubled = withCollectiveRates(shm, (rate) => ({ ...rate, bytesPerS: 2 * rate.bytesPerS }));
  assert.is(doubled.byRanks.get(4)!.collectives['all-to-all'].bytesPerS, 10e9);
});

test('a step on four ranks takes what their own rate says, simulated and in closed form, one on two does not', () => {
  const usual = loadSystem('h100-pcie-x4');
  const slow = loadSystem(machineWithRanks({ 4: half }));
  for (const sp of [2, 4]) {
    const workload = bindWorkload(loadDit('wan2.1-t2v-1.3b'), { size: parseSize('832x480x17'), sp });
    const stepS = (system: typeof usual) => {
      const plan = makePlan('none', workload, system, 'shm');
      const simulated = simulate(workload, system, plan, { breakEven: false }).report.stepTimeS;
      return [simulated, predictStep(workload, system, plan).stepTimeS] as const;
    };
    const [before, after] = [stepS(usual), stepS(slow)];
    for (const way of [0, 1] as const) {
      if (sp === 2) assert.is(after[way], before[way]);
      else assert.ok(after[way] > 1.2 * before[way], `${after[way]} against ${before[way]}`);
    }
  }
});

test("NCCL's buffers are part of a plan's memory, between as many ranks as it says", () => {
  const buffers = { 4: { deviceBuffers: measured('600 MiB') } };
  const system = loadSystem(machineWithRanks(buffers, '200 MiB'));
  const dit = loadDit('wan2.1-t2v-1.3b');
  const reserve = (sp: number, transport: string) => {
    const workload = bindWorkload(dit, { size: parseSize('832x480x17'), sp });
    return memoryNeed(workload, system, makePlan('none', workload, system, transport)).reserveBytes;
  };
  const own = system.host.deviceReserveBytes;
  assert.is(reserve(2, 'shm') - own, 200 * 2 ** 20);
  assert.is(reserve(4, 'shm') - own, 600 * 2 ** 20);
  assert.is(reserve(4, 'staged-copy') - own, 0);
  const one = bindWorkload(dit, { size: parseSize('832x480x17') });
  assert.is(memoryNeed(one, system, makePlan('none', one, system)).reserveBytes, own);
  assert.is(reserveBytesOf(system, undefined, 4) - own, 600 * 2 ** 20);
  assert.is(reserveBytesOf(system, 'no transport', 1), own);
  assert.throws(() => reserveBytesOf(system, 'no transport', 2), /transport "no transport" is not one of/);
});

test('who carries a transport decides whether it has staging memory, whatever it is called', () => {
  const carried = loadSystem('h200-x2').transports.map(({ name, carrier }) => [
    name,
    carrier.by,
    stagesInHostMemory(carrier),
  ]);
  assert.equal(carried, [
    ['shm', 'nccl', false],
    ['nvlink', 'nccl', false],
    ...['1', '2', '4', '8', '16'].map((ctas) => [`staged-sm:${ctas}`, 'kernel', true]),
    ['staged-sm', 'kernel', true],
    ['staged-copy', 'copy-engines', true],
  ]);
});

test('a name that stands for a number of CTAs is no transport of its own', () => {
  const names = distinctTransports(loadSystem('h200-x2')).map(({ name }) => name);
  assert.not(names.includes('staged-sm'));
  assert.is(names.length, 8);
});

test('such a name means another transport on another machine, the distinct one the same on both', () => {
  for (const [machine, name, distinct] of [
    ['h200-x2', 'staged-sm', 'staged-sm:16'],
    ['h100-sxm-x2', 'staged-sm', 'staged-sm:2'],
    ['h200-x2', 'staged-sm:2', 'staged-sm:2'],
    ['h200-x2', 'shm', 'shm'],
    ['h200-x2', 'staged-copy', 'staged-copy'],
  ] as const)
    assert.is(distinctName(loadSystem(machine), name), distinct, `${name} on ${machine}`);
});

test('a name says who carries it, on every machine', () => {
  for (const id of systemIds())
    for (const { name, carrier } of loadSystem(id).transports)
      assert.is(carrierByName(name), carrier.by, `${name} of ${id}`);
});

test('CPU cores are told by their GPU, whatever the file is called', () => {
  assert.equal(
    systemIds().filter((id) => isCpuCores(loadSystem(id))),
    ['host-x1', 'host-x2'],
  );
  assert.ok(isCpuCores({ ...loadSystem('host-x1'), id: 'laptop' } as System));
  assert.not.ok(isCpuCores({ ...loadSystem('h200-x1'), id: 'host-a' } as System));
});

for (const [what, ranks, reason] of [
  ['one rank', { 1: {} }, /transports\.shm\.ranks/],
  ['no number', { four: {} }, /transports\.shm\.ranks/],
  [
    'rates that leave the link idle',
    {
      4: {
        'all-to-all': { rate: measured('5 GB/s'), besideH2d: { collective: fitted(0.3), h2d: fitted(0.3) } },
      },
    },
    /transports\.shm\.ranks\.4\.all-to-all\.besideH2d: collective 0\.3 and h2d 0\.3 add up to less than 1/,
  ],
] as const) {
  test(`${what} under ranks is refused with its place`, () => {
    assert.throws(
      () => loadSystem(machineWithRanks(ranks)),
      (error: Error) => reason.test(error.message),
    );
  });
}

test.run();
