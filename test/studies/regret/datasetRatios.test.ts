import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readSteps, stepLines } from '../../../studies/dataset/stepRecords.ts';
import { datasetRatios } from '../../../studies/regret/datasetRatios.ts';
import { runCli } from '../../support/runCli.ts';
import { chosenExperiment, PLANS } from './chosenExperiment.ts';

const test = suite('two datasets of the same cells');
const folder = mkdtempSync(join(tmpdir(), 'ratios-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const { steps } = chosenExperiment(folder);
/** In the order of the plans: none, layerwise, layerwise-drain and yield on staged-sm:2, yield and none on staged-copy, three slots. */
const MIRRORED = [10, 15, 16, 10.4, 9, 8.8, 14];
/** 2 % longer on staged-sm:2 and 10 % on staged-copy, layerwise 5 %. */
const REAL = [10.2, 15.75, 16.32, 10.608, 9.9, 9.68, 14.28];

const cell = (id: string) => ({ cell: { ...steps([10])[0]!.cell, id } });
const real = { place: 'real' as const };
const near = (value: number | undefined, expected: number) =>
  assert.ok(value !== undefined && Math.abs(value - expected) < 1e-9, `expected ${expected}, got ${value}`);
const rowOf = ({ rows }: ReturnType<typeof datasetRatios>, plan: string, transport: string) =>
  rows.find((row) => row.plan === plan && row.transport === transport)!;

test('each plan of both, its step and what it is held against', () => {
  const ratios = datasetRatios(steps(MIRRORED), steps(REAL, real), null);
  assert.is(ratios.rows.length, PLANS.length);
  assert.is(ratios.against, 'staged-sm:2');
  assert.match(ratios.first, /^mirrored on /);
  assert.match(ratios.second, /^real on /);
  const copy = rowOf(ratios, 'yield', 'staged-copy');
  near(copy.step.median, 1.1);
  near(copy.overNone!.median, 1);
  near(copy.overTransport!.median, 1.1 / 1.02);
  assert.is(copy.overLayerwise, null, 'layerwise was not measured on staged-copy');
  near(copy.noise!, 0.02);
  const layerwise = rowOf(ratios, 'layerwise', 'staged-sm:2');
  near(layerwise.overNone!.median, 1.05 / 1.02);
  assert.equal([layerwise.overLayerwise, layerwise.overTransport], [null, null], 'not held against itself');
  near(rowOf(ratios, 'layerwise,slots=3', 'staged-sm:2').overLayerwise!.median, 1.02 / 1.05);
});

test('the median and the range over cells; cells and plans of one dataset alone do not count', () => {
  const longer = (factor: number) => REAL.map((ms) => ms * factor);
  const first = [...['a', 'b', 'c', 'd'].flatMap((id) => steps(MIRRORED, cell(id)))];
  const second = [
    ...steps(longer(1), { ...cell('a'), ...real }),
    ...steps(longer(1.1), { ...cell('b'), ...real }),
    ...steps(longer(1.3).slice(0, 5), { ...cell('c'), ...real }),
    ...steps(longer(9), { ...cell('e'), ...real }),
  ];
  const ratios = datasetRatios(first, second, 'staged-copy');
  const { cells, step, overNone, overTransport } = rowOf(ratios, 'yield', 'staged-copy');
  assert.is(cells, 3);
  near(step.median, 1.1 * 1.1);
  near(step.least, 1.1);
  near(step.most, 1.1 * 1.3);
  near(overNone!.most, 1);
  assert.is(overTransport, null);
  assert.is(rowOf(ratios, 'none', 'staged-copy').cells, 2);
  near(rowOf(ratios, 'yield', 'staged-sm:2').overTransport!.least, 1.02 / 1.1);
});

test('datasets that have nothing in common, and one of two places, are refused', () => {
  const one = steps(MIRRORED);
  assert.throws(() => datasetRatios(one, steps(REAL, cell('other')), null), /no plan of a cell in common/);
  assert.throws(
    () => datasetRatios(one, steps(REAL, { mode: 'graph' }), null),
    /no plan of a cell in common/,
  );
  assert.throws(
    () => datasetRatios(one, steps(REAL, real), 'shm'),
    /--against "shm": no plan of both was measured on it; expected one of staged-sm:2, staged-copy/,
  );
  assert.throws(
    () => datasetRatios(one, [...one, ...steps(REAL, real)], null),
    /one dataset measured it mirrored on .* and real on/,
  );
});

test('plans that computed other bits are left out with a note', () => {
  const [first, ...others] = steps(REAL, real);
  const { rows, notes } = datasetRatios(steps(MIRRORED), [{ ...first!, sameOutput: false }, ...others], null);
  assert.is(rows.length, PLANS.length - 1);
  assert.match(notes.join(), /none,transport=staged-sm:2: other bits, left out/);
});

test('the command prints a table, or the same as JSON', async () => {
  const [first, second] = [join(folder, 'mirrored.jsonl'), join(folder, 'real.jsonl')];
  writeFileSync(first, stepLines(steps(MIRRORED)));
  writeFileSync(second, stepLines(steps(REAL, real)));
  const table = await runCli(['experiment', 'compare', first, second]);
  assert.is(table.code, 0);
  assert.match(
    table.stdout,
    /staged-copy +yield +1 +1\.100 \(1\.100 to 1\.100\) +1\.000 \(1\.000 to 1\.000\) +- +1\.078 \(1\.078 to 1\.078\) +2\.0/,
  );
  const { stdout } = await runCli([
    'experiment',
    'compare',
    first,
    second,
    '--against',
    'staged-copy',
    '--json',
  ]);
  assert.is(JSON.parse(stdout).against, 'staged-copy');
});

test('a mirrored peer and the pair: ratios to no offload carry over, those of transports do not', () => {
  const folder = 'experiments/pair/host-b';
  const { rows } = datasetRatios(
    readSteps([`${folder}/pair-mirrored.jsonl`]),
    readSteps([`${folder}/pair-steps.jsonl`]),
    null,
  );
  for (const { plan, transport, step, overNone, overTransport } of rows) {
    const name = `${plan} on ${transport}`;
    if (overNone !== null) assert.ok(overNone.least > 0.975 && overNone.most < 1.05, name);
    if (transport === 'staged-copy') assert.ok(step.least > 1.05 && overTransport!.median > 1.04, name);
  }
});

test.run();
