import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { documentFormats } from '../../documents/documents.ts';
import type { MachineList } from '../../documents/machines.ts';
import type { ModelList } from '../../documents/models.ts';
import type { Prediction } from '../../documents/prediction.ts';
import type { Simulation } from '../../documents/simulation.ts';
import { runCli } from '../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-cli-'));
const test = suite('commands');
test.after(() => rmSync(folder, { recursive: true, force: true }));

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${actual} for ${expected}`);
}

const SMALL = ['--model', 'wan2.1-t2v-1.3b', '--machine', 'h100-pcie-x2', '--size', '832x480x17'];

/** Shown after a second, which a busy machine may take. */
const PROGRESS = /^\w+ \d+\/\d+ \(\d+ %\).*\n/gm;

async function json<Document>(
  name: keyof typeof documentFormats,
  args: readonly string[],
): Promise<Document> {
  const { code, stdout, stderr } = await runCli([...args, '--json']);
  assert.is(code, 0, stderr);
  assert.is(stderr.replace(PROGRESS, ''), '');
  return documentFormats[name].parse(JSON.parse(stdout)) as Document;
}

test('models --json: every model once, with sizes that fit together', async () => {
  const { models } = await json<ModelList>('models', ['models']);
  assert.is(new Set(models.map((model) => model.id)).size, models.length);
  assert.ok(models.length >= 24);
  for (const model of models) {
    assert.ok(model.blockBytes.max * model.blocks * model.experts >= 0.5 * model.weightBytes, model.id);
    assert.ok(model.blockBytes.min * model.blocks * model.experts <= model.weightBytes, model.id);
  }
});

test('machines --json: each with its transports and the source of every number', async () => {
  const { machines } = await json<MachineList>('machines', ['machines']);
  for (const machine of machines) {
    assert.ok(machine.transports.includes(machine.defaultTransport), machine.id);
    assert.ok(machine.numbers.length > 20, machine.id);
  }
});

test('predict --json: the plans asked for, in order, against no offload', async () => {
  const plans = ['--plan', 'yield', '--plan', 'layerwise,resident=0.5', '--resident', '0.25'];
  const document = await json<Prediction>('prediction', ['predict', ...SMALL, ...plans]);
  assert.equal(
    document.plans.map((report) => report.plan),
    ['yield,resident=0.25', 'layerwise,resident=0.5'],
  );
  assert.ok(document.workload.from === 'model');
  assert.is(document.workload.sp, 2);
  assert.is(document.workload.tokens, 5 * 30 * 52);
  assert.is(document.machine.transport, 'shm');
  // Faster than no offload it can never be, up to rounding.
  for (const report of document.plans) assert.ok(report.versusNone! > 1 - 1e-9, report.plan);
});

test('predict --set changes the machine', async () => {
  const slow = ['--set', 'gpu.efficiency.gemm=0.3'];
  const [before, after] = [
    await json<Prediction>('prediction', ['predict', ...SMALL, '--plan', 'none']),
    await json<Prediction>('prediction', ['predict', ...SMALL, '--plan', 'none', ...slow]),
  ];
  assert.ok(after.plans[0]!.computeS > before.plans[0]!.computeS);
});

test('simulate --json --trace: one trace per plan, the closed form beside it', async () => {
  const file = join(folder, 'step.json');
  const plans = ['--plan', 'layerwise', '--plan', 'yield,chunk=8MiB', '--trace', file];
  const { code, stdout, stderr } = await runCli(['simulate', ...SMALL, ...plans, '--json']);
  assert.is(code, 0, stderr);
  const document = documentFormats.simulation.parse(JSON.parse(stdout)) as Simulation;
  const expected = ['step.layerwise.json', 'step.yield-chunk-8MiB.json'];
  assert.equal(
    document.plans.map((report) => report.trace),
    expected.map((name) => join(folder, name)),
  );
  assert.equal(readdirSync(folder).sort(), expected);
  for (const name of expected) {
    const { traceEvents } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    assert.ok(traceEvents.some((event: { ph: string }) => event.ph === 'X'));
    assert.ok(traceEvents.some((event: { ph: string }) => event.ph === 'C'));
    const flows = (ph: string) => traceEvents.filter((event: { ph: string }) => event.ph === ph).length;
    assert.ok(flows('s') > 0);
    assert.is(flows('s'), flows('f'));
  }
});

test('tables say what runs where, with a verdict per plan', async () => {
  for (const command of ['predict', 'simulate']) {
    const { code, stdout } = await runCli([command, ...SMALL]);
    assert.is(code, 0);
    for (const text of ['peer real', 'transport shm', 'SP 2 (default)', 'step ms', 'paper-criterion']) {
      assert.ok(stdout.includes(text), `${command}: ${text} is missing`);
    }
    for (const plan of ['none', 'layerwise', 'layerwise-drain', 'chunked', 'chunkflow-paper', 'yield']) {
      assert.match(stdout, new RegExp(`^${plan}: `, 'm'));
    }
  }
});

test('--steps adds the whole request, around which the interval of its steps lies', async () => {
  const asked = [
    'predict',
    ...SMALL,
    '--plan',
    'layerwise',
    '--steps',
    '8',
    '--before',
    '500ms',
    '--after',
    '1s',
  ];
  const { plans } = await json<Prediction>('prediction', asked);
  const [{ request, stepTimeS, doubt }] = plans as [Prediction['plans'][0]];
  assert.ok(request !== null && request.coldS > 0);
  near(request.totalS, 1.5 + request.coldS + 8 * stepTimeS);
  for (const [side, bound] of doubt.stepS.entries())
    near(request.intervalS[side]! - request.totalS, 8 * (bound - stepTimeS));
  const { stdout } = await runCli(asked);
  assert.match(stdout, /A request of 8 steps:/);
});

test('--steps gives no time to a plan that does not fit', async () => {
  const small = ['--machine', 'rtx-5060-ti-16gb', '--model', 'wan2.1-t2v-14b', '--size', '832x480x81'];
  const asked = ['predict', ...small, '--steps', '30', '--plan', 'none'];
  const alone = await runCli(asked);
  assert.match(alone.stdout, /A request of 30 steps:\n\nleft out, since it does not fit: none\n$/);
  const { stdout } = await runCli([...asked, '--plan', 'layerwise']);
  const [, request] = stdout.split('A request of 30 steps:');
  assert.match(request!, /^layerwise +[\d,.]+ /m);
  assert.not.match(request!, /^none /m);
});

test('one GPU has no collectives, so the default plans are those that differ', async () => {
  const document = await json<Prediction>('prediction', [
    ...['predict', '--model', 'wan2.1-t2v-1.3b', '--machine', 'rtx5090-x1'],
  ]);
  assert.equal(
    document.plans.map((report) => report.plan),
    ['none', 'layerwise', 'chunked'],
  );
  assert.ok(document.workload.from === 'model');
  assert.is(document.workload.sp, 1);
});

test('schema prints a JSON Schema for each document', async () => {
  for (const name of Object.keys(documentFormats)) {
    const { code, stdout } = await runCli(['schema', name]);
    assert.is(code, 0);
    assert.is(JSON.parse(stdout).type, 'object');
    // A sweep is a file that people write, and says by its first key what it is.
    assert.match(stdout, name === 'sweep' ? /"sweep": \{/ : /"chunkflow\/[a-z-]+@\d"/);
  }
});

test('plans lists presets and settings', async () => {
  const { stdout } = await runCli(['plans']);
  for (const name of ['layerwise-drain', 'chunkflow-paper', 'resident', 'chunk']) assert.match(stdout, name);
});

test.run();
