import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { breakEven } from '../../../model/analytic/breakEven.ts';
import { closedForm } from '../../../model/analytic/closedForm.ts';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { rowsAt, tokensOfFrames } from '../../../model/dit/tokens.ts';
import { powerOf, stepEnergyJ, stepPowerW } from '../../../model/physics/power.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindRows, bindWorkload, rebound } from '../../../model/workload/bind.ts';
import type { Workload } from '../../../model/workload/workload.ts';

const points = suite('break-even points');
const system = loadSystem('h100-pcie-x2');

/** Seconds of a step with a plan, over seconds without offload. */
function ratio(workload: Workload, plan: string): number {
  const stepS = (text: string) => predictStep(workload, system, makePlan(text, workload, system)).stepTimeS;
  return stepS(plan) / stepS('none');
}

for (const id of ['wan2.2-ti2v-5b', 'flux.1-dev']) {
  const dit = loadDit(id);
  const size = dit.referenceSize;
  const workload = bindWorkload(dit, { size });
  const { layout } = workload;
  const at = (x: number, batch = 1) =>
    bindRows(dit, { ...rowsAt(dit, x), t: workload.textRows }, { size, batch, cfg: layout.cfg });

  for (const plan of ['layerwise', 'chunked,resident=0.3']) {
    const found = breakEven(workload, system, makePlan(plan, workload, system));

    points(`${id}, ${plan}: hidden at the tokens, not below`, () => {
      const tokens = found.tokens!;
      assert.ok(tokens > 256 && tokens < 1e6, `${tokens}`);
      assert.ok(ratio(at(tokens), plan) <= 1.01, `${ratio(at(tokens), plan)}`);
      assert.ok(ratio(at(tokens * 0.997), plan) > 1.01, `${ratio(at(tokens * 0.997), plan)}`);
      // And plainly so further off.
      assert.ok(ratio(at(tokens * 0.5), plan) > 1.2, `${ratio(at(tokens * 0.5), plan)}`);
      assert.ok(ratio(at(tokens * 2), plan) <= 1.01);
    });

    points(`${id}, ${plan}: hidden at the batch, not below`, () => {
      const batch = found.batch!;
      assert.ok(ratio(at(workload.tokens, batch), plan) <= 1.01);
      assert.ok(ratio(at(workload.tokens, batch * 0.997), plan) > 1.01);
    });

    points(`${id}, ${plan}: frames have the tokens' answer, images have none`, () => {
      if (dit.modality === 'image') {
        assert.is(found.frames, null);
        return;
      }
      const tokens = tokensOfFrames(dit, size, found.frames!);
      assert.ok(Math.abs(tokens / found.tokens! - 1) < 0.005, `${tokens} and ${found.tokens}`);
    });
  }

  points(`${id}: all resident has no break-even`, () => {
    for (const plan of ['none', 'chunked,resident=1', 'layerwise,resident-layers=1000']) {
      const text = plan.replace('1000', String(workload.blocks.length));
      assert.equal(breakEven(workload, system, makePlan(text, workload, system)), {
        tokens: null,
        frames: null,
        batch: null,
      });
    }
  });
}

points('on one GPU it is where a block computes as long as it is copied', () => {
  // Wan2.2-TI2V-5B on one GPU that moves 10 GB/s and computes 1e14 FLOP/s whatever the class, with no power cap, start-up
  // or gap: `layerwise` is hidden from where the shortest block's compute is its copy, and within 1 % a little below.
  const gpu = {
    ...system.gpu,
    peakFlops: 1e14,
    hbmBytesPerS: 1e18,
    efficiency: { gemm: 1, attention: 1, elementwise: 1 },
    launchFloorS: 0,
    power: null,
    copyEngine: { ...system.gpu.copyEngine, h2dBytesPerS: 1e10, startUpS: 0, gapS: 0 },
  };
  const simple = { ...system, gpu };
  const dit = loadDit('wan2.2-ti2v-5b');
  const workload = bindWorkload(dit, { size: dit.referenceSize, cfg: 'none' });
  const { tokens } = breakEven(workload, simple, makePlan('layerwise', workload, simple));
  // d = 3072, f = 14336, 512 text rows: per token 2 x (6 d^2 + 2 d f) FLOPs (QKV, output, cross Q and output, MLP) and
  // 4 x tokens x d + 4 x 512 x d for the two attentions; per text row 2 x 2 d^2.
  const d = 3072;
  const f = 14_336;
  const flops = (x: number) => x * (12 * d * d + 4 * d * f + 4 * x * d + 4 * 512 * d) + 512 * 4 * d * d;
  const copyS = workload.blocks[0]!.weightBytes / 1e10;
  // All blocks are alike, so a step is blocks x max(compute, copy): 1 % longer at copy = 1.01 x compute.
  const computeS = flops(tokens!) / 1e14;
  assert.ok(
    Math.abs((1.01 * computeS) / copyS - 1) < 0.002,
    `${computeS} s of compute, ${copyS} s of copying`,
  );
});

const capped = loadSystem('h100-sxm-x2');

/** Seconds of a step at the highest clock, not rounded, whose power is within the cap: by halving, a walk each. */
function unroundedStepS(workload: Workload, text: string): number {
  const plan = makePlan(text, workload, capped);
  const power = powerOf(workload, capped)!;
  const stepAt = (clock: number) => closedForm(workload, capped, plan, clock).stepTimeS;
  const fits = (clock: number) =>
    stepPowerW(power, stepEnergyJ(workload, power), clock, stepAt(clock)) <= power.capW;
  if (fits(1)) return stepAt(1);
  let [low, high] = [power.minClock, 1];
  for (let round = 0; round < 32; round += 1) {
    const middle = (low + high) / 2;
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return stepAt(low);
}

for (const id of ['wan2.1-t2v-14b', 'qwen-image-20b']) {
  points(
    `${id}: are where steps at clocks that are not rounded differ by 1 %, to a twentieth of a per cent`,
    () => {
      const dit = loadDit(id);
      const size = dit.referenceSize;
      const workload = bindWorkload(dit, { size, sp: 2 });
      const at = (x: number) => rebound(workload, { ...rowsAt(dit, x, size.frames), t: workload.textRows });
      for (const text of ['layerwise', 'chunked', 'yield', 'yield,resident=0.3']) {
        const { tokens } = breakEven(workload, capped, makePlan(text, workload, capped));
        const over = (x: number) => unroundedStepS(at(x), text) / unroundedStepS(at(x), 'none') / 1.01 - 1;
        assert.ok(over(tokens!) < 1e-7, `${text}: ${over(tokens!)} at ${tokens} tokens`);
        assert.ok(
          over(tokens! / 1.00051) > -1e-7,
          `${text}: ${over(tokens! / 1.00051)} below ${tokens} tokens`,
        );
      }
    },
  );
}

points.run();
