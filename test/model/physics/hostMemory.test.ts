import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { copyRates, pairRates } from '../../../model/physics/rates.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { HostMemory, System } from '../../../model/system/system.ts';
import { type FlowTransport, transportNamed } from '../../../model/system/transport.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { type Probe, probe } from '../../../sim/probe.ts';
import { simulate } from '../../../sim/simulate.ts';
import { hostMemory } from '../../support/hostMemory.ts';

const GB = 1e9;
const test = suite('host memory that all GPUs share');

/** So many GPUs with links of their own, over a host memory. */
function machine(gpus: number, memory: HostMemory): System {
  const base = loadSystem('h200-x2');
  const [top, gpu0] = base.tree;
  const names = Array.from({ length: gpus }, (_, gpu) => `gpu${gpu}`);
  return {
    ...base,
    gpus: names,
    gpu: { ...base.gpu, copyEngine: { ...base.gpu.copyEngine, h2dBytesPerS: 54.6 * GB } },
    tree: [{ ...top!, memory }, ...names.map((id) => ({ ...gpu0!, id }))],
  };
}

/** Of k GPUs that load at once, measured on four H100s of one host: GB/s each. */
const MEASURED: [gpus: number, rate: number][] = [
  [1, 54.6],
  [2, 52.6],
  [3, 46.3],
  [4, 39.1],
];
const ONE_HOST = hostMemory(165 * GB, { sharpness: 4 });
for (const [gpus, rate] of MEASURED) {
  test(`one limit and one sharpness say what ${gpus} of 4 GPUs load at once, to 2 %`, () => {
    const { h2d } = copyRates(machine(gpus, ONE_HOST), gpus);
    assert.ok(Math.abs(h2d / GB / rate - 1) < 0.02, `${h2d / GB} against ${rate}`);
  });
}

test('reads, writes and both together have limits of their own', () => {
  const of = (memory: HostMemory) => copyRates(machine(2, memory), 2);
  const wide = 1000 * GB;
  const near = (got: object, expected: Record<string, number>) => {
    for (const [key, value] of Object.entries(expected)) {
      const rate = (got as Record<string, number>)[key]! / GB;
      assert.ok(Math.abs(rate - value) < 1e-9, `${key}: ${rate} against ${value}`);
    }
  };
  near(of(hostMemory(wide, { readBytesPerS: 80 * GB })), { h2d: 40, d2h: 55.4, both: 40 });
  near(of(hostMemory(wide, { writeBytesPerS: 60 * GB })), { h2d: 54.6, d2h: 30, both: 30 });
  near(of(hostMemory(120 * GB)), { h2d: 54.6, d2h: 55.4, both: 30 });
});

test('a host that favours writes gives D2H its weight against H2D where it binds, and nobody more than was asked for', () => {
  const of = (memory: HostMemory, gpus: number) => copyRates(machine(gpus, memory), gpus);
  const soft = { sharpness: 4 };
  const even = of(hostMemory(165 * GB, soft), 2);
  assert.ok(Math.abs(even.both - even.bothD2h) < 1e-6 * GB);
  const favoured = of(hostMemory(165 * GB, { ...soft, writeWeight: 1.25 }), 2);
  assert.ok(Math.abs(favoured.bothD2h / favoured.both - 1.25) < 1e-9);
  // What is served is the same, shared otherwise.
  assert.ok(Math.abs(favoured.both + favoured.bothD2h - 2 * even.both) < 1e-6 * GB);
  // One direction by itself, and one GPU on a host that it cannot fill, notice nothing.
  assert.is(favoured.h2d, even.h2d);
  const roomy = of(hostMemory(1000 * GB, { ...soft, writeWeight: 8 }), 1);
  assert.ok(roomy.bothD2h / roomy.both < 1.001);
  const greedy = of(hostMemory(165 * GB, { ...soft, writeWeight: 8 }), 2);
  const asked = of(hostMemory(1e6 * GB), 2).both;
  assert.ok(Math.abs(greedy.bothD2h / asked - 1) < 1e-9, `${greedy.bothD2h} of ${asked}`);
});

const HOSTS: [string, HostMemory][] = [
  ['hard', hostMemory(110 * GB)],
  ['soft', hostMemory(165 * GB, { sharpness: 4 })],
  ['soft, and for writes first,', hostMemory(165 * GB, { sharpness: 4, writeWeight: 1.7 })],
  [
    'soft in each direction',
    hostMemory(165 * GB, { sharpness: 3, readBytesPerS: 90 * GB, writeBytesPerS: 100 * GB }),
  ],
];
for (const [name, memory] of HOSTS) {
  for (const gpus of [2, 4]) {
    test(`the simulator measures the rates of the closed form: ${name} limit, ${gpus} GPUs`, () => {
      const system = machine(gpus, memory);
      const collective = { transport: 'shm', kind: 'all-to-all', sentBytes: 512e6 } as const;
      const shm = transportNamed(system, 'shm') as FlowTransport;
      const rates = pairRates(system, gpus, shm, 'all-to-all');
      const measured = (what: Omit<Probe, 'groupSize'>) => probe(system, { groupSize: gpus, ...what });
      const alone = measured({ collective }).collectiveS! - shm.latencyS;
      const rate = collective.sentBytes / alone;
      assert.ok(
        Math.abs(rate / rates.collectiveAlone - 1) < 1e-3,
        `${rate} against ${rates.collectiveAlone}`,
      );
      const loading = measured({ h2d: { chunkBytes: 512e6, paceS: 0 } }).h2dBytesPerS!;
      assert.ok(Math.abs(loading / rates.h2dAlone - 1) < 1e-3, `${loading} against ${rates.h2dAlone}`);
    });

    test(`one rank that stands for all takes as long as all of them, and as the closed form: ${name}, ${gpus}`, () => {
      const system = machine(gpus, memory);
      const dit = loadDit('wan2.1-t2v-1.3b');
      const workload = bindWorkload(dit, { size: parseSize('832x480x17'), sp: gpus });
      for (const [text, within] of [
        ['layerwise', 0.01],
        ['yield', 0.04],
        ['yield,transport=staged-copy', 0.12],
      ] as const) {
        const plan = makePlan(text, workload, system, text.includes('staged') ? undefined : 'shm');
        const oneS = simulate(workload, system, plan, { breakEven: false }).report.stepTimeS;
        const allS = simulate(workload, system, plan, { breakEven: false, timeline: true }).report.stepTimeS;
        assert.ok(Math.abs(oneS / allS - 1) < 2e-3, `${text}: ${oneS} against ${allS}`);
        const formS = predictStep(workload, system, plan).stepTimeS;
        assert.ok(Math.abs(formS / oneS - 1) < within, `${text}: closed form ${formS} against ${oneS}`);
      }
    });
  }
}

test('more memory never makes a step longer, and a host that limits makes it longer', () => {
  const dit = loadDit('wan2.1-t2v-1.3b');
  const stepS = (memory: HostMemory, gpus: number) => {
    const system = machine(gpus, memory);
    const workload = bindWorkload(dit, { size: parseSize('832x480x17'), sp: gpus });
    const plan = makePlan('layerwise', workload, system, 'shm');
    return simulate(workload, system, plan, { breakEven: false }).report.stepTimeS;
  };
  for (const gpus of [2, 4]) {
    const times = [80, 110, 165, 400, 1e6].map((limit) =>
      stepS(hostMemory(limit * GB, { sharpness: 4 }), gpus),
    );
    for (const [index, time] of times.entries())
      if (index > 0) assert.ok(time <= times[index - 1]! * (1 + 1e-9));
    assert.ok(times[0]! > 1.2 * times.at(-1)!);
  }
});

test.run();
