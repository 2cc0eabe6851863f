import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { UserError } from '../../../model/input/userError.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { fitFleet } from '../../../studies/calibration/fitFleet.ts';
import { runCli } from '../../support/runCli.ts';
import { type Measuring, type NodeTruth, writeNode } from '../nodes/syntheticNodes.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-fleet-'));
const test = suite('one machine for several nodes');
test.after(() => rmSync(folder, { recursive: true, force: true }));

const measured = { noise: 0.003, seed: 1, copiesOnly: true };
/** The calibration of a node on which this is true. */
const node = (place: string, truth: NodeTruth, how: Partial<Measuring> = {}) =>
  join(writeNode(join(folder, place), truth, { ...measured, ...how }), 'calibration.yaml');
/** A node whose links carry so much. */
const linked = (name: string, bytesPerS: number): NodeTruth => ({
  name,
  linkBytesPerS: { 0: bytesPerS, 1: bytesPerS },
});

const LINKS = [48e9, 50e9, 53e9];
const files = LINKS.map((bytesPerS, index) =>
  node('fleet', linked(`n${index}`, bytesPerS), { seed: index + 1 }),
);

test('numbers are medians over nodes, and intervals hold what is true of each', () => {
  const { numbers, entries, system, nodes } = fitFleet(files);
  assert.equal(
    nodes.map(({ name }) => name),
    ['n0', 'n1', 'n2'],
  );
  const h2d = numbers.find(({ key }) => key === 'gpu.copyEngine.h2d')!;
  assert.equal([h2d.least.node, h2d.most.node, h2d.fittedOn, h2d.unit], ['n0', 'n2', 3, 'GB/s']);
  // Pauses between chunks are the machine's: what they take of a chunk of 4 MiB is within 2 %.
  assert.ok(Math.abs(h2d.median / 50 - 1) < 0.02, `${h2d.median}`);
  assert.ok(h2d.low < 48 * 1.02 && h2d.high > 53 * 0.98, `${h2d.low} to ${h2d.high}`);
  const own = nodes.map(({ fitted }) => fitted.entries.get('gpu.copyEngine.h2d')!);
  const ends = own.map(({ interval }) => interval!.map((text) => Number.parseFloat(String(text))));
  assert.is(h2d.low, Math.min(...ends.map(([low]) => low!)));
  assert.is(h2d.high, Math.max(...ends.map(([, high]) => high!)));
  const entry = entries.get('gpu.copyEngine.h2d')!;
  assert.equal(
    [entry.from, entry.source],
    ['fitted', 'calibrations of n0, n1, n2: median and interval over nodes'],
  );
  assert.ok(Math.abs(system.gpu.copyEngine.h2dBytesPerS / 1e9 - h2d.median) < 1e-3);
});

test('the command writes a machine that loads, whose intervals say whom they are of, and names an ill node', async () => {
  const out = join(folder, 'fleet.yaml');
  const ill = node('fleet', { name: 'ill', linkBytesPerS: { 0: 20e9 } }, { seed: 9 });
  const { code, stdout, stderr } = await runCli(['fit', ...files, ill, '--out', out]);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^4 nodes: n0, n1, n2, ill$/m);
  assert.match(stdout, /^gpu\.copyEngine\.h2d +\d+\.\d+ +\d+\.\d+ +\d+\.\d+ +GB\/s +ill +n2 +4$/m);
  assert.match(stderr, /note: ill is ill \(.*H2D, one GPU.*\); leave it out/);
  const { id, gpu } = parse(readFileSync(out, 'utf8'));
  assert.is(id, 'h200-x2-fitted-fleet');
  assert.is(gpu.copyEngine.h2d.source, 'calibrations of n0, n1, n2, ill: median and interval over nodes');
  assert.is(loadSystem(out).id, id);
  const { numbers, nodes } = JSON.parse((await runCli(['fit', ...files, '--json'])).stdout);
  assert.is(nodes.length, 3);
  assert.ok(numbers.some(({ key }: { key: string }) => key === 'tree.gpu1.down'));
});

for (const [what, refused, message] of [
  [
    'nodes calibrated as different machines',
    () => [files[0]!, node('other', linked('m', 50e9), { machine: 'h200-x2' })],
    /m\/calibration\.yaml: machine: h200-x2, and .*n0.* is of h200-x2-fitted; nodes of one kind/,
  ],
  [
    'a node twice',
    () => [files[0]!, files[1]!, node('again', linked('n0', 50e9))],
    /again\/n0\/calibration\.yaml: is of n0, as .*fleet\/n0\/calibration\.yaml is, and a node counts once/,
  ],
] as const) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => fitFleet(refused()),
      (error: Error) => error instanceof UserError && message.test(error.message),
    );
  });
}

test.run();
