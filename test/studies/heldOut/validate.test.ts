import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { predictStep } from '../../../model/analytic/stepReport.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { depthRange, depthText, programDepth } from '../../../studies/dataset/programDepth.ts';
import { readSteps, type StepRun, stepLines } from '../../../studies/dataset/stepRecords.ts';
import { cellScenario } from '../../../studies/grid/cellScenario.ts';
import { cellOfRecord } from '../../../studies/grid/recordedCell.ts';
import { stepProgramHash } from '../../../studies/grid/stepProgramHash.ts';
import { compareSteps } from '../../../studies/heldOut/compareSteps.ts';
import { errorStatistics } from '../../../studies/heldOut/errorStatistics.ts';
import { kendallTauB } from '../../../studies/heldOut/kendallTauB.ts';
import { brokenLimits } from '../../../studies/heldOut/limits.ts';
import { noiseFloor } from '../../../studies/heldOut/noiseFloor.ts';
import { planOrders } from '../../../studies/heldOut/planOrder.ts';
import { heldOutReport } from '../../../studies/heldOut/report.ts';
import type { PublishedStep, publishedErrors } from '../../../studies/published/publishedSteps.ts';
import { runCli } from '../../support/runCli.ts';

const near = (value: number, expected: number) =>
  assert.ok(Math.abs(value - expected) < 1e-9, `expected ${expected}, got ${value}`);

const figures = suite('figures of a validation');

figures('errors: mean, bias, median, p95, largest', () => {
  const { n, mape, bias, median, largest } = errorStatistics([0.01, -0.03, 0.05])!;
  assert.is(n, 3);
  near(mape, 0.03);
  near(bias, 0.01);
  near(median, 0.03);
  near(largest, 0.05);
  assert.is(errorStatistics([]), null);
});

figures('a noise floor is the mean distance of rounds from their mean', () => {
  near(noiseFloor([9.9, 10.1])!, 0.01);
  assert.is(noiseFloor([1]), null);
});

const dataset = (name: string) => join(packageRoot, 'experiments', 'h200-steps', `${name}.jsonl`);
const runs = readSteps(['one-rank', 'mirrored', 'none-again', 'one-rank-again'].map(dataset));
const small = runs.filter(({ cell }) => cell.id === 'flux.1-dev-512x512-sp1');

figures('plans of a cell are ordered pair by pair, without those that measure alike', () => {
  const steps = compareSteps(small, null);
  const times = [10, 10.05, 20, 30];
  const made = steps.slice(0, 4).map((step, index) => ({
    ...step,
    noise: 0.001,
    run: { ...step.run, plan: `plan ${index}`, stepS: times[index]! },
    simulatedS: [1, 2, 4, 3][index]!,
  }));
  const [order] = planOrders(made, ({ simulatedS }) => simulatedS);
  // 10 and 10.05 are alike; of the other five pairs, 20 before 30 is predicted the wrong way round.
  const { tauOfAllPairs, ...decided } = order!;
  assert.equal({ ...decided, cell: '' }, { cell: '', right: 4, wrong: 1, withoutOrder: 1, kendallTau: 0.6 });
  // All six pairs count: 10 before 10.05 is right too.
  near(tauOfAllPairs!, (5 - 1) / 6);
  // A plan that was measured twice counts once, by its mean: that of 20 and 50 is above 30.
  const twice = [...made, { ...made[2]!, run: { ...made[2]!.run, stepS: 50 } }];
  const [other] = planOrders(twice, ({ simulatedS }) => simulatedS);
  const { cell, ...counted } = other!;
  assert.equal(counted, { right: 5, wrong: 0, withoutOrder: 1, kendallTau: 1, tauOfAllPairs: 1 });
});

// Expected values are scipy.stats.kendalltau's (variant b).
for (const [what, x, y, expected] of [
  ['one exchange', [1, 2, 3, 4], [1, 3, 2, 4], 2 / 3],
  ['the order turned round', [1, 2, 3], [3, 2, 1], -1],
  ['ties on one side', [12, 2, 1, 12, 2], [1, 4, 7, 1, 0], -0.4714045207910316],
  ['ties on both sides', [1, 1, 2, 3], [1, 1, 1, 2], 0.7745966692414834],
  ['no order on one side', [1, 1, 1], [1, 2, 3], null],
  ['a single pair of values', [1], [1], null],
] as const) {
  figures(`tau-b: ${what}`, () => {
    const tau = kendallTauB(x.map((value, index) => [value, y[index]!]));
    if (expected === null) assert.is(tau, null);
    else near(tau!, expected);
  });
}

// Two blocks of forty say less than forty: the depth stands beside every figure.
for (const [blocks, modelBlocks, one] of [
  [6, 40, '6 of 40 blocks'],
  [57, 57, 'all 57 blocks'],
] as const) {
  figures(`depth in words: ${one}`, () => assert.is(depthText({ blocks, modelBlocks }), one));
}

for (const [depths, words] of [
  [
    [
      [2, 40],
      [3, 57],
    ],
    '2 to 3 of 40 to 57 blocks',
  ],
  [
    [
      [6, 40],
      [6, 40],
    ],
    '6 of 40 blocks',
  ],
  [
    [
      [40, 40],
      [60, 60],
    ],
    'all 40 to 60 blocks',
  ],
  [
    [
      [6, 40],
      [40, 40],
    ],
    '6 to 40 of 40 blocks',
  ],
] as const) {
  figures(`depths in words: ${words}`, () =>
    assert.is(depthRange(depths.map(([blocks, modelBlocks]) => ({ blocks, modelBlocks }))), words),
  );
}

figures("a program's depth is held against its model's", () => {
  assert.equal(programDepth(small[0]!.cell), { blocks: 3, modelBlocks: 57 });
  const { depth, classes } = heldOutReport(compareSteps(small, null), 0);
  assert.is(depth, '3 of 57 blocks');
  assert.ok(classes.some(({ name }) => name === 'flux.1-dev, 3 of 57 blocks'));
});

figures(
  'a name that means another transport on the machine that predicts is read on the one of the cell',
  () => {
    const pair = join(packageRoot, 'experiments', 'pair', 'host-b', 'pair-choices.jsonl');
    const own = readSteps([pair]).filter(({ transport }) => transport === 'staged-sm');
    const elsewhere = loadSystem('h200-x2');
    const [step] = compareSteps(own, elsewhere);
    assert.is(own.length, 1);
    assert.is(step!.run.transport, 'staged-sm:2');
    const { workload, plans } = cellScenario(cellOfRecord(own[0]!));
    const over = (transport: string) =>
      predictStep(workload, elsewhere, { ...plans[0]!, transport }).stepTimeS;
    near(step!.closedFormS, over('staged-sm:2'));
    assert.not.equal(step!.closedFormS, over('staged-sm'));
  },
);

figures('a plan that was measured twice is as uncertain as its two runs lie apart', () => {
  const [once] = small;
  const again: StepRun = { ...once!, visitS: once!.visitS.map((seconds) => seconds * 1.1) };
  const [first, second] = compareSteps([once!, again], null);
  const [alone] = compareSteps([once!], null);
  assert.is(first!.noise, second!.noise);
  assert.ok(first!.noise! > 0.04 && first!.noise! < 0.06 && alone!.noise! < 0.02, `${first!.noise}`);
});

figures('a step that is made 10 % longer is predicted 1/1.1 - 1 shorter than before', () => {
  const [before] = compareSteps(small.slice(0, 1), null);
  const longer = { ...small[0]!, stepS: small[0]!.stepS * 1.1 };
  const [after] = compareSteps([longer], null);
  near((1 + after!.simulatedError) * 1.1, 1 + before!.simulatedError);
  near((1 + after!.closedFormError) * 1.1, 1 + before!.closedFormError);
});

figures('steps that a fit may have read, and programs that have changed, are refused', () => {
  const fitted: StepRun = { ...small[0]!, split: 'fit' };
  assert.throws(() => compareSteps([fitted], null), /is of split fit/);
  const changed: StepRun = { ...small[0]!, stepProgram: '0123456789abcdef' };
  assert.throws(() => compareSteps([changed], null), /lowers to other operations now/);
});

for (const [what, machine, why] of [
  ['real peers', 'h200-x2', /measured with mirrored peers, and h200-x2 has real ones/],
  ['another GPU', 'h100-pcie-x2', /measured on NVIDIA H200, and h100-pcie-x2 has H100/],
  ['CPU cores', 'host-x2', /measured on NVIDIA H200 \(mirrored\), and host-x2 has CPU threads/],
] as const) {
  figures(`steps of another machine are refused: one with ${what}`, () => {
    const mirrored = runs.find(({ cell }) => cell.sp === 2)!;
    assert.throws(() => compareSteps([mirrored], loadSystem(machine)), why);
  });
}

/** A step of two ranks on a pair, as if the claim had been made for a machine with a reserve of 1 GB. */
function claimedOnPair(transport: string): StepRun {
  const mirrored = runs.find(({ cell }) => cell.sp === 2)!;
  const run: StepRun = {
    ...mirrored,
    ...{ cell: { ...mirrored.cell, machine: 'h200-x2' }, plan: `none,transport=${transport}` },
    ...{ place: 'real', transport, planFile: undefined, segments: [] },
    memory: { ...mirrored.memory, claimedBytes: 5e9, reserveBytes: 1e9, deviceBytes: 8e9 },
  };
  const { workload, system, plans } = cellScenario(cellOfRecord(run));
  return { ...run, stepProgram: stepProgramHash(workload, system, plans[0]!) };
}

/** An H200 pair whose programs need 2 GB beside their plans, and NCCL over shared memory 0.5 GB more. */
const roomy: System = (() => {
  const pair = loadSystem('h200-x2');
  const transports = pair.transports.map((transport) =>
    transport.name === 'shm' && transport.kind === 'flow'
      ? { ...transport, deviceBufferBytes: 0.5e9 }
      : transport,
  );
  return { ...pair, transports, host: { ...pair.host, deviceReserveBytes: 2e9 } };
})();

for (const [transport, claimedBytes] of [
  // 5 - 1 + 2, and NCCL's own.
  ['staged-copy', 6e9],
  ['shm', 6.5e9],
] as const) {
  figures(`a claim of memory has the reserve of the machine that predicts: ${transport}`, () => {
    const [step] = compareSteps([claimedOnPair(transport)], roomy);
    near(step!.memoryError!, claimedBytes / 8e9 - 1);
  });
}

figures('a claim whose reserve is not known stays as it was made', () => {
  const { reserveBytes: _, ...memory } = claimedOnPair('shm').memory;
  const [step] = compareSteps([{ ...claimedOnPair('shm'), memory }], roomy);
  near(step!.memoryError!, 5e9 / 8e9 - 1);
});

figures('steps without a timeline say nothing of where their time went', async () => {
  const silent = small.slice(0, 2).map((run, index) => (index === 0 ? { ...run, segments: [] } : run));
  const folder = mkdtempSync(join(tmpdir(), 'chunkflow-validate-'));
  const file = join(folder, 'steps.jsonl');
  writeFileSync(file, stepLines(silent));
  const { stdout } = await runCli(['validate', file, '--machine', 'h200-x1-fitted']);
  rmSync(folder, { recursive: true });
  const [header, , ...rows] = stdout.slice(stdout.indexOf('cell ')).trimEnd().split('\n');
  const columns = header!.split(/ {2,}/);
  const cells = (plan: string) => {
    const row = rows.map((text) => text.split(/ {2,}/)).find((texts) => texts[1] === plan)!;
    return ['compute %', 'collective %'].map((column) => row[columns.indexOf(column)]);
  };
  assert.equal(cells(silent[0]!.plan), ['-', '-']);
  const [compute, collective] = cells(silent[1]!.plan);
  assert.match(compute!, /^-?\d+\.\d$/);
  // One rank has no collectives, and its timeline says so.
  assert.is(collective, '0.0');
});

figures.run();

const h200 = suite('an H200 as fitted to its calibration predicts steps that it has not seen');

const report = heldOutReport(compareSteps(runs, loadSystem('h200-x1-fitted')), 3);

// What the committed machine and dataset give, and a tenth: a model that gets worse fails here.
for (const limit of ['simulated=1.2%', 'closedForm=1.3%', 'memory=0.5%', 'tau=0.95']) {
  h200(`within ${limit}`, () => assert.equal(brokenLimits(report, [limit]), []));
}

h200('intervals hold what they say: at least 95 of 100 steps lie inside', () => {
  assert.ok(report.all.covered! >= 0.95 && report.all.covered! <= 1, `${report.all.covered}`);
});

h200('limits that are broken are named, and those that mean nothing refused', () => {
  assert.match(brokenLimits(report, ['simulated=0.1%'])[0]!, /^simulated is \d\.\d+ %, above 0\.1%$/);
  assert.match(brokenLimits(report, ['tau=1'])[0]!, /^tau is 0\.\d+, below 1$/);
  assert.throws(() => brokenLimits(report, ['speed=3%']), /expected one of simulated, closedForm/);
  assert.throws(() => brokenLimits(report, ['tau=']), /expected one of/);
});

h200('a limit on something that the steps say nothing of is refused', () => {
  const orders = report.orders.map((order) => ({ ...order, kendallTau: null }));
  assert.throws(() => brokenLimits({ ...report, orders }, ['tau=0.9']), /these steps say nothing of tau/);
  assert.throws(() => brokenLimits({ ...report, memory: null }, ['memory=1%']), /say nothing of memory/);
  // A workload without an order counts neither for nor against.
  const [first, ...others] = report.orders;
  const without = { ...report, orders: [{ ...first!, kendallTau: 0.5 }, ...others.map(withoutOrder)] };
  assert.match(brokenLimits(without, ['tau=0.9'])[0]!, /^tau is 0\.500, below 0\.9$/);
});

function withoutOrder<Order>(order: Order): Order & { kendallTau: null } {
  return { ...order, kendallTau: null };
}

h200('steps of a device that reports no memory are compared without it', () => {
  const silent = { ...small[0]!, memory: { ...small[0]!.memory, deviceBytes: 0 } };
  assert.is(heldOutReport(compareSteps([silent], null), 1).memory, null);
});

h200.run();

const h100 = suite('plans that were drawn and chosen, on H100 cards that no fit has seen');

const h100Runs = readSteps(
  ['h100-choices/first', 'h100-choices/again', 'h100-headlines/first', 'h100-headlines/again'].map((name) =>
    join(packageRoot, 'experiments', `${name}.jsonl`),
  ),
);
const h100Steps = compareSteps(h100Runs, loadSystem('h100-sxm-x1'));

for (const limit of ['simulated=1.8%', 'closedForm=1.8%', 'tau=0.9']) {
  h100(`within ${limit}`, () => assert.equal(brokenLimits(heldOutReport(h100Steps, 1), [limit]), []));
}

h100('plans that issue bytes in later windows without waits are predicted as well as the others', () => {
  const open = h100Steps.filter(
    ({ run: { planFile } }) =>
      planFile !== undefined &&
      planFile.yieldRule !== 'wait' &&
      planFile.blocks.some(({ windowBytes }) => windowBytes.slice(1).some((bytes) => bytes > 0)),
  );
  assert.is(open.length, 65);
  const { mape } = errorStatistics(open.map(({ closedFormError }) => closedFormError))!;
  assert.ok(mape <= 0.015, `${mape}`);
});

h100.run();

const published = suite('validate published');

published('predicts the published steps that calibrated nothing, each within 5 %', async () => {
  const { code, stdout } = await runCli(['validate', 'published', '--json', '--fail-above', 'simulated=3%']);
  assert.is(code, 0);
  const { steps, classes, all } = JSON.parse(stdout) as ReturnType<typeof publishedErrors> & {
    steps: PublishedStep[];
  };
  assert.is(steps.length, 6);
  assert.equal(
    classes.map(({ name, simulated }) => [name, simulated.n]),
    [
      ['2x H100', 4],
      ['1x RTX 5090', 2],
    ],
  );
  assert.is(all.within5Percent, 1);
  for (const { plan, publishedS, simulatedS, simulatedError } of steps) {
    assert.is.not(plan, 'none');
    near(simulatedS / publishedS - 1, simulatedError);
  }
});

for (const [what, args, why] of [
  ['a broken limit ends with 1', ['--fail-above', 'closedForm=0.5%'], /closedForm is 2\.\d+ %, above 0\.5%/],
  ['another machine is refused', ['--machine', 'h200-x2'], /leave out --machine h200-x2/],
  ['datasets beside it are refused', [dataset('one-rank')], /takes no datasets beside it/],
  ['nobody published an order of many plans', ['--fail-above', 'tau=0.9'], /say nothing of tau/],
] as const) {
  published(what, async () => {
    const { code, stderr } = await runCli(['validate', 'published', ...args]);
    assert.is(code, what.includes('ends with 1') ? 1 : 2);
    assert.match(stderr, why);
  });
}

published.run();
