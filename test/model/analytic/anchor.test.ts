import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { anchoredSystem, withAnchorSpeeds } from '../../../model/analytic/anchor.ts';
import { doubtOf } from '../../../model/analytic/doubt.ts';
import { predictedStepS, predictStep } from '../../../model/analytic/stepReport.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { UserError } from '../../../model/input/userError.ts';
import { withClassSpeeds } from '../../../model/physics/variants/computeSpeed.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { runCli } from '../../support/runCli.ts';

const WAN = loadDit('wan2.1-t2v-1.3b');
const SMALL = '480x320x33';
const LARGE = '832x480x81';
const at = (size: string, sp: number) => bindWorkload(WAN, { size: parseSize(size), sp });

const test = suite('a machine anchored to a measured step');

interface Case {
  machine: string;
  sp: number;
  plan: string;
  /** What was measured, as a factor on what the file predicts. */
  times: number;
}

const CASES: Case[] = [
  { machine: 'h100-sxm-x1', sp: 1, plan: 'none', times: 1.63 },
  { machine: 'rtx-4090', sp: 1, plan: 'none', times: 0.9 },
  { machine: 'h200-x2', sp: 2, plan: 'none', times: 1.4 },
  { machine: 'h200-x2', sp: 2, plan: 'layerwise', times: 1.2 },
  { machine: 'h200-x2', sp: 2, plan: 'none,transport=staged-copy', times: 1.3 },
  { machine: 'h200-x2-fitted', sp: 2, plan: 'yield', times: 3 },
];

for (const { machine, sp, plan: text, times } of CASES) {
  test(`${machine}, ${text}, ${times} times: the step is met, by all speeds that it leaves open`, () => {
    const system = loadSystem(machine);
    const workload = at(SMALL, sp);
    const plan = makePlan(text, workload, system);
    const stepS = times * predictedStepS(workload, system, plan);
    const anchored = anchoredSystem(system, { workload, plan, stepS, collectiveS: null, size: SMALL });
    const near = (there: System) => Math.abs(predictedStepS(workload, there, plan) / stepS - 1);
    assert.ok(near(anchored) < 1e-5, `${near(anchored)}`);
    const { others, transport } = anchored.anchor!;
    assert.is(transport, sp === 2 && !text.includes('staged') ? 'shm' : null);
    assert.ok(others.length >= 2);
    for (const speeds of others) assert.ok(near(withAnchorSpeeds(anchored, speeds)) < 1e-5);
    // Copies are nobody's business here.
    assert.equal(anchored.gpu.copyEngine, system.gpu.copyEngine);
    assert.equal(anchored.tree, system.tree);
  });
}

test('collectives that were measured have a factor of their own', () => {
  const system = loadSystem('h200-x2');
  const workload = at(SMALL, 2);
  const plan = makePlan('none', workload, system);
  const before = predictStep(workload, system, plan);
  const collectiveS = 1.5 * before.collectiveS;
  const stepS = collectiveS + 1.1 * before.computeS;
  const anchored = anchoredSystem(system, { workload, plan, stepS, collectiveS, size: SMALL });
  const after = predictStep(workload, anchored, plan);
  assert.ok(Math.abs(after.collectiveS / collectiveS - 1) < 1e-5);
  assert.ok(Math.abs(after.computeS / (1.1 * before.computeS) - 1) < 1e-4);
  assert.is(
    anchored.transports.find(({ name }) => name === 'staged-copy'),
    system.transports.find(({ name }) => name === 'staged-copy'),
  );
});

test('whichever kernels are slower, other plans and sizes lie in the interval, which widens with the distance', () => {
  const system = loadSystem('h100-sxm-x1');
  for (const [gemm, attention, elementwise] of [
    [0.95, 0.6, 0.9],
    [0.6, 0.95, 0.9],
    [0.75, 0.75, 0.5],
  ] as const) {
    const truth = withClassSpeeds(system, { gemm, attention, elementwise });
    const workload = at(SMALL, 1);
    const none = makePlan('none', workload, truth);
    const measured = {
      workload,
      plan: none,
      stepS: predictedStepS(workload, truth, none),
      collectiveS: null,
    };
    const anchored = anchoredSystem(system, { ...measured, size: SMALL });
    const widths = [SMALL, LARGE].map((size) => {
      const there = at(size, 1);
      for (const text of ['none', 'layerwise', 'chunked,resident=0.5']) {
        const plan = makePlan(text, there, system);
        const isS = predictedStepS(there, truth, plan);
        const saidS = predictedStepS(there, anchored, plan);
        const [low, high] = doubtOf(there, anchored, plan, makePlan('none', there, system)).step;
        assert.ok(
          isS >= low * saidS && isS <= high * saidS,
          `${size} ${text}: ${isS / saidS} of ${low} to ${high}`,
        );
      }
      const plan = makePlan('none', there, system);
      const [low, high] = doubtOf(there, anchored, plan, plan).step;
      return high / low;
    });
    assert.ok(widths[1]! > widths[0]!, `${widths}`);
    const plan = makePlan('none', workload, system);
    const [low, high] = doubtOf(workload, system, plan, plan).step;
    assert.ok(widths[0]! < high / low / 1.5, 'surer than without');
  }
});

test('numbers that were moved say what moved them', () => {
  const system = loadSystem('h200-x2');
  const workload = at(SMALL, 2);
  const plan = makePlan('none', workload, system);
  const stepS = 1.2 * predictedStepS(workload, system, plan);
  const { provenance } = anchoredSystem(system, { workload, plan, stepS, collectiveS: null, size: SMALL });
  const moved = provenance.filter(({ source }) => source.startsWith('a step of none that took '));
  assert.ok(moved.some(({ key }) => key === 'gpu.efficiency.gemm'));
  assert.ok(moved.some(({ key }) => key === 'transports.shm.all-to-all.rate'));
  assert.ok(moved.every(({ from, key }) => from === 'measured' && !key.startsWith('transports.nvlink')));
});

test('a step that no compute explains is refused', () => {
  const system = loadSystem('h100-sxm-x1');
  const workload = at(SMALL, 1);
  const measured = { workload, collectiveS: null, size: SMALL };
  const plan = (text: string) => makePlan(text, workload, system);
  const refused = (text: string, stepS: number, says: RegExp) =>
    assert.throws(
      () => anchoredSystem(system, { ...measured, plan: plan(text), stepS }),
      (error: Error) => error instanceof UserError && says.test(error.message),
    );
  refused('layerwise', 1e-3, /^--measured layerwise=1 ms: with no compute at all a step would take /);
  refused('none', 0.3 * predictedStepS(workload, system, plan('none')), /times the peak of/);
});

const SCENARIO = ['--model', 'wan2.1-t2v-1.3b', '--size', SMALL, '--machine', 'h100-sxm-x1', '--sp', '1'];

test('predict, simulate and plan take it, for another size too, and say so', async () => {
  for (const command of ['predict', 'simulate', 'plan']) {
    const { code, stdout, stderr } = await runCli([
      ...[command, ...SCENARIO, '--measured', 'none=100ms', '--json'],
      ...(command === 'plan' ? ['--nominal'] : ['--plan', 'none']),
    ]);
    assert.is(code, 0, stderr);
    const document = JSON.parse(stdout);
    assert.is(document.machine.anchor.stepS, 0.1);
    const none = command === 'plan' ? document.compared[0] : document.plans[0];
    assert.ok(Math.abs(none.stepTimeS / 0.1 - 1) < 2e-3, `${command}: ${none.stepTimeS}`);
  }
  const asked = ['--measured', 'none=2s', '--measured-size', LARGE, '--plan', 'none'];
  const { code, stdout, stderr } = await runCli(['predict', ...SCENARIO, ...asked]);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^measured: none takes 2,000 ms at 832x480x81, so compute takes \d\.\d\d times/m);
});

const MISTAKES: [flags: string[], says: RegExp][] = [
  [
    ['--measured', 'none'],
    /^error: --measured "none": expected a plan and the time of its step, such as none=4602ms\n$/,
  ],
  [['--measured', 'none=fast'], /^error: --measured: expected a time such as none=4602ms, got "fast"\n$/],
  [['--measured', 'none=0s'], /^error: --measured: expected a time above 0 .*, got "0s"\n$/],
  [['--measured', 'nothing=1s'], /^error: --plan "nothing": is no preset/],
  [['--measured-size', LARGE], /^error: --measured-size: of which step\? give --measured/],
  [['--measured-collectives', '1s'], /^error: --measured-collectives: of which step\?/],
  [
    ['--measured', 'none=1s', '--measured-collectives', '1ms'],
    /^error: --measured-collectives 1ms: one rank has none/,
  ],
];

for (const [flags, says] of MISTAKES)
  test(`${flags.join(' ')} is refused in a line`, async () => {
    const { code, stdout, stderr } = await runCli(['predict', ...SCENARIO, ...flags]);
    assert.is(code, 2);
    assert.is(stdout, '');
    assert.match(stderr, says);
  });

test.run();
