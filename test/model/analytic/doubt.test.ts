import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { covers, type Doubt, doubtOf } from '../../../model/analytic/doubt.ts';
import { predictedStepS } from '../../../model/analytic/stepReport.ts';
import type { Plan } from '../../../model/plan/plan.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { FILES } from '../../../model/scenario/files.ts';
import { modelScenario } from '../../../model/scenario/scenario.ts';
import { chosenTransport } from '../../../model/system/transport.ts';

type Asked = Partial<Parameters<typeof modelScenario>[0]> & { plan?: string[] };

function doubt(asked: Asked): { stepS: number; doubt: Doubt; plan: Plan } {
  const flags = { model: 'wan2.1-t2v-14b', size: '832x480x81', machine: 'h200-x2', plan: ['none'], ...asked };
  const { workload, system, plans } = modelScenario(flags as Parameters<typeof modelScenario>[0], FILES);
  const plan = plans[0]!;
  const none = makePlan('none', workload, system, chosenTransport(plan));
  return {
    stepS: predictedStepS(workload, system, plan),
    doubt: doubtOf(workload, system, plan, none),
    plan,
  };
}

function wide([low, high]: readonly [number, number]): number {
  return high / low;
}

const test = suite('doubt');

/** Public steps on machines whose compute is a default, with kernels that nobody measured here. */
for (const [what, asked, publishedS] of [
  [
    'HunyuanVideo with FlashAttention 2',
    { model: 'hunyuanvideo-13b', size: '1280x720x129', machine: 'h100-sxm-x1', sp: 1 },
    38.1,
  ],
  [
    'FLUX.2 over NVLink',
    {
      ...{ model: 'flux.2-dev', size: '1024x1024', machine: 'h100-sxm-x2' },
      ...{ sp: 1, tp: 2, transport: 'nvlink' },
    },
    0.37,
  ],
  ['FLUX.1 eager', { model: 'flux.1-dev', size: '1024x1024', machine: 'h100-sxm-x1', sp: 1 }, 0.154],
] as const) {
  test(`the interval covers ${what}`, () => {
    const { stepS, doubt: found } = doubt(asked);
    assert.not.ok(Math.abs(stepS / publishedS - 1) < 0.1, 'a case that needs no interval proves nothing');
    assert.ok(covers(found.step, stepS, publishedS), `${found.step.map((factor) => factor * stepS)}`);
    assert.is(found.decides, 'kernels');
    assert.is(found.number?.from, 'default');
    assert.match(found.number!.key, /^gpu\.efficiency\.(gemm|attention)$/);
  });
}

/** Eager blocks of diffusers with cuDNN's attention, of experiments/attach/one-gpu, on a machine whose compiled kernels were measured. */
for (const [model, asked, measuredS] of [
  ['wan2.1-t2v-14b', { size: '832x480x17', cfg: 'none', blocks: 10 }, 0.1341],
  ['flux.1-dev', { size: '1024x1024', blocks: 12 }, 0.0377],
] as const) {
  test(`of eager ${model} on a fitted machine covers what was measured`, () => {
    const { stepS, doubt: found } = doubt({ model, machine: 'h200-x1-fitted', sp: 1, eager: true, ...asked });
    assert.ok(covers(found.step, stepS, measuredS), `${found.step.map((factor) => factor * stepS)}`);
    assert.is(found.decides, 'kernels');
    const compiled = doubt({ model, machine: 'h200-x1-fitted', sp: 1, ...asked });
    assert.is(compiled.doubt.kernels, null);
    assert.not.ok(covers(compiled.doubt.step, compiled.stepS, measuredS), 'eager says something');
  });
}

test('what is said of kernels narrows the interval, and eager work is at best as fast as compiled', () => {
  const asked = { machine: 'h100-sxm', sp: 1 } as const;
  const none = doubt(asked).doubt;
  const eager = doubt({ ...asked, eager: true });
  const both = doubt({ ...asked, eager: true, attention: 'flash-attention-3' }).doubt;
  const attention = doubt({ ...asked, attention: 'flash-attention-3' }).doubt;
  const slowest = ({ kernels }: Doubt) => kernels![0];
  assert.ok(slowest(none) < slowest(eager.doubt) && slowest(none) < slowest(attention));
  assert.ok(slowest(eager.doubt) < slowest(both) && slowest(attention) < slowest(both));
  assert.ok(eager.doubt.step[0] * eager.stepS <= doubt(asked).stepS * 1.001);
});

test('of a fitted machine is narrow, and never narrower than what the model was off by', () => {
  for (const machine of ['h200-x1-fitted', 'h200-x2-fitted']) {
    const { doubt: found } = doubt({ machine });
    assert.ok(wide(found.step) < 1.2, `${machine}: ${found.step}`);
    assert.ok(found.step[0] <= 1 / 1.028 && found.step[1] >= 1.028, `${machine}: ${found.step}`);
    assert.is(found.decides, 'model');
    assert.is(found.number, null);
  }
});

test('numbers that are set by hand are sure, and the rest decides', () => {
  const unsure = doubt({ machine: 'h100-sxm-x8', plan: ['layerwise'], size: '832x480x17' }).doubt;
  const surer = doubt({
    ...{ machine: 'h100-sxm-x8', plan: ['layerwise'], size: '832x480x17' },
    set: [
      'gpu.copyEngine.h2d=55 GB/s',
      ...['gpu0', 'gpu1', 'gpu2', 'gpu3'].map((gpu) => `tree.${gpu}.down=55 GB/s`),
      'tree.socket0.down=100 GB/s',
    ],
  }).doubt;
  assert.ok(wide(surer.step) < wide(unsure.step), `${surer.step} ${unsure.step}`);
});

test('the number that decides is none that was set by hand', () => {
  const asked = { machine: 'rtx-4090', model: 'flux.1-dev', size: '1024x1024', plan: ['layerwise'] };
  const slow = doubt({ ...asked, pcie: '3x8' }).doubt;
  assert.is(slow.decides, 'h2d');
  assert.is(slow.number!.key, 'gpu.copyEngine.h2d');
  const set = doubt({ ...asked, pcie: '3x8', set: ['gpu.copyEngine.h2d=6 GB/s'] }).doubt;
  assert.is(set.decides, 'h2d');
  assert.is(set.number!.key, 'tree.gpu0.down');
  assert.ok(wide(set.step) < wide(slow.step));
});

test('a ratio to no offload is surer than the step where compute is what nobody knows', () => {
  const { doubt: found } = doubt({
    machine: 'h100-sxm-x1',
    plan: ['yield'],
    size: '1280x720x81',
    sp: 1,
  });
  assert.ok(wide(found.step) > 1.8);
  assert.ok(wide(found.versusNone) < 1.2, `${found.versusNone}`);
});

test('no offload is no slower than itself, whatever is unknown', () => {
  const { doubt: found } = doubt({ machine: 'h100-sxm-x8', plan: ['none'] });
  assert.equal(found.versusNone, [1, 1]);
});

test('streaming that the link limits is decided by the link', () => {
  const { doubt: found, plan } = doubt({
    machine: 'rtx5090-x1',
    model: 'qwen-image-20b',
    size: '256x256',
    plan: ['layerwise'],
  });
  assert.is(found.decides, 'h2d', plan.name);
  assert.ok(found.share > 0.5 && found.share <= 1);
  assert.match(found.number!.key, /h2d|down/);
});

test('lies around the prediction', () => {
  for (const machine of ['h200-x2', 'h100-pcie-x4', 'a100-pcie-x2', 'h200-x1-colocated', 'host-x2'])
    for (const plan of ['none', 'layerwise', 'yield,resident=0.3']) {
      const { doubt: found } = doubt({ machine, plan: [plan], size: '416x240x17' });
      for (const [low, high] of [found.step, found.versusNone])
        assert.ok(low > 0.2 && low <= 1 && high >= 1 && high < 5, `${machine} ${plan}: ${low} ${high}`);
      assert.ok(found.step[0] < 1 && found.step[1] > 1);
    }
});

test.run();
