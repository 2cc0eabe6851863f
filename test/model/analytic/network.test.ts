import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { withBlocks } from '../../../model/dit/depth.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { callAloneS } from '../../../model/physics/collectivePhases.ts';
import { memoryNeed } from '../../../model/physics/memory.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import type { System } from '../../../model/system/system.ts';
import { type FlowTransport, transportOf } from '../../../model/system/transport.ts';
import { bindWorkload, type WorkloadOptions } from '../../../model/workload/bind.ts';
import { type BoundWorkload, collectiveIn } from '../../../model/workload/workload.ts';
import { sensitivities } from '../../../search/explain/sensitivity/sensitivities.ts';
import { simulate } from '../../../sim/simulate.ts';
import { type HostsMachine, hostsMachine } from '../../support/hostsMachine.ts';

const test = suite('steps of ranks on several hosts');

const bind = (options: Partial<WorkloadOptions>, model = 'ltx-video-13b'): BoundWorkload =>
  bindWorkload(withBlocks(loadDit(model), 4), { size: parseSize('768x512x97'), cfg: 'none', ...options });

function bothRoads(workload: BoundWorkload, system: System, preset: string, transport: string) {
  const plan = makePlan(preset, workload, system, transport);
  return {
    closed: predictStep(workload, system, plan),
    simulated: simulate(workload, system, plan).report,
  };
}

const nearBy = (found: number, expected: number, within: number, what: string) =>
  assert.ok(Math.abs(found / expected - 1) <= within, `${what}: ${found} for ${expected}`);

const RAILS: HostsMachine = {
  ...{ hosts: 2, gpusPerHost: 4, nics: 4, nicGBPerS: 25, within: 'nvlink', rails: 'optimized' },
};
const BOXES: HostsMachine = { hosts: 2, gpusPerHost: 4, nicGBPerS: 12, direct: false, memoryGBPerS: 150 };

for (const [what, machine, options, transport] of [
  ['rails', RAILS, { sp: 8 }, 'net'],
  ['rails in two phases', RAILS, { sp: 8 }, 'net-hierarchical'],
  ['boxes without GPUDirect RDMA', BOXES, { sp: 8 }, 'net'],
  ['boxes in two phases', BOXES, { sp: 8 }, 'net-hierarchical'],
  ['one GPU on each host', { hosts: 4, gpusPerHost: 1, nicGBPerS: 25 }, { sp: 4 }, 'net'],
  ['a ring between hosts of Ulysses within', RAILS, { sp: 4, ring: 2 }, 'net'],
  ['all-reduces of tensor parallelism', RAILS, { sp: 1, tp: 8 }, 'net'],
  ['Ulysses between hosts, tensor parallelism within', RAILS, { sp: 2, tp: 4 }, 'net'],
] as [string, HostsMachine, Partial<WorkloadOptions>, string][]) {
  test(`${what}: closed form and simulator agree`, () => {
    const workload = bind(options);
    const system = hostsMachine(machine);
    for (const preset of ['none', 'layerwise', 'chunked']) {
      const { closed, simulated } = bothRoads(workload, system, preset, transport);
      nearBy(closed.stepTimeS, simulated.stepTimeS, preset === 'none' ? 1e-9 : 0.01, preset);
    }
  });
}

test('without offload, collectives take what NICs give them, by hand', () => {
  // 8 ranks of which 4 share 12 GB/s: 5.25 GB/s a rank, 25 us and 4 messages of 2 us.
  const workload = bind({ sp: 8 });
  const { closed } = bothRoads(workload, hostsMachine({ ...BOXES, direct: true }), 'none', 'net');
  let byHandS = 0;
  for (const { segments } of workload.blocks)
    for (const segment of segments) {
      const call = collectiveIn(segment);
      if (call !== null) byHandS += 33e-6 + call.sentBytes / 5.25e9;
    }
  nearBy(closed.collectiveS, byHandS, 1e-9, 'collectives');
});

test('ranks of one host take the very numbers of a machine of one host', () => {
  const workload = bind({ sp: 4 });
  const one = hostsMachine({ hosts: 1, gpusPerHost: 4, memoryGBPerS: 150 });
  const two = hostsMachine({ ...BOXES });
  for (const preset of ['none', 'layerwise', 'chunked', 'yield']) {
    const [old, within] = [bothRoads(workload, one, preset, 'shm'), bothRoads(workload, two, preset, 'shm')];
    assert.is(within.closed.stepTimeS, old.closed.stepTimeS, preset);
    assert.is(within.simulated.stepTimeS, old.simulated.stepTimeS, preset);
    // `net` within a host is what joins its GPUs.
    assert.is(bothRoads(workload, two, preset, 'net').closed.stepTimeS, old.closed.stepTimeS, preset);
  }
});

test('what NICs take of host memory is missing to weights that load beside it', () => {
  const workload = bind({ sp: 8 });
  const steps = (direct: boolean) => {
    const system = hostsMachine({ ...BOXES, nics: 4, nicGBPerS: 10, memoryGBPerS: 250, direct });
    const step = (preset: string) => bothRoads(workload, system, preset, 'net').closed.stepTimeS;
    return { none: step('none'), layerwise: step('layerwise') };
  };
  const [direct, staged] = [steps(true), steps(false)];
  nearBy(staged.none, direct.none, 1e-9, 'alone, memory has room for both');
  assert.ok(staged.layerwise > 1.02 * direct.layerwise, `${staged.layerwise} and ${direct.layerwise}`);
});

test('many small messages are quicker in two phases, long ones in one', () => {
  const system = hostsMachine({ ...RAILS, hosts: 8, gpusPerHost: 8, nics: 8 });
  const take = (transport: string, sentBytes: number) =>
    callAloneS(
      system,
      transportOf(system, transport, 64) as FlowTransport,
      { collective: 'all-to-all', sentBytes },
      64,
    );
  assert.ok(take('net-hierarchical', 1e5) < take('net', 1e5));
  assert.ok(take('net-hierarchical', 1e9) >= take('net', 1e9) * (1 - 1e-9));
});

test("NCCL's buffers grow with peers on other hosts", () => {
  const bytes = (hosts: number, gpusPerHost: number) => {
    const system = hostsMachine({ hosts, gpusPerHost });
    const workload = bind({ sp: hosts * gpusPerHost });
    return memoryNeed(workload, system, makePlan('none', workload, system, 'net')).reserveBytes;
  };
  assert.is(bytes(4, 1) - bytes(2, 1), 2 * 16 * 2 ** 20);
});

test('how much a step owes its NICs is what a faster one saves', () => {
  const workload = bind({ sp: 8 });
  const at = (nicGBPerS: number) => {
    const system = hostsMachine({ ...BOXES, nicGBPerS });
    return { system, plan: makePlan('none', workload, system, 'net') };
  };
  const { system, plan } = at(12);
  const found = sensitivities(workload, system, plan);
  const nic = found.find(({ parameter }) => /nic/i.test(parameter))!;
  assert.ok(nic, found.map(({ parameter }) => parameter).join(', '));
  const step = (nicGBPerS: number) => {
    const other = at(nicGBPerS);
    return predictStep(workload, other.system, other.plan).stepTimeS;
  };
  const elasticity = Math.log(step(12.06) / step(11.94)) / Math.log(12.06 / 11.94);
  nearBy(nic.elasticity, elasticity, 1e-3, 'elasticity');
});

test.run();
