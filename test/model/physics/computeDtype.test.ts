import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { COMPUTE_DTYPES, type ComputeDtype, SEGMENT_CLASSES } from '../../../model/dit/kinds.ts';
import { loadDit } from '../../../model/dit/load.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { UserError } from '../../../model/input/userError.ts';
import { parseYaml } from '../../../model/input/yamlFile.ts';
import { segmentTimeS } from '../../../model/physics/compute.ts';
import { stepEnergyJ } from '../../../model/physics/power.ts';
import { presetPlan } from '../../../model/presets/presets.ts';
import { buildSystem, loadSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { unknownsOf } from '../../../model/system/unknowns.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { type ComputeMode, USUAL_COMPUTE } from '../../../model/workload/computeMode.ts';
import type { BoundWorkload, ComputeSegment } from '../../../model/workload/workload.ts';
import { sensitivities } from '../../../search/explain/sensitivity/sensitivities.ts';
import { simulate } from '../../../sim/simulate.ts';
import { runCli } from '../../support/runCli.ts';

const FILE = readFileSync(join(packageRoot, 'model', 'systems', 'h200-x1.yaml'), 'utf8');
const PEAK = '  peak: {is: 989 TFLOP/s, from: datasheet, source: dense bf16}\n';
const GEMM = '    gemm: {is: 0.828, from: fitted, source: "8190 x 5120 x 13824 GEMM at four duties"}\n';
const PEAKS =
  '  peak: {bf16: {is: 989 TFLOP/s, from: datasheet}, fp8: {is: 1978 TFLOP/s, from: datasheet}, int8: {is: 1978 TFLOP/s, from: datasheet}}\n';
const KERNELS = `  attentionKernels:
    flash-attention-2: {dtype: bf16, efficiency: {is: 0.356, from: published}}
    sage-attention-2: {dtype: int8, efficiency: {is: 0.712, from: published}}
`;

/** The H200 with lines of its file replaced. */
function h200(...changes: [from: string, to: string][]): System {
  let text = FILE;
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), from);
    text = text.replace(from, to);
  }
  return buildSystem(parseYaml('mine.yaml', text));
}
const withPeaks = h200([PEAK, PEAKS + KERNELS]);
/** Without a power law, whose clock would answer to the rate. */
const cool = (system: System): System => ({ ...system, gpu: { ...system.gpu, power: null } });

const dit = loadDit('wan2.1-t2v-14b');
const SIZE = { width: 832, height: 480, frames: 33 };
const workloadIn = (mode: Partial<ComputeMode>): BoundWorkload =>
  bindWorkload(dit, { size: SIZE, compute: { ...USUAL_COMPUTE, ...mode } });
const usual = workloadIn({});
const computeOf = ({ blocks }: BoundWorkload): ComputeSegment[] =>
  blocks[0]!.segments.flatMap((segment) => (segment.kind === 'compute' ? [segment] : []));
const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value / expected - 1) < 1e-9, `expected ${expected}, got ${value}`);

const test = suite('compute by dtype and kernel');

test('a dtype of twice the peak halves the arithmetic of matrix products and nothing else', () => {
  const { gpu } = withPeaks;
  const fp8 = computeOf(workloadIn({ dtype: 'fp8' }));
  for (const [index, segment] of computeOf(usual).entries()) {
    const [before, after] = [segmentTimeS(segment, gpu), segmentTimeS(fp8[index]!, gpu)];
    const isProduct = segment.class === 'gemm' && segment.flops > 1e12;
    assert.is(after < before, segment.class === 'gemm', segment.name);
    if (isProduct) near(after, before / 2);
  }
  // Bytes of the weights are their storage's.
  assert.is(workloadIn({ dtype: 'fp8' }).blocks[0]!.weightBytes, usual.blocks[0]!.weightBytes);
});

test('one number is that of bf16', () => {
  const { gpu } = h200([PEAK, '  peak: {bf16: {is: 989 TFLOP/s, from: datasheet}}\n']);
  assert.equal(gpu, loadSystem('h200-x1').gpu);
});

test('a dtype without an efficiency reaches the fraction of bf16, and one with its own that', () => {
  const own = h200(
    [PEAK, PEAKS],
    [GEMM, '    gemm: {bf16: {is: 0.8, from: fitted}, fp8: {is: 0.6, from: fitted}}\n'],
  );
  const product = (dtype: ComputeDtype, { gpu }: System) =>
    segmentTimeS(
      { class: 'gemm', flops: 1e15, bytes: 0, kernels: 1, ...(dtype !== 'bf16' && { dtype }) },
      gpu,
    );
  near(product('bf16', own), 1e15 / (0.8 * 989e12));
  near(product('fp8', own), 1e15 / (0.6 * 1978e12));
  near(product('int8', own), 1e15 / (0.8 * 1978e12));
  near(product('fp16', own), 1e15 / (0.8 * 989e12));
});

test('an attention kernel has its own dtype and efficiency', () => {
  const { gpu } = withPeaks;
  const tiled = { ...gpu, attentionTiles: null };
  const attention = (mode: Partial<ComputeMode>) =>
    segmentTimeS(computeOf(workloadIn(mode)).find(({ class: of }) => of === 'attention')!, tiled);
  near(attention({ attention: 'flash-attention-2' }), 2 * attention({}));
  near(attention({ attention: 'sage-attention-2' }), attention({}) / 2);
});

test('--set gives a machine the number of another dtype, or of its host', () => {
  const set = loadSystem('h200-x1', [
    'gpu.peak.fp8=1978 TFLOP/s',
    'gpu.efficiency.gemm.fp8=0.621',
    'host.eagerLaunch=5 us',
  ]);
  near(set.gpu.compute.gemm.fp8!.rate, (2 * 0.621) / 0.828);
  assert.is(set.gpu.peakFlops, loadSystem('h200-x1').gpu.peakFlops);
  near(set.host.eagerLaunchS!, 5e-6);
  assert.is(set.provenance.find(({ key }) => key === 'gpu.peak.fp8')!.source, 'set by hand');
  assert.is(loadSystem('rtx-4090', ['gpu.peak.fp8=300 TFLOP/s']).gpu.compute.gemm.fp8!.peak, 300 / 165.2);
  for (const [override, message] of [
    ['gpu.peak.fp7=1 TFLOP/s', /there is no "fp7" here/],
    ['gpu.peak.fp8=1 GB/s', /^--set gpu\.peak\.fp8=1 GB\/s: gpu\.peak\.fp8\.is: expected a compute rate/],
    ['gpu.efficiency.gemm.fp8=0.5', /gpu\.efficiency\.gemm\.fp8: of what\? give gpu\.peak its fp8/],
    ['gpu.memory.fp8=1 GB', /there is no "fp8" here/],
    ['host.eagerLunch=5 us', /there is no "eagerLunch" here/],
  ] as const)
    assert.throws(
      () => loadSystem('h200-x1', [override]),
      (error: Error) => error instanceof UserError && message.test(error.message),
      override,
    );
});

test('energy of a FLOP falls as the peak rises', () => {
  const power = withPeaks.gpu.power!;
  const [before, after] = [stepEnergyJ(usual, power), stepEnergyJ(workloadIn({ dtype: 'fp8' }), power)];
  for (const of of SEGMENT_CLASSES) near(after[of], before[of] / (of === 'gemm' ? 2 : 1));
});

test('sensitivities and simulator follow the law', () => {
  const system = cool(withPeaks);
  const workload = workloadIn({ dtype: 'fp8', attention: 'sage-attention-2' });
  const none = presetPlan('none', workload, system);
  const { stepTimeS } = predictStep(workload, system, none);
  near(simulate(workload, system, none, { breakEven: false }).report.stepTimeS, stepTimeS);
  assert.ok(stepTimeS < predictStep(usual, system, none).stepTimeS * 0.6);
  const peak = sensitivities(workload, system, none).find(({ parameter }) => parameter === 'peak compute');
  const faster: System = {
    ...system,
    gpu: { ...system.gpu, peakFlops: system.gpu.peakFlops * (1 + 1e-6) },
  };
  const slope = (predictStep(workload, faster, none).stepTimeS / stepTimeS - 1) / 1e-6;
  assert.ok(Math.abs(peak!.elasticity - slope) < 1e-3, `${peak!.elasticity} against ${slope}`);
});

const REFUSED: [what: string, mode: Partial<ComputeMode>, message: RegExp][] = [
  ...COMPUTE_DTYPES.filter((dtype) => !['bf16', 'fp16'].includes(dtype)).map(
    (dtype): [string, Partial<ComputeMode>, RegExp] => [
      dtype,
      { dtype },
      new RegExp(`^--compute-dtype ${dtype}: .* H200 .*known are bf16, fp16; .*gpu\\.peak\\.${dtype}`),
    ],
  ),
  ['an attention kernel', { attention: 'cudnn' }, /^--attention cudnn: .*H200; known are none; /],
];
for (const [what, mode, message] of REFUSED) {
  test(`${what} that the machine has no number of is refused by name`, () => {
    const workload = workloadIn(mode);
    const system = loadSystem('h200-x1');
    assert.throws(
      () => predictStep(workload, system, presetPlan('none', workload, system)),
      (error: Error) => error instanceof UserError && message.test(error.message),
    );
  });
}

const WRONG: [what: string, changes: [string, string][], message: RegExp][] = [
  [
    'an efficiency above 1',
    [[GEMM, '    gemm: {is: 1.4, from: fitted}\n']],
    /gpu\.efficiency\.gemm\.is: expected at most 1, got 1\.4: .*--compute-dtype/,
  ],
  [
    'an attention efficiency above 1',
    [['attention: {is: 0.712,', 'attention: {is: 1.7,']],
    /gpu\.efficiency\.attention\.is: expected at most 1, got 1\.7: .*--attention/,
  ],
  [
    'an efficiency of a dtype without a peak',
    [[GEMM, '    gemm: {bf16: {is: 0.8, from: fitted}, fp4: {is: 0.6, from: fitted}}\n']],
    /gpu\.efficiency\.gemm\.fp4: .*give gpu\.peak its fp4/,
  ],
  [
    'a kernel of a dtype without a peak',
    [[PEAK, PEAK + KERNELS]],
    /gpu\.attentionKernels\.sage-attention-2\.dtype: the GPU has no peak of int8/,
  ],
  [
    'a dtype that nobody knows',
    [[PEAK, '  peak: {bf16: {is: 989 TFLOP/s, from: datasheet}, fp7: {is: 1 TFLOP/s, from: default}}\n']],
    /gpu\.peak/,
  ],
];
for (const [what, changes, message] of WRONG) {
  test(`${what} is refused in its place`, () => {
    assert.throws(
      () => h200(...changes),
      (error: Error) =>
        error instanceof UserError && message.test(error.message) && error.place?.line !== undefined,
    );
  });
}

test('efficiencies of several dtypes count as compute that is not known exactly', () => {
  const own = h200(
    [PEAK, PEAKS],
    [GEMM, '    gemm: {bf16: {is: 0.8, from: default}, fp8: {is: 0.6, from: default}}\n'],
  );
  const compute = unknownsOf(own).find(({ direction }) => direction === 'compute')!;
  assert.ok(compute.interval[1] > 1.05);
});

test.run();

const eager = suite('eager launches');

eager('no step is shorter than the host takes to launch it, with or without streaming', () => {
  const small = bindWorkload(loadDit('flux.1-dev'), {
    size: { width: 128, height: 128, frames: 1 },
    compute: { ...USUAL_COMPUTE, launch: 'eager' },
  });
  const system = loadSystem('h200-x1');
  const slow: System = { ...system, host: { ...system.host, eagerLaunchS: 1e-3 } };
  const launches = small.blocks.flatMap(({ segments }) =>
    segments.map((segment) => (segment.kind === 'compute' ? segment.kernels : 1)),
  );
  const floorS = 1e-3 * launches.reduce((sum, count) => sum + count, 0);
  for (const preset of ['none', 'layerwise']) {
    const plan = presetPlan(preset, small, slow);
    const report = predictStep(small, slow, plan);
    near(report.stepTimeS, floorS);
    assert.is(report.boundBy, 'host');
    near(simulate(small, slow, plan, { breakEven: false }).report.stepTimeS, floorS);
  }
});

eager('eager kernels never make a step shorter, and weights weigh what they did', () => {
  const system = cool(loadSystem('h200-x1'));
  const late = workloadIn({ launch: 'eager' });
  const none = presetPlan('none', usual, system);
  assert.ok(predictStep(late, system, none).stepTimeS > predictStep(usual, system, none).stepTimeS);
  assert.is(late.blocks[0]!.weightBytes, usual.blocks[0]!.weightBytes);
});

eager.run();

const flags = suite('--compute-dtype, --attention and --eager');

const SCENARIO = ['--model', 'flux.1-dev', '--machine', 'h200-x2', '--size', '512x512', '--blocks', '4'];
const NOT_GENERATED: [flags: string[], message: RegExp][] = [
  [['--compute-dtype', 'fp16'], /^error: generate: --compute-dtype fp16: .*bf16; leave it out\n$/],
  [['--eager'], /^error: generate: --eager: .*; leave it out\n$/],
];
for (const [given, message] of NOT_GENERATED) {
  flags(`generate refuses ${given.join(' ')}`, async () => {
    const { code, stdout, stderr } = await runCli(['generate', ...SCENARIO, ...given, '--out', 'never']);
    assert.is(code, 2);
    assert.match(stderr, message);
    assert.is(stdout, '');
  });
}

flags('a prediction says them, and one without them says nothing', async () => {
  const predicted = async (...given: string[]) =>
    JSON.parse((await runCli(['predict', ...SCENARIO, ...given, '--plan', 'none', '--json'])).stdout);
  const document = await predicted('--compute-dtype', 'fp16', '--eager');
  assert.equal(document.workload.compute, { dtype: 'fp16', attention: null, launch: 'eager' });
  assert.match(document.workload.assumptions.join(), /matrix products .* fp16.*eager: .* 7 us of the host/);
  assert.is('compute' in (await predicted()).workload, false);
  assert.equal(await predicted(), await predicted('--compute-dtype', 'bf16'));
});

flags('a profile has its own', async () => {
  const profile = join(packageRoot, 'experiments', 'profile', 'synthetic-dit.profile.json');
  const { code, stderr } = await runCli(['predict', '--profile', profile, '--machine', 'h200-x1', '--eager']);
  assert.is(code, 2);
  assert.match(stderr, /the profile says itself what --eager would/);
});

flags.run();
