import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closedForm } from '../../model/analytic/closedForm.ts';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { simulate } from '../../sim/simulate.ts';
import { stepBound } from '../support/stepBound.ts';

const streamedBytes = ({ blocks }: Plan, passes: number) =>
  passes * blocks.reduce((sum, { windowBytes }) => sum + windowBytes.reduce((a, b) => a + b, 0), 0);

const test = suite('the lower bound of a step');

const MODELS = [
  ['flux.1-dev', '1024x1024'],
  ['flux.1-dev', '512x512'],
  ['wan2.1-t2v-14b', '832x480x17'],
  ['hunyuanvideo-13b', '512x320x17'],
] as const;
const MACHINES = ['h200-x1-fitted', 'h100-pcie-x2', 'h200-x2', 'rtx5090-x2', 'a100-pcie-x2'] as const;
const PRESETS = ['layerwise', 'layerwise-drain', 'chunked', 'yield', 'paced', 'chunkflow-paper'];

const random = xoroshiro128plus(11);
const pick = <T>(values: readonly T[]): T => values[uniformInt(random, 0, values.length - 1)]!;

// Chunks that share a link with several GPUs, and a clock that both roads round, leave it this little room.
const ROUNDING = 2e-3;

for (let index = 0; index < 120; index += 1) {
  const [model, size] = pick(MODELS);
  const system = loadSystem(pick(MACHINES));
  const workload = bindWorkload(withBlocks(loadDit(model), 8), {
    size: parseSize(size),
    sp: pick([1, 2]),
    cfg: 'none',
  });
  const transport = workload.ranks > 1 ? pick(system.transports).name : undefined;
  const text = `${pick(PRESETS)},chunk=${pick(['4MiB', '16MiB', '64MiB'])},resident=${pick([0, 0.3, 0.7])}`;
  test(`${index}: ${model} ${size} on ${system.id}, ${workload.ranks} ranks over ${transport}: ${text}`, () => {
    const plan = makePlan(text, workload, system, transport);
    const bound = stepBound(workload, system, streamedBytes(plan, workload.passes), transport);
    const { stepTimeS } = simulate(workload, system, plan, { breakEven: false }).report;
    const least = bound.stepTimeS * (1 - ROUNDING);
    assert.ok(stepTimeS >= least, `simulated ${stepTimeS}, bound ${bound.stepTimeS}`);
    assert.ok(predictStep(workload, system, plan).stepTimeS >= least, 'closed form');
  });
}

const flux = bindWorkload(loadDit('flux.1-dev'), { size: parseSize('1024x1024'), sp: 2, cfg: 'none' });
const h100 = loadSystem('h100-pcie-x2');

test('without anything to stream it is the step of no offload', () => {
  const none = predictStep(flux, h100, makePlan('none', flux, h100));
  const bound = stepBound(flux, h100, 0);
  assert.ok(Math.abs(bound.stepTimeS / none.stepTimeS - 1) < 1e-9);
  assert.is(bound.linkS, 0);
});

test('it grows with what is streamed, at most by the copy itself', () => {
  const sizes = [0, 1, 2, 4, 8, 16, 32, 64].map((gigabytes) => gigabytes * 1e9);
  const bounds = sizes.map((bytes) => stepBound(flux, h100, bytes).stepTimeS);
  for (const [index, bound] of bounds.entries()) {
    if (index === 0) continue;
    assert.ok(bound >= bounds[index - 1]!);
    assert.ok(bound - bounds[index - 1]! <= (sizes[index]! - sizes[index - 1]!) / 20e9);
  }
});

test('far beyond what compute and collectives hide, the link is what counts', () => {
  const bytes = 1e12;
  const { stepTimeS } = stepBound(flux, h100, bytes);
  const streamed = closedForm(flux, h100, makePlan('chunked', flux, h100)).prefetchS;
  const whole = streamedBytes(makePlan('chunked', flux, h100), flux.passes);
  assert.ok(stepTimeS > 0.95 * streamed * (bytes / whole));
});

test.run();
