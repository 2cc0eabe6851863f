import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closedForm } from '../../../../model/analytic/closedForm.ts';
import { clockOf } from '../../../../model/analytic/stepReport.ts';
import { loadDit } from '../../../../model/dit/load.ts';
import { parseSize } from '../../../../model/dit/tokens.ts';
import { copyRates, pairRates } from '../../../../model/physics/rates.ts';
import { withComputeSpeed } from '../../../../model/physics/variants/computeSpeed.ts';
import { withD2hNumbers, withH2dLink, withH2dNumbers } from '../../../../model/physics/variants/h2dRate.ts';
import { scaledSystem } from '../../../../model/physics/variants/scaled.ts';
import { makePlan } from '../../../../model/presets/presets.ts';
import { loadSystem, systemIds } from '../../../../model/system/load.ts';
import type { System } from '../../../../model/system/system.ts';
import { type FlowTransport, transportNamed } from '../../../../model/system/transport.ts';
import { bindWorkload } from '../../../../model/workload/bind.ts';
import { hostMemory } from '../../../support/hostMemory.ts';

const near = (value: number, expected: number, share: number, what = '') =>
  assert.ok(Math.abs(value / expected - 1) <= share, `${what}: expected ${expected}, got ${value}`);

const scaled = suite('scaled machines');

for (const id of systemIds()) {
  scaled(`${id}: times one is the machine itself`, () => {
    const system = loadSystem(id);
    assert.equal(scaledSystem(system, {}), system);
    assert.equal(scaledSystem(system, { link: 1, compute: 1 }), system);
    assert.equal(withH2dNumbers(system, 1), system);
    assert.equal(withD2hNumbers(system, 1), system);
    assert.equal(withComputeSpeed(system, 1), system);
  });
}

scaled('a factor that is none is refused', () => {
  const system = loadSystem('h200-x2');
  for (const factor of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => scaledSystem(system, { link: factor }), /link: expected a factor above 0/);
    assert.throws(() => scaledSystem(system, { compute: factor }), /compute: expected a factor above 0/);
    assert.throws(() => withH2dLink(system, factor, 2), /H2D rate: expected a factor above 0/);
  }
});

const flux = bindWorkload(loadDit('flux.1-dev'), { size: parseSize('512x512'), sp: 2, cfg: 'none' });

/** Host memory that nobody waits for, so that the link is all that there is to share. */
function withMemory(system: System): System {
  const tree = system.tree.map((node) => ({
    ...node,
    memory: node.memory === null ? null : hostMemory(Number.POSITIVE_INFINITY),
  }));
  return { ...system, tree };
}

/** Pauses cost nothing, so that a step that waits for the link is all link. */
function withoutPauses(system: System): System {
  const { gpu } = system;
  const transports = system.transports.map((transport) => ({ ...transport, latencyS: 0 }));
  return { ...system, transports, gpu: { ...gpu, copyEngine: { ...gpu.copyEngine, startUpS: 0, gapS: 0 } } };
}

scaled('a step that waits for the link takes 1 / factor as long', () => {
  const system = withoutPauses(loadSystem('h200-x2'));
  const stepS = (link: number) => {
    const machine = scaledSystem(system, { link });
    return closedForm(flux, machine, makePlan('layerwise', flux, machine)).stepTimeS;
  };
  near(stepS(0.5), 2 * stepS(1), 1e-9, 'half the link');
});

scaled('shares of a link stay what they are', () => {
  for (const [id, name] of [
    ['h200-x2', 'shm'],
    ['h200-x2', 'nvlink'],
    ['h100-pcie-x4', 'shm'],
    ['h200-x1-fitted', 'staged-sm'],
  ] as const) {
    const rates = (link: number) => {
      const machine = scaledSystem(loadSystem(id), { link });
      return pairRates(machine, 2, transportNamed(machine, name) as FlowTransport, 'all-to-all');
    };
    const [before, after] = [rates(1), rates(0.8)];
    near(after.h2dAlone, 0.8 * before.h2dAlone, 1e-9, 'h2d');
    near(after.h2dShared / after.h2dAlone, before.h2dShared / before.h2dAlone, 1e-9, 'h2d beside');
    near(
      after.collectiveAlone,
      (name === 'nvlink' ? 1 : 0.8) * before.collectiveAlone,
      1e-9,
      'collective alone',
    );
    near(
      after.collectiveShared / after.collectiveAlone,
      before.collectiveShared / before.collectiveAlone,
      1e-9,
      'collective beside',
    );
  }
});

scaled('compute twice as fast halves the work, not the overheads of kernels', () => {
  const system = loadSystem('h100-pcie-x2');
  const gpu = { ...system.gpu, launchFloorS: 0 };
  const stepS = (compute: number) => {
    const machine = scaledSystem({ ...system, gpu }, { compute });
    return closedForm(flux, machine, makePlan('none', flux, machine)).computeS;
  };
  near(stepS(2), stepS(1) / 2, 1e-9);
});

scaled('at the same watts, the clock of a step of compute alone stays', () => {
  const system = loadSystem('h200-x1-fitted');
  const wan = bindWorkload(loadDit('wan2.1-t2v-14b'), { size: parseSize('832x480x81'), sp: 1, cfg: 'none' });
  const clock = (factor: number) => {
    const machine = withComputeSpeed(system, factor);
    return clockOf(wan, machine, makePlan('none', wan, machine));
  };
  assert.ok(clock(1) < 1);
  near(clock(1.5), clock(1), 5e-3);
});

scaled.run();

const link = suite('another link to the GPUs');

link('both directions together follow each by its part', () => {
  const system = loadSystem('h200-x1-fitted');
  const before = copyRates(system, 1);
  const both = withD2hNumbers(withH2dNumbers(system, 1.5), 1.5);
  for (const key of ['h2d', 'd2h', 'both'] as const)
    near(copyRates(both, 1)[key], 1.5 * before[key], 1e-9, key);
  near(copyRates(withH2dNumbers(system, 1.5), 1).h2d, 1.5 * before.h2d, 1e-9);
  near(copyRates(withH2dNumbers(system, 1.5), 1).d2h, before.d2h, 1e-9);
});

// Both halve, and a byte of the collective takes as much of the link as both leave it: h 0.5, c 0.5 at R = 22.2 GB/s.
const HALVES: [factor: number, alone: number, collective: number, h2d: number][] = [
  [0.5, 0.5, 0.5, 0.5],
  [1, 1, 0.5, 0.5],
  [1.5, 1, 0.75, 0.5],
  [2, 1, 1, 0.5],
  [4, 1, 1, 0.75],
];
for (const [factor, alone, collective, h2d] of HALVES) {
  link(`${factor} times a link that both halve: ${collective} of the collective, ${h2d} of H2D`, () => {
    const system = withMemory(loadSystem('h100-pcie-x2'));
    const machine = withH2dLink(system, factor, 2);
    const rates = pairRates(machine, 2, transportNamed(machine, 'shm') as FlowTransport, 'all-to-all');
    near(rates.h2dAlone, factor * 30.5e9, 1e-9, 'h2d alone');
    near(rates.collectiveAlone, alone * 22.2e9, 1e-9, 'alone');
    near(rates.collectiveShared / rates.collectiveAlone, collective, 1e-9, 'collective');
    near(rates.h2dShared / rates.h2dAlone, h2d, 1e-9, 'h2d');
  });
}

link('a faster link takes nothing from anyone', () => {
  for (const id of systemIds()) {
    const system = withMemory(loadSystem(id));
    for (const transport of system.transports) {
      if (transport.kind !== 'flow') continue;
      let before = { h2dAlone: 0, collectiveAlone: 0, h2dShared: 0, collectiveShared: 0 };
      for (const factor of [0.1, 0.5, 0.9, 1, 1.1, 2, 5]) {
        const machine = withH2dLink(system, factor, 2);
        const flow = transportNamed(machine, transport.name) as FlowTransport;
        const rates = pairRates(machine, 2, flow, 'all-to-all');
        for (const key of Object.keys(rates) as (keyof typeof rates)[])
          assert.ok(rates[key] >= before[key] * (1 - 1e-9), `${id} ${transport.name} x ${factor}: ${key}`);
        before = rates;
      }
    }
  }
});

link.run();
