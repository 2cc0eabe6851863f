import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSystem } from '../../../model/system/load.ts';
import { readSteps } from '../../../studies/dataset/stepRecords.ts';
import { readExperiment } from '../../../studies/grid/experimentFile.ts';
import { regretReport } from '../../../studies/regret/report.ts';

const test = suite('regret of the choices that were measured');
const FOLDER = 'experiments/h100-choices';

const runs = readSteps([`${FOLDER}/first.jsonl`, `${FOLDER}/again.jsonl`]);
const report = regretReport(readExperiment(`${FOLDER}/h100-choices.yaml`), runs, ['eager']);

test('every workload has at least 40 plans, every transport is among them, and all computed the same bits', () => {
  assert.is(report.curves.length, 10);
  const all = new Set(report.curves.flatMap(({ points }) => points.map(({ transport }) => transport)));
  for (const name of [
    'staged-sm:1',
    'staged-sm:2',
    'staged-sm:4',
    'staged-sm:8',
    'staged-sm:16',
    'staged-copy',
  ])
    assert.ok(all.has(name), name);
  for (const { cell, points } of report.curves) {
    assert.ok(points.length >= 40, `${cell}: ${points.length} plans`);
    const transports = new Set(points.map(({ transport }) => transport));
    if (!cell.includes('sp1')) assert.ok(transports.size >= 4, `${cell}: ${[...transports].join(' ')}`);
  }
  assert.ok(runs.every(({ sameOutput }) => sameOutput));
});

test('no choice is more than 3 % above the best that was measured in its memory', () => {
  assert.equal(report.problems, []);
  assert.is(report.compared, 76);
  assert.ok(report.largest !== null && report.largest.regret <= 0.03, `${report.largest?.regret}`);
  assert.ok(report.mean !== null && report.mean <= 0.01, `${report.mean}`);
});

test('where there are collectives, none is slower than layerwise or layerwise-drain in as much memory', () => {
  for (const { cell, choice, slowerThan } of report.regrets) {
    if (cell.includes('sp1')) continue;
    assert.equal(slowerThan, [], `${cell}: ${choice.plan}`);
  }
});

// These were made before any step had been measured; what the later ones gained by seeing the data is the difference.
test('the first choices cost more: what the choices had learned from the data is told apart', () => {
  const first = regretReport(readExperiment(`${FOLDER}/first-choices.yaml`), runs, ['eager']);
  assert.equal(first.problems, []);
  assert.is(first.compared, report.compared);
  assert.ok(first.mean! > 0.014 && first.mean! < 0.016, `${first.mean}`);
  assert.ok(first.largest!.regret > 0.155 && first.largest!.regret < 0.165, `${first.largest!.regret}`);
});

const PAIR = 'experiments/pair';
const ofPair = readSteps([`${PAIR}/host-b/pair-steps.jsonl`, `${PAIR}/host-b/pair-choices.jsonl`]);

test("on a pair, choices for another host over NCCL are within 2 % of the best that was measured in that one's memory", () => {
  const machine = loadSystem(`${PAIR}/host-a/host-a.yaml`);
  const pair = regretReport(readExperiment(`${PAIR}/pair-choices.yaml`), ofPair, ['eager'], machine);
  assert.equal(pair.problems, []);
  assert.is(pair.compared, 12);
  assert.ok(pair.largest !== null && pair.largest.regret <= 0.02, `${pair.largest?.regret}`);
  assert.ok(pair.mean !== null && pair.mean <= 0.007, `${pair.mean}`);
  for (const { cell, choice, slowerThan } of pair.regrets)
    assert.equal(slowerThan, [], `${cell}: ${choice.plan}`);
  assert.equal(
    pair.curves.map(({ points }) => points.length),
    [37, 41, 40],
  );
});

test('nothing of a pair without peer access counts as measured over NVLink', () => {
  assert.not(ofPair.some(({ transport }) => transport === 'nvlink'));
});

for (const [what, whole, without] of [
  ['host A', `${PAIR}/host-a/host-a.yaml`, `${PAIR}/host-a/host-a-pcie.yaml`],
  ['host B', 'h200-x2-fitted', `${PAIR}/host-b/host-b-pcie.yaml`],
] as const) {
  test(`${what} without NVLink is ${what} but for that`, () => {
    const { id: _, name: __, file: ___, provenance: ____, ...rest } = loadSystem(without);
    const { gpu, gpus, tree, network, host, peer, defaultTransport, transports } = loadSystem(whole);
    const others = transports.filter(({ name }) => name !== 'nvlink');
    assert.equal(rest, { gpu, gpus, tree, network, host, peer, defaultTransport, transports: others });
  });
}

test.run();
