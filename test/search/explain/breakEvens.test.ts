import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { breakEven } from '../../../model/analytic/breakEven.ts';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { copyRates } from '../../../model/physics/rates.ts';
import { withComputeSpeed } from '../../../model/physics/variants/computeSpeed.ts';
import { withH2dLink } from '../../../model/physics/variants/h2dRate.ts';
import { foldedWindows } from '../../../model/plan/foldedWindows.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { FROM_FILE } from '../../../model/plan/recipe.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { Workload } from '../../../model/workload/workload.ts';
import { breakEvens } from '../../../search/explain/breakEvens.ts';
import { namedByContent } from '../../../search/planWords.ts';

const workloadOf = (model: string, size: string, sp: number) =>
  bindWorkload(loadDit(model), { size: parseSize(size), sp, cfg: 'none' });

/** What a plan costs over no offload on the same transport, as a share. */
function cost(workload: Workload, system: System, plan: Plan): number {
  const transport = plan.transport === 'none' ? undefined : plan.transport;
  const none = predictStep(workload, system, makePlan('none', workload, system, transport)).stepTimeS;
  return predictStep(workload, system, plan).stepTimeS / none - 1;
}

const CASES: [model: string, size: string, sp: number, machine: string, transport: string, plan: string][] = [
  ['wan2.1-t2v-14b', '832x480x81', 2, 'h200-x1-fitted', 'staged-sm', 'chunked'],
  ['wan2.1-t2v-14b', '832x480x81', 1, 'h200-x1-fitted', 'staged-sm', 'layerwise'],
  ['flux.1-dev', '1024x1024', 2, 'h200-x1-fitted', 'staged-sm', 'yield,resident=0.5'],
  ['wan2.1-t2v-14b', '832x480x81', 2, 'h100-pcie-x2', 'shm', 'chunked,resident=0.25'],
  ['wan2.2-ti2v-5b', '1280x704x121', 2, 'h200-x2', 'staged-copy', 'yield'],
];

const test = suite('break-even points of a plan');

for (const [model, size, sp, machine, transport, text] of CASES) {
  const workload = workloadOf(model, size, sp);
  const system = loadSystem(machine);
  // The same data everywhere, so that the points below are those of one plan.
  const plan = { ...makePlan(text, workload, system, sp > 1 ? transport : undefined), recipe: FROM_FILE };
  const found = breakEvens(workload, system, plan);
  const name = `${model} ${size} on ${machine}, ${sp} ranks: ${text}`;

  test(`${name}: 1 % at the link's rate, more below, less above`, () => {
    const factor = found.h2dBytesPerS! / copyRates(system, sp).h2d;
    const at = (times: number) => cost(workload, withH2dLink(system, factor * times, sp), plan);
    // A rate is found to a quarter of a per cent.
    assert.ok(at(1) <= 0.01 + 1e-9 && at(1) > 0.005, `${at(1)} at ${found.h2dBytesPerS}`);
    assert.ok(at(0.95) > 0.01, `${at(0.95)} below`);
    assert.ok(at(1.1) < at(1), `${at(1.1)} above`);
  });

  test(`${name}: 1 % at the speed of compute, more above, less below`, () => {
    const at = (times: number) => cost(workload, withComputeSpeed(system, found.computeSpeed! * times), plan);
    assert.ok(at(1) <= 0.01 + 1e-9 && at(1) > 0.005, `${at(1)} at ${found.computeSpeed}`);
    assert.ok(at(1.05) > 0.01, `${at(1.05)} above`);
    assert.ok(at(0.9) < at(1), `${at(0.9)} below`);
  });

  test(`${name}: in size as breakEven has them`, () => {
    const { tokens, frames, batch } = found;
    assert.equal({ tokens, frames, batch }, breakEven(workload, system, plan));
  });
}

test('a preset at every degree is made for it, data stay', () => {
  const system = loadSystem('h200-x1-fitted');
  const workload = workloadOf('wan2.1-t2v-14b', '832x480x81', 2);
  const preset = makePlan('yield', workload, system);
  for (const plan of [preset, { ...preset, recipe: FROM_FILE }]) {
    const { sp, spBeyond } = breakEvens(workload, system, plan);
    // 40 heads, and a mirrored peer that stands for any number of others.
    assert.equal(
      sp.map(({ degree }) => degree),
      [1, 2, 4, 5, 8, 10, 20, 40],
    );
    assert.equal(spBeyond, []);
    for (const { degree, hidden, stepTimeS, noneS } of sp) {
      const there = workloadOf('wan2.1-t2v-14b', '832x480x81', degree);
      const made = plan === preset ? makePlan('yield', there, system) : foldedWindows(plan, there);
      assert.is(stepTimeS, predictStep(there, system, made).stepTimeS, `${plan.recipe.by} ${degree}`);
      assert.is(noneS, predictStep(there, system, makePlan('none', there, system)).stepTimeS);
      assert.is(hidden, stepTimeS <= 1.01 * noneS);
    }
    assert.ok(sp[0]!.hidden && !sp.at(-1)!.hidden);
  }
});

test('a display name decides nothing', () => {
  const system = loadSystem('h200-x1-fitted');
  const workload = workloadOf('wan2.1-t2v-14b', '832x480x81', 2);
  const plan = makePlan('layerwise', workload, system);
  assert.equal(breakEvens(workload, system, { ...plan, name: 'none' }), breakEvens(workload, system, plan));
});

test('a preset that a search has chosen and named by its content is data', () => {
  const system = loadSystem('h200-x1-fitted');
  const workload = workloadOf('wan2.1-t2v-14b', '832x480x81', 2);
  const plan = makePlan('yield', workload, system);
  assert.equal(
    breakEvens(workload, system, namedByContent(plan, workload)),
    breakEvens(workload, system, { ...plan, recipe: FROM_FILE }),
  );
});

test('real GPUs hold as many ranks as there are', () => {
  const system = loadSystem('h100-pcie-x2');
  const flux = workloadOf('flux.1-dev', '1024x1024', 2);
  const { sp, spBeyond } = breakEvens(flux, system, makePlan('layerwise', flux, system));
  assert.equal(
    sp.map(({ degree }) => degree),
    [1, 2],
  );
  assert.equal(spBeyond, [3, 4, 6, 8, 12, 24]);
});

test('without offload there is nothing to break even', () => {
  const system = loadSystem('h100-pcie-x2');
  const flux = workloadOf('flux.1-dev', '1024x1024', 2);
  const found = breakEvens(flux, system, makePlan('none', flux, system));
  assert.is(found.h2dBytesPerS, null);
  assert.is(found.computeSpeed, null);
  assert.ok(found.sp.every(({ hidden }) => hidden));
});

test('nothing overlaps in a sequential plan, at any rate', () => {
  const system = loadSystem('h100-pcie-x2');
  const flux = workloadOf('flux.1-dev', '1024x1024', 1);
  const found = breakEvens(flux, system, makePlan('sequential', flux, system));
  assert.is(found.h2dBytesPerS, null);
  assert.is(found.sp[0]!.hidden, false);
});

test('bytes of windows that are not there go with the last one', () => {
  const system = loadSystem('h200-x1-fitted');
  const pair = workloadOf('flux.1-dev', '1024x1024', 2);
  const alone = workloadOf('flux.1-dev', '1024x1024', 1);
  const plan = makePlan('yield', pair, system);
  assert.equal(foldedWindows(plan, pair), plan);
  const sum = (bytes: readonly number[]) => bytes.reduce((a, b) => a + b, 0);
  for (const [index, { windowBytes }] of foldedWindows(plan, alone).blocks.entries()) {
    assert.is(windowBytes.length, 1);
    assert.is(windowBytes[0], sum(plan.blocks[index]!.windowBytes));
  }
});

test.run();
