import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PlanChoice, planChoiceFormat } from '../../documents/planChoice.ts';
import type { Prediction } from '../../documents/prediction.ts';
import type { Simulation } from '../../documents/simulation.ts';
import { PEER_NAMES } from '../../search/peers/peerNames.ts';
import { runCli } from '../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-plan-'));
const test = suite('plan');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const GiB = 2 ** 30;
const SCENARIO = [
  ...['--model', 'wan2.1-t2v-1.3b', '--machine', 'h100-pcie-x2', '--size', '832x480x17', '--blocks', '6'],
] as const;
/** Between what the smallest plan takes (1.79 GiB) and no offload (2.05 GiB). */
const TIGHT = ['--gpu-memory', '1.9GiB'] as const;

async function choose(...flags: readonly string[]): Promise<PlanChoice> {
  const { code, stdout, stderr } = await runCli(['plan', ...SCENARIO, ...flags, '--json']);
  assert.is(code, 0, stderr);
  return planChoiceFormat.parse(JSON.parse(stdout)) as PlanChoice;
}

/** Asked by several tests, found once. */
let tight: Promise<PlanChoice> | undefined;
function tightChoice(): Promise<PlanChoice> {
  tight ??= choose(...TIGHT);
  return tight;
}

async function documentOf<Document>(command: string, ...flags: readonly string[]): Promise<Document> {
  const { code, stdout, stderr } = await runCli([command, ...SCENARIO, ...flags, '--json']);
  assert.is(code, 0, stderr);
  return JSON.parse(stdout) as Document;
}

test('the choice is within the caps, above its bound, and no preset that fits is faster', async () => {
  const { choice, caps, bound, gap, counts, compared } = await tightChoice();
  assert.ok(choice.fits);
  assert.ok(choice.gpuPeakBytes <= 1.9 * GiB && caps.gpuBytes === Math.round(1.9 * GiB));
  assert.ok(gap > -1e-3 && gap < 0.05, `gap ${gap}`);
  assert.ok(Math.abs(choice.stepTimeS / bound.stepTimeS - 1 - gap) < 1e-9);
  assert.ok(
    counts.boundedAway <= counts.considered && counts.simulated > 0 && counts.ranked >= counts.simulated,
  );
  assert.equal(
    compared.map(({ plan, fits }) => [plan.replace(/piece=.*/, 'piece'), fits]),
    [
      ['none', false],
      ['none,transport=staged-copy,piece', false],
      ...['layerwise', 'layerwise-drain', 'chunked', 'chunkflow-paper', 'yield'].map((plan) => [plan, true]),
    ],
  );
  for (const preset of compared.filter(({ fits }) => fits))
    assert.ok(choice.stepTimeS <= preset.stepTimeS * 1.001, preset.plan);
  assert.ok(choice.steady);
  // By the transport it gains what no offload gains by it too.
  const [none, onOwn] = compared as [(typeof compared)[0], (typeof compared)[0]];
  assert.is(onOwn.transport, choice.transport);
  assert.is(choice.versusNone, choice.stepTimeS / none.stepTimeS);
  assert.is(choice.versusNoneOnOwn, choice.stepTimeS / onOwn.stepTimeS);
});

test('more memory never costs time', async () => {
  const choices = [
    await choose('--gpu-memory', '1.8GiB'),
    await tightChoice(),
    await choose('--gpu-memory', '8GiB'),
  ];
  const steps = choices.map(({ choice }) => choice.stepTimeS);
  // A thousandth is a tie, which less memory wins.
  for (const [index, stepS] of steps.slice(1).entries())
    assert.ok(stepS <= steps[index]! * 1.001, `${steps}`);
});

test('a saved plan, and the plan of the JSON, are what was chosen, to the last bit', async () => {
  const saved = join(folder, 'best.json');
  const { choice, plan } = await choose(...TIGHT, '--save-plan', saved);
  const cut = join(folder, 'cut.json');
  writeFileSync(cut, JSON.stringify(plan, null, 2));
  assert.equal(JSON.parse(readFileSync(saved, 'utf8')), plan);
  for (const file of [saved, cut]) {
    const { plans: simulated } = await documentOf<Simulation>('simulate', '--plan', file);
    assert.is(simulated[0]!.stepTimeS, choice.stepTimeS);
    assert.is(simulated[0]!.gpuPeakBytes, choice.gpuPeakBytes);
    const { plans: predicted } = await documentOf<Prediction>('predict', '--plan', file);
    assert.is(predicted[0]!.stepTimeS, choice.closedFormStepTimeS);
  }
  const sources = join(folder, 'sources');
  const generated = await runCli(['generate', ...SCENARIO, '--plan', saved, '--out', sources]);
  assert.is(generated.code, 0, generated.stderr);
});

test('--front: more memory buys time, each point simulates to its step, and the chart is drawn', async () => {
  const [saved, chart] = [join(folder, 'front.jsonl'), join(folder, 'front.svg')];
  const { front, choice, uncertainty } = await choose('--front', '4', '--chart', chart, '--save-plan', saved);
  assert.ok(front!.length >= 2);
  for (const [index, point] of front!.slice(1).entries()) {
    assert.ok(point.gpuPeakBytes > front![index]!.gpuPeakBytes);
    assert.ok(point.stepTimeS < front![index]!.stepTimeS);
    assert.ok(point.fits && point.boundS <= point.stepTimeS * 1.001);
  }
  const names = readFileSync(saved, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).name);
  const nominal = uncertainty!.isNominal ? [] : ['nominal'];
  assert.equal(names, ['choice', ...nominal, ...front!.map((_, index) => `front-${index + 1}`)]);
  const taken = ['choice', 'front-1'].flatMap((name) => ['--plan', `${saved}#${name}`]);
  const { plans } = await documentOf<Simulation>('simulate', ...taken);
  assert.equal(
    plans.map(({ stepTimeS }) => stepTimeS),
    [choice.stepTimeS, front![0]!.stepTimeS],
  );
  assert.match(readFileSync(chart, 'utf8'), /^<svg[\s\S]*lower bound/);
});

test('the choice is the plan that loses least over what is not known, and costs little where all is as written', async () => {
  const { uncertainty, choice, plan } = await tightChoice();
  const { from, intervals, scenarios, nominal, nominalWorst, choiceWorst, costAtNominal } = uncertainty!;
  assert.is(from, 'file');
  assert.equal(
    intervals.map(({ direction }) => direction),
    ['h2d', 'duplex', 'collectives', 'beside', 'compute', 'overheads'],
  );
  assert.equal(scenarios[0]!.factors, {});
  assert.is(scenarios[0]!.choiceS, choice.stepTimeS);
  assert.is(scenarios[0]!.nominalS, nominal.stepTimeS);
  assert.ok(choiceWorst <= nominalWorst && costAtNominal <= 0.01);
  const worst = Math.max(...scenarios.map(({ choiceS, fastestS }) => choiceS / fastestS - 1));
  assert.ok(Math.abs(worst - choiceWorst) < 1e-12);
  assert.is(uncertainty!.isNominal, JSON.stringify(plan) === JSON.stringify(nominal.document));
});

test('--nominal: the fastest plan where the machine is as its file says, and nothing of what is not known', async () => {
  const { uncertainty, choice, plan } = await choose(...TIGHT, '--nominal');
  assert.is(uncertainty, null);
  const robust = await tightChoice();
  assert.equal(robust.uncertainty!.nominal.document, plan);
  assert.is(robust.uncertainty!.nominal.stepTimeS, choice.stepTimeS);
});

test('--uncertain replaces the intervals of the file, and says when each plan stalls', async () => {
  const saved = join(folder, 'uncertain.jsonl');
  const asked = ['--uncertain', 'link=0.8..1.1,compute=0.9..1.1', '--save-plan', saved];
  const { uncertainty, choice } = await choose(...TIGHT, ...asked);
  const { from, intervals, scenarios, margins, isNominal } = uncertainty!;
  assert.is(from, 'hand');
  assert.equal(intervals, [
    { direction: 'link', interval: [0.8, 1.1] },
    { direction: 'compute', interval: [0.9, 1.1] },
  ]);
  assert.equal(
    scenarios.map(({ factors }) => factors),
    [
      {},
      { link: 0.8 },
      { link: 1.1 },
      { compute: 0.9 },
      { compute: 1.1 },
      { link: 0.8, compute: 1.1 },
      { link: 1.1, compute: 0.9 },
    ],
  );
  assert.is(scenarios[0]!.choiceS, choice.stepTimeS);
  assert.equal(
    margins!.map(({ of }) => of),
    isNominal ? ['choice'] : ['choice', 'nominal'],
  );
  const names = readFileSync(saved, 'utf8').trim().split('\n');
  assert.is(names.length, isNominal ? 1 : 2);
});

test('--for: every tool has a setting that fits, or says why not; the choice is as fast', async () => {
  for (const name of PEER_NAMES) {
    const { peer } = await choose(...TIGHT, '--nominal', '--for', name);
    assert.is(peer!.name, name);
    if (name.startsWith('comfyui')) {
      assert.is(peer!.setting, null);
      assert.match(peer!.why!, /one GPU/);
      continue;
    }
    const { setting } = peer!;
    assert.ok(setting!.fits && setting!.knobs.length > 0 && setting!.paste !== '', name);
    assert.ok(setting!.versusChoice > 0.999, name);
  }
  const alone = await choose(...TIGHT, '--nominal', '--for', 'comfyui', '--sp', '1');
  assert.ok(alone.peer!.setting!.fits);
});

test('--explain: break-even points and sensitivities', async () => {
  const { explanation } = await choose(...TIGHT, '--explain');
  const { breakEvens, sensitivities } = explanation!;
  assert.equal(
    breakEvens.sp.map(({ degree }) => degree),
    [1, 2],
  );
  const rate = sensitivities.find(({ parameter }) => parameter === 'H2D rate')!;
  assert.ok(rate.elasticity <= 0);
});

test('the text says what was chosen, how sure that is, and what fits', async () => {
  const asked = [...TIGHT, '--explain', '--front', '2', '--uncertain', 'link=0.9..1.05', '--for', 'sglang'];
  const { code, stdout, stderr } = await runCli(['plan', ...SCENARIO, ...asked]);
  assert.is(code, 0, stderr);
  for (const line of [
    /^caps, each rank: 1\.9 GiB of GPU memory, 238\.4 GiB pinned on the host$/m,
    /^(keep|stream) .* GiB.* through \d buffers over .*: [\d.]+ ms a step, [\d.]+x of no offload on [a-z-]+(, [\d.]+x of it on shm)?, in [\d.]+ instead of 2\.1 GiB of GPU memory; 95 of 100 times [\d.]+ to [\d.]+ ms$/m,
    /^no plan is faster than [\d.]+ ms \(optimality gap [\d.]+ %\)$/m,
    /^[\d,]+ plans considered, \d+ % excluded by bounds, \d+ ranked in closed form, \d+ simulated$/m,
    /^the choice .* yes +(compute|schedule|link) /m,
    /^none .* GPU \+0\.\d GiB /m,
    /^generated: /m,
    /^attached: /m,
    /█ compute/,
    /^0( to \d)? +88\.6 /m,
    /^from so many tokens on: /m,
    /^H2D rate /m,
    /^front-1 /m,
    /^(the best plan for the file's own numbers; )?over 3 machines that --uncertain allows it loses at most [\d.]+ % to the fastest plan of each/m,
    /^factors on those numbers: the link 0\.90 to 1\.05$/m,
    /^If the machine is not what its file says, one step:$/m,
    /^The best setting of sglang, of \d+ within the caps:$/m,
    /x of our choice/,
  ])
    assert.match(stdout, line);
});

interface Case {
  flags: readonly string[];
  says: readonly RegExp[];
}

const BAD: readonly Case[] = [
  { flags: ['--gpu-memory', '16'], says: [/--gpu-memory/, /"16"/, /such as 16GiB/] },
  { flags: ['--gpu-memory', '16 GB/s'], says: [/--gpu-memory/, /such as 16GiB/] },
  { flags: ['--gpu-memory', '-1GiB'], says: [/--gpu-memory/, /"-1GiB"/] },
  { flags: ['--gpu-memory', '500GiB'], says: [/--gpu-memory 500GiB/, /h100-pcie-x2 has 79\.6 GiB/] },
  { flags: ['--host-memory', 'much'], says: [/--host-memory/, /"much"/] },
  { flags: ['--host-memory', '9TiB'], says: [/--host-memory 9TiB/, /238\.4 GiB/] },
  { flags: ['--gpu-memory', '1GiB'], says: [/no plan fits 1\.00 GiB/, /smallest needs 1\.\d+ GiB/] },
  {
    flags: ['--gpu-memory', '1.9GiB', '--host-memory', '1MiB'],
    says: [/with 1\.00 MiB of pinned host memory/, /must be pinned/],
  },
  { flags: ['--uncertain', 'link'], says: [/--uncertain/, /link=0\.9\.\.1\.05/] },
  {
    flags: ['--uncertain', 'gpu=0.9..1.1'],
    says: [/"gpu=0\.9\.\.1\.1"/, /h2d, .*compute, overheads or link=low\.\.high/],
  },
  {
    flags: ['--nominal', '--uncertain', 'link=0.9..1.1'],
    says: [/--nominal/, /--uncertain link=0\.9\.\.1\.1/, /leave one out/],
  },
  { flags: ['--uncertain', 'link=1.1..0.9'], says: [/link: /, /the lower first/, /1\.1\.\.0\.9/] },
  { flags: ['--uncertain', 'link=0..1'], says: [/from 0\.1 to 10/] },
  { flags: ['--uncertain', 'link=0.9..1,link=1..2'], says: [/link is given twice/] },
  { flags: ['--for', 'deepspeed'], says: [/'--for <tool>'/, /sglang, diffusers, vllm-omni, comfyui/] },
  { flags: ['--front', '1'], says: [/--front/, /from 2 to 200/] },
  { flags: ['--front', 'all'], says: [/--front/, /'all'/] },
  { flags: ['--chart', 'front.gif'], says: [/--chart "front\.gif"/, /\.svg, \.png, \.pdf, \.html/] },
  { flags: ['--save-plan', 'best.txt'], says: [/--save-plan "best\.txt"/, /\.json, or \.jsonl/] },
  {
    flags: [...TIGHT, '--save-plan', join(folder, 'nowhere', 'best.json')],
    says: [/--save-plan/, /choose a folder that exists/],
  },
  { flags: ['--transport', 'pigeon'], says: [/pigeon/, /staged-copy/] },
  { flags: ['--resident', '0.5'], says: [/'--resident'/] },
];

for (const { flags, says } of BAD) {
  test(`${flags.slice(-2).join(' ').replace(folder, '')} is one line and exit code 2`, async () => {
    const before = readdirSync(folder);
    const { code, stdout, stderr } = await runCli(['plan', ...SCENARIO, ...flags]);
    assert.is(code, 2, stderr);
    assert.is(stdout, '');
    assert.match(stderr, /^error: [^\n]+\n$/);
    for (const text of says) assert.match(stderr, text);
    assert.equal(readdirSync(folder), before);
    assert.not(existsSync('front.gif'));
  });
}

test.run();
