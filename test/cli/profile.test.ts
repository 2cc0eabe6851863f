import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PlanChoice, planChoiceFormat } from '../../documents/planChoice.ts';
import { type Prediction, predictionFormat } from '../../documents/prediction.ts';
import { type Simulation, simulationFormat } from '../../documents/simulation.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import type { Profile } from '../../model/profile/profileFormat.ts';
import { runCli } from '../support/runCli.ts';

const PROFILE = join(packageRoot, 'experiments', 'profile', 'synthetic-dit.profile.json');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-cli-profile-'));
const test = suite('--profile');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const on = (...rest: string[]) => ['--profile', PROFILE, '--machine', 'h200-x2', ...rest];

/** The example with a change, as a file of the test folder. */
function edited(name: string, change: (profile: Profile) => void): string {
  const profile = JSON.parse(readFileSync(PROFILE, 'utf8')) as Profile;
  change(profile);
  writeFileSync(at(name), JSON.stringify(profile));
  return at(name);
}

async function succeed(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  assert.is(code, 0, stderr);
  return stdout;
}

async function predicted(...rest: string[]): Promise<Prediction> {
  const document = JSON.parse(await succeed(['predict', ...on(...rest), '--json']));
  return predictionFormat.parse(document) as Prediction;
}

test('predict says what the profile knows and nothing else', async () => {
  const { workload, plans, paperCriterion } = await predicted();
  assert.ok(workload.from === 'profile');
  for (const key of ['width', 'tokens', 'batch', 'sp', 'cfg', 'flops']) assert.not(key in workload, key);
  assert.equal([workload.model, workload.ranks, workload.blocks], ['synthetic-dit', 2, 40]);
  assert.is(workload.measured.outsideS, 0.004);
  assert.ok(Math.abs(workload.measured.computeS - 40 * 0.0177) < 1e-12);
  assert.equal(
    plans.map(({ plan }) => plan),
    ['none', 'layerwise', 'layerwise-drain', 'chunked', 'chunkflow-paper', 'yield'],
  );
  for (const { computeS, powerW, clock, breakEven } of plans) {
    assert.ok(Math.abs(computeS - (40 * 0.0177 + 0.004)) < 1e-9);
    assert.equal([powerW, clock], [null, 1]);
    assert.equal(breakEven, { tokens: null, frames: null, batch: null });
  }
  assert.ok(Math.abs(paperCriterion.computeS - (0.0177 + 0.004 / 40)) < 1e-9);
});

test('tables name the device and the inputs, and have no sizes', async () => {
  for (const command of ['predict', 'simulate', 'plan']) {
    const more = command === 'plan' ? ['--explain', '--nominal'] : ['--plan', 'yield'];
    const stdout = await succeed([command, ...on(...more)]);
    for (const text of [
      'SyntheticDiT, profiled on synthetic numbers',
      '1x16380x5120 bfloat16',
      '2 ranks',
      'measured a step: compute 708.0 ms',
    ])
      assert.ok(stdout.includes(text), `${command}: ${text}`);
    assert.match(stdout, /^assumed: compute takes what it took on /m);
    assert.not.match(stdout, /tokens|batch|guidance|\bSP\b|frames|null|undefined|NaN/);
  }
});

test('simulate agrees with the closed form where nothing is streamed', async () => {
  const stdout = await succeed(['simulate', ...on('--plan', 'none', '--json')]);
  const { plans } = simulationFormat.parse(JSON.parse(stdout)) as Simulation;
  assert.ok(Math.abs(plans[0]!.stepTimeS / plans[0]!.closedFormStepTimeS - 1) < 1e-9);
});

test('plan keeps within the memory that it is given, and its file is the same plan to predict', async () => {
  const file = at('choice.json');
  const stdout = await succeed(['plan', ...on('--gpu-memory', '6GiB', '--save-plan', file, '--json')]);
  const { choice, caps } = planChoiceFormat.parse(JSON.parse(stdout)) as PlanChoice;
  assert.is(caps.gpuBytes, 6 * 2 ** 30);
  assert.ok(choice.gpuPeakBytes <= caps.gpuBytes);
  // What the profile says of memory beside the blocks counts.
  assert.ok(choice.gpuPeakBytes >= 1_600_000_000 + 480_000_000);
  const { plans } = await predicted('--plan', file);
  assert.ok(Math.abs(plans[0]!.stepTimeS / choice.closedFormStepTimeS - 1) < 1e-9);
  assert.is(plans[0]!.gpuPeakBytes, choice.gpuPeakBytes);
  assert.ok('profiled' in JSON.parse(readFileSync(file, 'utf8')));
});

test('compute that was measured twice as slow takes twice as long', async () => {
  const slow = edited('slow.json', ({ kinds, outside }) => {
    for (const window of kinds[0]!.windows) window.seconds *= 2;
    outside.seconds *= 2;
  });
  const stepsOf = async (file: string) => {
    const stdout = await succeed([
      'predict',
      '--profile',
      file,
      '--machine',
      'h200-x2',
      '--plan',
      'none',
      '--json',
    ]);
    return (JSON.parse(stdout) as Prediction).plans[0]!;
  };
  const [before, after] = [await stepsOf(PROFILE), await stepsOf(slow)];
  assert.ok(Math.abs(after.computeS - 2 * before.computeS) < 1e-9);
  assert.is(after.collectiveS, before.collectiveS);
});

test('--set of efficiencies changes nothing, --set of a collective does', async () => {
  const [usual] = (await predicted('--plan', 'none')).plans;
  const [slower] = (await predicted('--plan', 'none', '--set', 'gpu.efficiency.gemm=0.1')).plans;
  assert.is(slower!.stepTimeS, usual!.stepTimeS);
  const rate = ['--set', 'transports.shm.all-to-all.rate=1 GB/s'];
  const [exchanging] = (await predicted('--plan', 'none', ...rate)).plans;
  assert.is(exchanging!.computeS, usual!.computeS);
  assert.ok(exchanging!.collectiveS > 10 * usual!.collectiveS);
});

test('a profile says what of GPU memory it does not know', async () => {
  const { workload } = await predicted('--plan', 'none');
  const reserve =
    "GPU memory beside weights and activations is the machine's reserve: the profile does not know its process'";
  assert.equal(workload.assumptions.slice(1), [reserve]);
  const knows = edited('knows.json', (profile) => {
    profile.process = { allocatorBytes: 1, otherBytes: 2 };
  });
  const told = await succeed(['predict', '--profile', knows, '--machine', 'h200-x2', '--plan', 'none']);
  assert.is(told.match(/^assumed: GPU memory/gm), null);
  const host = edited('host.json', (profile) => {
    profile.activationBytes = 0;
    profile.made.smHz = 1.7e9;
  });
  const stdout = await succeed(['predict', '--profile', host, '--machine', 'h200-x2', '--plan', 'none']);
  assert.match(stdout, /^assumed: GPU memory is without activations, of which the profile knows no bytes$/m);
  assert.match(stdout, /^assumed: compute takes what it took on synthetic numbers, no GPU at 1\.70 GHz: /m);
});

test('one rank has no transport', async () => {
  const alone = edited('alone.json', ({ step, kinds }) => {
    step.ranks = 1;
    kinds[0]!.collectives = [];
    kinds[0]!.windows = [{ seconds: 0.03, spread: 0 }];
  });
  const stdout = await succeed(['predict', '--profile', alone, '--machine', 'rtx5090-x1', '--json']);
  const { plans } = JSON.parse(stdout) as Prediction;
  assert.equal(
    plans.map(({ plan, transport }) => `${plan} ${transport}`),
    ['none none', 'layerwise none', 'chunked none'],
  );
  const { code, stderr } = await runCli([
    'predict',
    '--profile',
    alone,
    '--machine',
    'h200-x2',
    '--transport',
    'shm',
  ]);
  assert.is(code, 2);
  assert.match(
    stderr,
    /--transport shm: has no effect: one rank has no collectives; leave it out, or take a profile/,
  );
});

const plan = async (name: string, profile: string) => {
  const file = at(name);
  await succeed([
    'predict',
    '--profile',
    profile,
    '--machine',
    'h200-x2',
    '--plan',
    'yield',
    '--save-plan',
    file,
  ]);
  return file;
};

const REFUSED: [what: string, args: () => Promise<string[]> | string[], says: RegExp][] = [
  [
    'beside a model',
    () => ['predict', ...on('--model', 'flux.1-dev')],
    /^error: --profile .*: the profile says itself what --model would; leave it out, or leave out --profile\n$/,
  ],
  [
    'beside all that says of a model what a profile does',
    () => [
      ...['simulate', ...on('--size', '64x64', '--sp', '2', '--tp', '1', '--batch', '1', '--cfg', 'none')],
      ...['--exchange', 'packed', '--text-rows', '7', '--blocks', '3'],
    ],
    /what --size, --batch, --sp, --tp, --cfg, --exchange, --text-rows, --blocks would; leave them out/,
  ],
  ['of plan', () => ['plan', ...on('--sp', '2')], /what --sp would; leave it out/],
  [
    'of generate',
    () => ['generate', ...on('--plan', 'none')],
    /--profile .*: the blocks of a profile are your own model's, and nothing is generated for them; make a plan with `chunkflow plan --profile --save-plan FILE`, then give `chunkflow generate --attach FILE`/,
  ],
  ['without a machine', () => ['predict', '--profile', PROFILE], /--machine is missing/],
  [
    'that is not there',
    () => ['predict', '--profile', at('none.json'), '--machine', 'h200-x2'],
    /none\.json: cannot be read \(ENOENT\)/,
  ],
  [
    'of more ranks than GPUs',
    () => [
      'predict',
      '--profile',
      edited('four.json', ({ step }) => (step.ranks = 4)),
      '--machine',
      'h200-x2',
    ],
    /four\.json:1:\d+: step\.ranks: the profile has 4 ranks, 2x H200, one PCIe root each has 2 GPUs; take another machine/,
  ],
  [
    'with a plan of another profile',
    async () => {
      const other = edited('other.json', (profile) => (profile.fingerprint = `sha256:${'1'.repeat(64)}`));
      return ['predict', ...on('--plan', await plan('other.plan.json', other))];
    },
    /other\.plan\.json:\d+:\d+: profiled\.fingerprint: the plan is for blocks of sha256:1{64}, the profile has sha256:0{64}; make a plan with this profile/,
  ],
  [
    'with a plan of the catalogue',
    async () => {
      const file = at('catalogue.plan.json');
      const wan = ['--model', 'wan2.1-t2v-1.3b', '--machine', 'h200-x2', '--plan', 'yield'];
      await succeed(['predict', ...wan, '--save-plan', file]);
      return ['predict', ...on('--plan', file)];
    },
    /catalogue\.plan\.json:\d+:\d+: model: the plan is for wan2\.1-t2v-1\.3b, not for synthetic-dit/,
  ],
];

for (const [what, args, says] of REFUSED) {
  test(`a profile ${what}: one line and nothing else`, async () => {
    const { code, stdout, stderr } = await runCli(await args());
    assert.is(code, 2, stderr);
    assert.is(stdout, '');
    assert.match(stderr, /^error: [^\n]+\n$/);
    assert.match(stderr, says);
  });
}

test('generate --attach writes the library of a saved plan, which needs nothing else', async () => {
  const plan = at('attach.plan.json');
  await succeed([
    'plan',
    ...on('--transport', 'shm', '--gpu-memory', '8GiB', '--nominal', '--save-plan', plan),
  ]);
  const out = at('attached');
  assert.is(await succeed(['generate', '--attach', plan, '--out', out]), `${out}\n`);
  const { schema, files } = JSON.parse(readFileSync(join(out, 'attached.json'), 'utf8'));
  assert.is(schema, 'chunkflow/attached@1');
  const names = files.map(({ name }: { name: string }) => name);
  for (const name of ['attached_plan.cpp', 'build.sh', 'plan.json', 'runtime/attached/attached.h'])
    assert.ok(names.includes(name), name);
  const source = readFileSync(join(out, 'attached_plan.cpp'), 'utf8');
  const { fingerprint } = JSON.parse(readFileSync(PROFILE, 'utf8')) as Profile;
  assert.ok(source.includes(`.layout = "${fingerprint}"`));
  // The plan beside the source is the plan.
  await succeed(['predict', ...on('--plan', join(out, 'plan.json'))]);
  // Another time it takes the folder's place.
  assert.is(await succeed(['generate', '--attach', plan, '--out', out]), `${out}\n`);
});

test('generate --attach refuses in one line what it cannot do', async () => {
  const plan = at('refused.plan.json');
  await succeed(['predict', ...on('--plan', 'yield', '--transport', 'staged-sm:2', '--save-plan', plan)]);
  const catalogue = at('of-a-catalogue.plan.json');
  const wan = ['--model', 'wan2.1-t2v-1.3b', '--machine', 'h200-x2', '--plan', 'yield'];
  await succeed(['predict', ...wan, '--save-plan', catalogue]);
  const taken = mkdtempSync(join(folder, 'taken-'));
  writeFileSync(join(taken, 'mine.txt'), 'mine');
  const refused: [string[], RegExp][] = [
    [['--attach', plan], /--attach .*: give the folder to write as --out/],
    [
      ['--attach', plan, '--machine', 'h200-x2', '--out', at('x')],
      /the plan says itself what --machine would/,
    ],
    [
      ['--attach', plan, '--out', at('x')],
      /transport staged-sm:2: its kernel is not part of an attached library/,
    ],
    [
      ['--attach', catalogue, '--out', at('x')],
      /profiled: is missing: the plan is not one of a profiled model/,
    ],
    [['--attach', at('none.json'), '--out', at('x')], /none\.json/],
  ];
  for (const [args, says] of refused) {
    const { code, stdout, stderr } = await runCli(['generate', ...args]);
    assert.is(code, 2, stderr);
    assert.is(stdout, '');
    assert.match(stderr, /^error: [^\n]+\n$/);
    assert.match(stderr, says);
  }
  const good = at('good.plan.json');
  await succeed(['predict', ...on('--plan', 'yield', '--transport', 'shm', '--save-plan', good)]);
  const { code, stderr } = await runCli(['generate', '--attach', good, '--out', taken]);
  assert.is(code, 2);
  assert.match(stderr, /holds something that was not generated; move it, or give another --out/);
  assert.is(readFileSync(join(taken, 'mine.txt'), 'utf8'), 'mine');
});

test("a tool's settings for a profile are none, and the answer says why", async () => {
  const stdout = await succeed(['plan', ...on('--for', 'sglang', '--nominal')]);
  assert.match(
    stdout,
    /^The best setting of sglang: none\. sglang: its settings follow from how ranks divide the model/m,
  );
});

test.run();
