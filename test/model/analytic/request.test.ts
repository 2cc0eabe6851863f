import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type RequestFacts, type RequestReport, requestReport } from '../../../model/analytic/request.ts';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { memoryNeed } from '../../../model/physics/memory.ts';
import { copyRates } from '../../../model/physics/rates.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { modelScenario } from '../../../model/scenario/scenario.ts';
import { passWeightBytes } from '../../../model/workload/workload.ts';
import { optimise } from '../../../search/optimise.ts';
import { planSearch } from '../../../search/planning.ts';

type Flags = Parameters<typeof modelScenario>[0];

const A14B = { model: 'wan2.2-t2v-a14b', machine: 'h200-x1-fitted', size: '416x240x17', sp: 1 } as Flags;

/** At this size all copies hide. */
const HIDDEN = { size: '832x480x81' };

function scenarioOf(flags: Partial<Flags>, planText: string) {
  const { workload, system } = modelScenario({ ...A14B, ...flags }, FILES);
  return { workload, system, plan: makePlan(planText, workload, system) };
}

function request(flags: Partial<Flags>, planText: string, facts: Partial<RequestFacts> = {}): RequestReport {
  const { workload, system, plan } = scenarioOf(flags, planText);
  const { stepTimeS: stepS, clock } = predictStep(workload, system, plan);
  const asked = { steps: 40, beforeS: 0, afterS: 0, switchS: null, ...facts };
  return requestReport(workload, system, plan, { stepS, clock }, asked);
}

function near(actual: number, expected: number, share = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= share * Math.abs(expected), `${actual} for ${expected}`);
}

const test = suite('request');

test('is its parts together', () => {
  for (const plan of ['none', 'layerwise', 'yield,resident=0.4', 'sequential', 'layerwise,prefetch=3'])
    for (const expertsOnGpu of [1, 2]) {
      const { steps, stepS, coldS, switches, switchS, totalS } = request({ expertsOnGpu }, plan, {
        ...{ steps: 7, beforeS: 1.5, afterS: 2.5 },
      });
      assert.is(switches, 1);
      near(totalS, 4 + steps * stepS + coldS + switches * switchS);
    }
});

test('the first step waits for what a steady one finds landed: its first block', () => {
  const { workload, system } = scenarioOf(HIDDEN, 'layerwise');
  const { h2d } = copyRates(system, 1);
  const { startUpS } = system.gpu.copyEngine;
  near(request(HIDDEN, 'layerwise').coldS, workload.blocks[0]!.weightBytes / h2d + startUpS, 0.02);
});

test('a plan that nothing overlaps starts no colder than it goes on, and one that keeps all has nothing to load', () => {
  for (const plan of ['none', 'sequential']) assert.is(request({}, plan).coldS, 0);
});

test('what stays of the first blocks need not be waited for', () => {
  const colds = [0, 0.25, 0.5, 0.75].map((resident) => request(HIDDEN, `yield,resident=${resident}`).coldS);
  for (const [index, cold] of colds.slice(1).entries()) assert.ok(cold < colds[index]!, `${colds}`);
});

test('with one expert on the GPU a switch copies in what stays there, and weights of both are page-locked', () => {
  for (const plan of ['none', 'yield,resident=0.4', 'layerwise']) {
    const { workload, system, plan: made } = scenarioOf({ expertsOnGpu: 1 }, plan);
    const need = memoryNeed(workload, system, made);
    const { coldS, switchS } = request({ expertsOnGpu: 1 }, plan);
    near(switchS - coldS, (need.residentBytes + workload.outsideBytes) / copyRates(system, 1).h2d, 1e-6);
    near(need.hostPinnedBytes, 2 * (passWeightBytes(workload) + workload.outsideBytes));
    const both = scenarioOf({}, plan);
    const needBoth = memoryNeed(both.workload, both.system, both.plan);
    near(needBoth.residentBytes, 2 * need.residentBytes);
    assert.ok(needBoth.gpuPeakBytes > need.gpuPeakBytes);
  }
});

test('a switch that was measured is taken as it is', () => {
  const given = request({ expertsOnGpu: 1 }, 'none', { switchS: 30 });
  assert.is(given.switchS, 30);
  near(given.totalS - request({ expertsOnGpu: 1 }, 'none', { switchS: 0 }).totalS, 30);
});

test('a request of one step does not get to the second expert, and models without experts never switch', () => {
  assert.is(request({}, 'layerwise', { steps: 1 }).switches, 0);
  assert.is(request({ model: 'wan2.1-t2v-14b' }, 'layerwise').switches, 0);
});

test('experts on the GPU are 1 to as many as the model has', () => {
  for (const [flags, why] of [
    [{ expertsOnGpu: 3 }, /has 2 experts; expected 1 to 2/],
    [{ model: 'flux.1-dev', size: '512x512', expertsOnGpu: 2 }, /has one expert; leave it out/],
  ] as const)
    assert.throws(() => scenarioOf(flags, 'none'), why);
});

test('the search keeps more of an expert that has the GPU for itself, within the same cap', async () => {
  const gpuBytes = 24 * 2 ** 30;
  const kept = [];
  for (const expertsOnGpu of [1, 2]) {
    const { workload, system } = scenarioOf({ expertsOnGpu }, 'none');
    const caps = { gpuBytes, pinnedBytes: 119 * 2 ** 30 };
    const { plan, report } = optimise(await planSearch(workload, system, undefined), caps);
    assert.ok(report.gpuPeakBytes <= gpuBytes && report.hostPinnedBytes <= caps.pinnedBytes);
    kept.push({
      bytes: plan.blocks.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
      stepS: report.stepTimeS,
    });
  }
  const [one, two] = kept as [(typeof kept)[0], (typeof kept)[0]];
  assert.ok(one.bytes > 1.5 * two.bytes, `${one.bytes} ${two.bytes}`);
  assert.ok(one.stepS <= two.stepS);
});

test.run();
