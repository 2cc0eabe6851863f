import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { planDocument } from '../../../model/plan/planDocument.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { readProfile } from '../../../model/profile/profileFile.ts';
import { profileWorkload } from '../../../model/profile/profileWorkload.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { simulate } from '../../../sim/simulate.ts';
import { attachedReport } from '../../../studies/attach/attachedReport.ts';
import type { AttachStepRecord } from '../../../studies/attach/attachStepFormat.ts';
import { compareAttached } from '../../../studies/attach/compareAttached.ts';
import { profilesOf } from '../../../studies/attach/profileFolder.ts';
import { readAttachSteps } from '../../../studies/attach/readAttachSteps.ts';
import { runCli } from '../../support/runCli.ts';

const PROFILE = join(packageRoot, 'experiments', 'profile', 'synthetic-dit.profile.json');
const profileText = readFileSync(PROFILE, 'utf8');
const { profile } = readProfile(PROFILE);
const workload = profileWorkload(profile);
const MACHINE = 'h100-sxm-x2';
const machine = loadSystem(MACHINE);
const sha = (text: string) => createHash('sha256').update(text).digest('hex');

const folder = mkdtempSync(join(tmpdir(), 'attached-'));
writeFileSync(join(folder, 'one.profile.json'), profileText);
const steps = join(folder, 'steps.jsonl');
const write = (records: readonly object[]) =>
  writeFileSync(steps, records.map((record) => `${JSON.stringify(record)}\n`).join(''));

/** What the simulator says of a plan, with what a device would report. */
const predictedOf = (text: string) => {
  const plan = makePlan(text, workload, machine, 'shm');
  const { report } = simulate(workload, machine, plan, { breakEven: false });
  return { plan, report, closedFormS: predictStep(workload, machine, plan).stepTimeS };
};

/** A round that took `factor` times what is simulated. */
function record(text: string, factor: number, round = 1, changes: object = {}): AttachStepRecord {
  const { plan, report } = predictedOf(text);
  const isNone = text === 'none';
  const document = JSON.parse(JSON.stringify(planDocument(plan, workload)));
  const stepS = report.stepTimeS * factor;
  return {
    schema: 'chunkflow/attach-steps@1',
    case: profile.model.id,
    model: { name: 'synthetic', class: 'SyntheticDiT', config: { num_layers: 40 }, storage: 'bfloat16' },
    tokens: 16_380,
    grid: [21, 30, 26],
    ranks: 2,
    place: 'GPUs of one host',
    transport: 'shm',
    variant: {
      key: isNone ? 'none' : `attach:${text}`,
      kind: isNone ? 'none' : 'attach',
      name: text,
      resident: 0,
    },
    plan: isNone ? null : document,
    planSha256: isNone ? null : sha(JSON.stringify(document)),
    profileSha256: sha(profileText),
    warmUp: { steps: 4, isSteady: true, lastS: [stepS, stepS, stepS] },
    stepS: [stepS * 1.5, stepS, stepS * 0.9],
    wallS: stepS,
    rankStepS: [stepS, stepS],
    hostS: isNone ? null : stepS * 0.004,
    counts: isNone ? null : { begins: 40 },
    memory: {
      torchBytes: 1,
      torchReservedBytes: 2,
      deviceBytes: Math.round(report.gpuPeakBytes * 1.01),
      baseBytes: 3,
    },
    digests: [sha('one')],
    sameAs: 'none',
    isSame: true,
    device: 'NVIDIA H100 80GB HBM3',
    driver: '580.159',
    cuda: '13.0',
    nccl: '2.28.9',
    smHz: 1.7e9,
    attention: 'native',
    versions: { torch: '2.11.0', sglang: null },
    sourceSha256: sha('source'),
    at: '2026-11-28T15:00:00Z',
    setUpS: 4,
    round,
    order: 0,
    ...changes,
  };
}

const near = (value: number | null, expected: number) =>
  assert.ok(value !== null && Math.abs(value - expected) < 1e-6, `expected ${expected}, got ${value}`);

const compared = (records: readonly AttachStepRecord[]) => {
  write(records);
  const measurements = readAttachSteps([steps]);
  const found = compareAttached(measurements, profilesOf(folder), machine);
  return { measurements, found, report: attachedReport(measurements, found, 2) };
};

const errors = suite('steps of attached models beside what their profiles predict');

errors('rounds are one measurement, by the median of their medians', () => {
  const { found } = compared([record('yield', 1.02, 1), record('yield', 1.04, 2), record('yield', 1.3, 3)]);
  assert.is(found.length, 1);
  near(found[0]!.simulatedError, 1 / 1.04 - 1);
  near(found[0]!.closedFormError, predictedOf('yield').closedFormS / found[0]!.measured.stepS - 1);
  assert.equal(found[0]!.measured.visitS.length, 3);
  near(found[0]!.memoryError, 1 / 1.01 - 1);
});

errors('each class and the whole have their own errors; plans of a case are ordered', () => {
  const { report } = compared([
    record('none', 1),
    record('layerwise', 1.1),
    record('yield', 1.02),
    record('yield,resident=0.25', 0.98),
  ]);
  const of = (name: string) => report.classes.find((one) => one.name === name)!.simulated;
  assert.is(report.all.simulated.n, 4);
  near(of('layerwise').bias, 1 / 1.1 - 1);
  near(of('yield').bias, (1 / 1.02 + 1 / 0.98) / 2 - 1);
  near(of('GPUs of one host, shm').largest, 1 - 1 / 1.1);
  assert.is(of('synthetic, 16380 tokens, x2').n, 4);
  assert.is(report.orders.length, 1);
  assert.is(report.worst[0]!.measured.record.variant.name, 'layerwise');
  near(report.largestHostShare, 0.004);
  near(report.memory!.mape, 1 - 1 / 1.01);
});

errors('other tools are measured beside and not predicted; other bits are named', () => {
  const sglang = record('none', 1.3, 1, {
    variant: { key: 'sglang:0.3', kind: 'sglang', name: 'sglang:0.3', resident: 0.3 },
  });
  const { report, found } = compared([record('none', 1), sglang, { ...record('yield', 1), isSame: false }]);
  assert.is(found.length, 2);
  assert.equal(report.notPredicted, [`${profile.model.id}, sglang:0.3`]);
  assert.equal(report.otherBits, [`${profile.model.id}, attach:yield`]);
});

errors('a plan is predicted over the links that NCCL had when it was measured', () => {
  const over = (transport: string) =>
    compared([record('layerwise', 1, 1, { transport })]).found[0]!.simulatedS;
  assert.ok(over('nvlink') < over('shm'));
});

const REFUSED: [string, object, RegExp][] = [
  [
    'another schema',
    { schema: 'chunkflow/steps@1' },
    /steps.jsonl:1: schema: expected chunkflow\/attach-steps@1/,
  ],
  ['a key that no record has', { colour: 'red' }, /steps.jsonl:1:\d+: colour/],
  ['a step that took no time', { stepS: [0] }, /steps.jsonl:1:\d+: stepS.0/],
  ['a model without a profile', { case: 'other' }, /steps.jsonl:1: case: there is no profile of other/],
  ['another profile', { profileSha256: sha('x') }, /steps.jsonl:1: profileSha256: .* another profile than/],
  ['other ranks', { ranks: 4 }, /steps.jsonl:1: ranks: measured on 4/],
  ['another device', { device: 'NVIDIA A100' }, /steps.jsonl:1: .*was measured on NVIDIA A100/],
  ['a plan of something else', { plan: { schema: 'chunkflow/plan@2' } }, /plan of attach:yield/],
  ['an attached plan without its document', { plan: null }, /steps.jsonl:1: plan: is missing/],
];
for (const [what, changes, message] of REFUSED) {
  errors(`refused: ${what}`, () => {
    assert.throws(() => compared([record('yield', 1, 1, changes)]), message);
  });
}

errors('the second line is named by its number', () => {
  assert.throws(() => compared([record('yield', 1), record('yield', 1, 2, { round: 0 })]), /:2:\d+: round/);
});

errors('a line that was cut off is refused', () => {
  writeFileSync(steps, JSON.stringify(record('yield', 1)).slice(0, 400));
  assert.throws(() => readAttachSteps([steps]), /steps.jsonl:1: the line is cut off/);
});

errors.run();

const command = suite('chunkflow validate --profiles');
const args = () => ['validate', steps, '--profiles', folder];

command('prints both roads, memory, order and the host', async () => {
  write([record('none', 1), record('layerwise', 1.05), record('yield', 1.02, 1), record('yield', 1.02, 2)]);
  const { code, stdout } = await runCli([...args(), '--machine', MACHINE]);
  assert.is(code, 0);
  for (const part of [
    '3 steps of attached models',
    'closed form',
    'memory, claimed',
    "Kendall's tau",
    'host time',
  ])
    assert.ok(stdout.includes(part), part);
});

command('plans that measure apart and are predicted alike have an order and no tau-b', async () => {
  const again = {
    ...record('yield', 1.2),
    variant: { key: 'attach:again', kind: 'attach', name: 'again', resident: 0 },
  };
  write([record('yield', 1), again]);
  const { code, stdout } = await runCli([...args(), '--machine', MACHINE]);
  assert.is(code, 0);
  assert.match(stdout, /tau-b is undefined, as all plans are predicted alike/);
});

command('ends with 1 where a limit is broken, or bits are others', async () => {
  write([record('none', 1), record('layerwise', 1.05), record('yield', 1.02)]);
  const limited = await runCli([...args(), '--machine', MACHINE, '--fail-above', 'simulated=1%']);
  assert.is(limited.code, 1);
  assert.match(limited.stderr, /simulated is 2\.\d+ %, above 1%/);
  write([record('none', 1), { ...record('yield', 1), isSame: false }]);
  const others = await runCli([...args(), '--machine', MACHINE]);
  assert.is(others.code, 1);
  assert.match(others.stderr, /attach:yield: other bits than without offload/);
});

command('asks for a machine and for profiles', async () => {
  assert.match((await runCli(args())).stderr, /give --machine/);
  const empty = mkdtempSync(join(tmpdir(), 'attached-'));
  const { code, stderr } = await runCli(['validate', steps, '--profiles', empty, '--machine', MACHINE]);
  assert.is(code, 2);
  assert.match(stderr, /holds no \*\.profile\.json/);
  rmSync(empty, { recursive: true });
});

command.run();
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
