import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plan } from '../../library/plan.ts';
import { predict } from '../../library/predict.ts';
import { simulate } from '../../library/simulate.ts';
import { SweepAnswers } from '../../library/sweep/answers.ts';
import { estimateSweep } from '../../library/sweep/estimate.ts';
import { columnsOf, type Row } from '../../studies/sweep/columns.ts';
import { pointAt } from '../../studies/sweep/points.ts';
import { readSweep, type Sweep } from '../../studies/sweep/sweep.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-sweep-rows-'));
const test = suite("a sweep's rows");
test.after(() => rmSync(folder, { recursive: true, force: true }));

const sweepOf = (text: string): Sweep => {
  const file = join(folder, 'one.yaml');
  writeFileSync(file, `sweep: one\n${text}`);
  return readSweep(file);
};

async function rowsOf(sweep: Sweep, points: readonly number[]): Promise<Row[]> {
  const answers = new SweepAnswers(sweep);
  const rows: Row[] = [];
  for (const point of points) rows.push(...(await answers.rowsOf(pointAt(sweep, point))));
  return rows;
}
const allOf = (sweep: Sweep) =>
  rowsOf(
    sweep,
    Array.from({ length: sweep.points }, (_, point) => point),
  );

/** Of the grid below, asked by several tests, answered once. */
let ofGrid: Promise<Row[]> | undefined;
function rowsOfGrid(): Promise<Row[]> {
  ofGrid ??= allOf(sweepOf(GRID));
  return ofGrid;
}

const GRID = `
grids:
  - models: [{model: wan2.1-t2v-1.3b, sizes: [480x320x17, 832x480x81]}, flux.1-dev]
    machines: [2xrtx-4090, h200-x2]
    set: {gpu.copyEngine.h2d: [12 GB/s, 25 GB/s]}
    sp: [1, 2, 4]
    plans: [none, layerwise, "yield,resident=0.5"]
    gpuMemory: [2 GiB, 20 GiB]
`;

test('a row is what `predict` says of the same question', async () => {
  const sweep = sweepOf(GRID);
  const answers = new SweepAnswers(sweep);
  for (const number of [0, 4, 9, 23, 40, 71, 100, 144, sweep.points - 13]) {
    const point = pointAt(sweep, number);
    const [row] = (await answers.rowsOf(point)) as [Row];
    const asked = { ...point.question, plan: [point.plan!] };
    if (row.error !== undefined) {
      assert.throws(
        () => predict(asked),
        (error: Error) => error.message === row.error,
      );
      continue;
    }
    const { plans, workload, machine } = predict(asked);
    const [{ doubt, ...report }] = plans as [(typeof plans)[number]];
    assert.equal(
      [row.stepS, row.versusNone, row.doubtLowS, row.doubtHighS],
      [report.stepTimeS, report.versusNone, ...doubt.stepS],
    );
    assert.equal([row.doubtLowVersusNone, row.doubtHighVersusNone], [...doubt.versusNone]);
    assert.equal(
      [row.computeS, row.collectiveS, row.exposedS, row.inflationS, row.prefetchS, row.windowS],
      [
        ...[report.computeS, report.collectiveS, report.exposedPrefetchS, report.collectiveInflationS],
        ...[report.prefetchS, report.windowS],
      ],
    );
    assert.equal(
      [row.deviceBytes, row.boundBy, row.gpus],
      [report.gpuPeakBytes, report.boundBy, machine.gpus],
    );
    assert.ok(workload.from === 'model');
    assert.equal([row.tokens, row.sp, row.ranks], [workload.tokens, workload.sp, workload.ranks]);
    assert.is(row.fits, report.gpuPeakBytes <= (row.capBytes as number));
  }
});

test('rows are the same whatever was asked before', async () => {
  const sweep = sweepOf(GRID);
  const inOrder = await rowsOfGrid();
  assert.is(inOrder.length, sweep.points);
  const backwards = await rowsOf(
    sweep,
    Array.from({ length: sweep.points }, (_, index) => sweep.points - 1 - index),
  );
  const text = (rows: readonly Row[]) => rows.map((row) => JSON.stringify(row));
  assert.equal(text(backwards.reverse()), text(inOrder));
});

test('what does not fit together is a row that says why; a cap that a plan breaks is no error', async () => {
  const rows = await rowsOfGrid();
  const fours = rows.filter(({ sp }) => sp === 4);
  assert.ok(fours.length > 0 && fours.every(({ error }) => /needs 4 GPUs, .* has 2/.test(error as string)));
  assert.ok(rows.filter(({ sp }) => sp === 1 || sp === 2).every(({ error }) => error === undefined));
  const none = rows.filter(({ model, plan, sp }) => model === 'flux.1-dev' && plan === 'none' && sp === 1);
  assert.ok(none.length > 0);
  for (const { fits, misfit, stepS } of none) {
    assert.is(fits, false);
    assert.match(misfit as string, /^GPU memory: 2\d\.\d\d of (2|20)\.00 GiB$/);
    assert.ok((stepS as number) > 0);
  }
});

test('every value has a column', async () => {
  const sweep = sweepOf(`breakEven: true${GRID}`);
  const names = new Set(columnsOf(sweep.grids).map(({ name }) => name));
  // Break-evens take longest: of a plan that streams, and of one point that has an error.
  for (const row of await rowsOf(sweep, [2, sweep.points - 1]))
    for (const key of Object.keys(row)) assert.ok(names.has(key), key);
});

test("a machine's number is in its own unit, and changes the step", async () => {
  const rows = (await rowsOfGrid()).filter(
    ({ model, machine, plan, sp }) =>
      model === 'flux.1-dev' && machine === '2xrtx-4090' && plan === 'layerwise' && sp === 1,
  );
  const steps = new Map(rows.map((row) => [row.set_gpu_copyEngine_h2dBytesPerS, row.stepS]));
  assert.equal([...steps.keys()], [12e9, 25e9]);
  assert.ok((steps.get(12e9) as number) > (steps.get(25e9) as number));
});

test('simulations are what `simulate` says', async () => {
  const sweep = sweepOf(
    'ask: simulate\ngrids: [{models: [wan2.1-t2v-1.3b], sizes: [480x320x17], machines: [h200-x2], plans: [layerwise]}]\n',
  );
  const [row] = (await allOf(sweep)) as [Row];
  const { plans } = simulate({ ...pointAt(sweep, 0).question, plan: ['layerwise'] });
  const [{ stepTimeS, versusNone, closedFormStepTimeS, steady }] = plans as [(typeof plans)[number]];
  assert.equal(
    [row.stepS, row.versusNone, row.closedFormS, row.steady],
    [stepTimeS, versusNone, closedFormStepTimeS, steady],
  );
});

test('searches are what `plan` finds, fronts a row for each plan, and a cap that nothing fits an error', async () => {
  const grid =
    'models: [wan2.1-t2v-1.3b], blocks: [4], sizes: [480x320x17], sp: [1], machines: [h200-x1-fitted]';
  const sweep = sweepOf(
    `ask: plan\ngrids:\n  - {name: caps, ${grid}, gpuMemory: [1 MiB, 1.4 GiB]}\n  - {name: front, ${grid}, front: 2}\n`,
  );
  const [nothing, choice, ...front] = (await allOf(sweep)) as [Row, Row, ...Row[]];
  assert.ok(typeof nothing.error === 'string' && nothing.stepS === undefined);
  const { plan: _, ...question } = pointAt(sweep, 1).question;
  const found = await plan({ ...question, gpuMemory: '1.4 GiB' });
  assert.equal(
    [choice.stepS, choice.boundS, choice.gap, choice.deviceBytes, JSON.parse(choice.planFile as string)],
    [found.choice.stepTimeS, found.bound.stepTimeS, found.gap, found.choice.gpuPeakBytes, found.plan],
  );
  const whole = await plan({ ...question, front: 2 });
  assert.ok(front.length > 1);
  assert.equal(
    front.map(({ frontIndex, stepS, deviceBytes }) => [frontIndex, stepS, deviceBytes]),
    whole.front!.map(({ stepTimeS, gpuPeakBytes }, index) => [index, stepTimeS, gpuPeakBytes]),
  );
});

test("an estimate says which points it is of, and its own sample's spread", async () => {
  const sweep = sweepOf(GRID);
  const estimate = await estimateSweep(sweep, 7);
  assert.is(estimate.points, sweep.points);
  const [low, high] = estimate.interval;
  assert.ok(0 <= low && low <= estimate.cpuSPerThousand && estimate.cpuSPerThousand <= high);
  assert.ok(Math.abs(estimate.coreHours * 3600 * 1000 - estimate.cpuSPerThousand * sweep.points) < 1e-6);
  assert.is(estimate.sampledTasks, 24);
});

test.run();
