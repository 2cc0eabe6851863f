import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { validate } from '../../../library/validate.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { readSteps, type StepRun, stepLines } from '../../../studies/dataset/stepRecords.ts';
import { runCli } from '../../support/runCli.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-by-node-'));
const test = suite('errors by node');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const MACHINE = 'h200-x2-fitted';
const cell = readSteps([join(packageRoot, 'experiments/pair/host-b/pair-steps.jsonl')]).filter(
  ({ cell: { id }, transport }) => id.startsWith('flux.1-dev-1024') && transport === 'shm',
);

/** The same plans on a node that takes so many times as long. */
const on = (node: string, factor: number): StepRun[] =>
  cell.map((run) => ({
    ...{ ...run, node, gpus: [{ pciBus: '0000:18:00.0' }, { pciBus: '0000:19:00.0' }] },
    ...{ stepS: run.stepS * factor, visitS: run.visitS.map((seconds) => seconds * factor) },
  }));

function dataset(name: string, steps: readonly StepRun[]): string {
  const file = join(folder, `${name}.jsonl`);
  writeFileSync(file, stepLines(steps));
  return file;
}

assert.ok(cell.length >= 4, 'plans of a cell');
const sound = [on('a', 1), on('b', 1.01), on('c', 0.992)].flat();
const slow = dataset('slow', [...sound, ...on('d', 1.25)]);

test('each node has its errors, the whole dataset its own, and the slow node is named', () => {
  const { byNode, all } = validate([slow], { machine: MACHINE, by: 'node' });
  const { nodes, findings } = byNode!;
  assert.equal(
    nodes.map(({ name, simulated }) => [name, simulated.n]),
    ['a', 'b', 'c', 'd'].map((name) => [name, cell.length]),
  );
  assert.is(all.simulated.n, 4 * cell.length);
  const [a, , , d] = nodes;
  assert.ok(Math.abs((1 + d!.simulated.bias) * 1.25 - (1 + a!.simulated.bias)) < 1e-9);
  assert.equal(a!.kendallTau, d!.kendallTau, 'a factor on all plans leaves their order');
  assert.equal(
    findings.map(({ node, standing, direction, quantity }) => [node, standing, direction, quantity]),
    [['d', 'ill', 'slow', 'steps, real, shm']],
  );
  assert.ok(Math.abs(findings[0]!.apart - 0.25) < 0.01, `${findings[0]!.apart}`);
});

test('the sum over one node is that of its lines by themselves', () => {
  const { byNode } = validate([slow], { machine: MACHINE, by: 'node' });
  const alone = validate([dataset('alone', on('d', 1.25))], { machine: MACHINE, by: 'node' });
  const { name: _, kendallTau, ...own } = byNode!.nodes.find(({ name }) => name === 'd')!;
  assert.equal(own, Object.fromEntries(Object.entries(alone.all).filter(([key]) => key !== 'name')));
  assert.is(kendallTau, alone.byNode!.nodes[0]!.kendallTau);
  assert.equal(alone.byNode!.findings, []);
});

test('a line that stands there twice counts once, with a note', async () => {
  const twice = join(folder, 'twice.jsonl');
  writeFileSync(twice, readFileSync(slow, 'utf8').repeat(2));
  const [once, again] = [[slow], [twice]].map((files) => validate(files, { machine: MACHINE, by: 'node' }));
  assert.is(once!.repeatedLines, 0);
  assert.is(again!.repeatedLines, 4 * cell.length);
  assert.equal({ ...again, repeatedLines: 0 }, once);
  const { stdout, stderr } = await runCli([
    'validate',
    twice,
    '--machine',
    MACHINE,
    '--by',
    'node',
    '--worst',
    '0',
  ]);
  assert.match(
    stderr,
    new RegExp(`note: ${4 * cell.length} lines stand there more than once, and count once`),
  );
  assert.match(stdout, /\nby node\nnode +n +MAPE %/);
  assert.match(
    stdout.replaceAll(/\n {2}/g, ' '),
    /d is ill: steps, real, shm, take \d+\.\d % longer than the same plans on the other nodes/,
  );
});

test('sound nodes are none of them named; without plans in common nothing is compared; two nodes differ', async () => {
  const lines = async (...files: string[]) => {
    const { stdout, code } = await runCli([
      'validate',
      ...files,
      '--machine',
      MACHINE,
      '--by',
      'node',
      '--worst',
      '0',
    ]);
    assert.is(code, 0);
    return stdout.replaceAll(/\n {2}/g, ' ');
  };
  assert.match(
    await lines(dataset('sound', sound)),
    /no node's bias stands out from the others \(3 comparisons;/,
  );
  const apart = [...on('a', 1).slice(0, 2), ...on('b', 1).slice(2)];
  assert.match(await lines(dataset('apart', apart)), /no plan was measured on two nodes of one kind/);
  const two = await lines(dataset('two', [...on('a', 1), ...on('d', 1.25)]));
  assert.match(two, /d differs: steps, real, shm, take 25\.0 % longer/);
  assert.not.match(two, /is ill/);
  const refused = await runCli(['validate', 'published', '--by', 'node']);
  assert.is(refused.code, 2);
});

test('the chart of errors has a panel for each node, and the report a table', async () => {
  const csv = join(folder, 'errors.csv');
  await runCli(['plot', 'errors', slow, '--machine', MACHINE, '--by', 'node', '--out', csv]);
  const [header, ...rows] = readFileSync(csv, 'utf8').trimEnd().split('\n');
  const where = header!.split(',').indexOf('where');
  assert.equal([...new Set(rows.map((row) => row.split(',')[where]))], ['a', 'b', 'c', 'd']);
  const report = join(folder, 'report.md');
  await runCli(['report', slow, '--machine', MACHINE, '--out', report]);
  assert.match(readFileSync(report, 'utf8'), /Errors of the simulation, by node[\s\S]*d is ill/);
});

test.run();
