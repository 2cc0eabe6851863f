import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { grouped } from '../../../model/input/grouped.ts';
import { compareNodes, type NodeFinding } from '../../../studies/nodes/compareNodes.ts';
import { measuredNodes } from '../../../studies/nodes/nodeSources.ts';
import { runCli } from '../../support/runCli.ts';
import { type NodeTruth, normalNumbers, writeNode } from './syntheticNodes.ts';

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-nodes-'));
const test = suite('nodes that are compared');
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** A fleet of which this is true, with sound hosts that differ by 2 % and rounds by 1 %. */
function fleet(name: string, truths: readonly Omit<NodeTruth, 'name'>[]) {
  const place = join(folder, name);
  const normal = normalNumbers(truths.length);
  for (const [index, truth] of truths.entries())
    writeNode(
      place,
      { name: `n${index}`, host: Math.exp(0.02 * normal()), ...truth },
      { noise: 0.01, seed: 100 + index },
    );
  return compareNodes(measuredNodes([place]).nodes);
}

const sound = (count: number): Omit<NodeTruth, 'name'>[] => Array.from({ length: count }, () => ({}));
const told = ({ node, gpu, standing, direction }: NodeFinding) =>
  `${node} ${gpu?.pciBus ?? '-'} ${standing} ${direction}`;
const HALF = { linkBytesPerS: { 1: 27e9 } };

test('half the width of one link: the node, its GPU, and how far', () => {
  for (const count of [3, 5]) {
    const { findings } = fleet(`half-${count}`, [...sound(count - 1), HALF]);
    assert.ok(findings.length > 0);
    const ill = findings.filter(({ gpu }) => gpu !== null);
    for (const finding of ill) assert.is(told(finding), `n${count - 1} 0000:01:00.0 ill slow`);
    assert.equal([...new Set(findings.map(({ node }) => node))], [`n${count - 1}`]);
    const h2d = findings.find(({ quantity }) => quantity === 'H2D, 2 GPUs at once')!;
    assert.ok(Math.abs(h2d.apart + 0.49) < 0.05, `${h2d.apart}`);
    assert.is(h2d.gpu!.rank, 1);
    assert.is(h2d.gpu!.uuid, `GPU-n${count - 1}-1`);
    assert.ok(h2d.statistics!.z < -h2d.statistics!.leastZ);
  }
});

test('a clock that is 15 % low: in the clock and in what follows it, on the GPU that was measured', () => {
  const { findings, kinds } = fleet('clock', [...sound(3), { clock: 0.85 }]);
  assert.ok(findings.some(({ quantity }) => quantity === 'clock, short runs'));
  // One segment measured once is too little to call attention ill for 13 %, and is no contradiction.
  const attention = kinds[0]!.quantities.find(({ quantity }) => quantity.name === 'attention')!;
  const [slow] = attention.nodes.filter(({ node }) => node === 'n3');
  assert.ok(slow!.apart < -0.1 && slow!.z < -3);
  for (const finding of findings) assert.is(told(finding), 'n3 0000:00:00.0 ill slow');
});

test('a node that is faster than the others stands out and is not ill', () => {
  const { findings } = fleet('fast', [...sound(4), { host: 1.6 }]);
  assert.ok(findings.length > 5);
  for (const { node, standing, direction } of findings)
    assert.equal([node, standing, direction], ['n4', 'stands out', 'fast']);
});

test('of two nodes none is ill: they differ', () => {
  const { findings } = fleet('two', [{}, HALF]);
  const h2d = findings.filter(({ quantity, gpu }) => quantity === 'H2D, 2 GPUs at once' && gpu!.rank === 1);
  assert.equal(h2d.map(told).sort(), ['n0 0000:01:00.0 differs fast', 'n1 0000:01:00.0 differs slow']);
  assert.ok(findings.every(({ standing }) => standing === 'differs'));
});

test('nodes of other kinds are not compared, and what nodes of one kind differ in is said', () => {
  const { kinds, findings } = fleet('kinds', [
    ...[{ vbios: '96.00' }, { vbios: '96.00' }, { vbios: '96.01' }],
    { driver: '570.10', ...HALF, linkBytesPerS: { 0: 10e9, 1: 10e9 } },
  ]);
  assert.equal(
    kinds.map(({ name, nodes }) => [name, nodes]),
    [
      ['NVIDIA H200, driver 580.95', ['n0', 'n1', 'n2']],
      ['NVIDIA H200, driver 570.10', ['n3']],
    ],
  );
  assert.equal(kinds[0]!.differences, ['firmware differs: 96.00 on n0, n1; 96.01 on n2']);
  assert.equal(kinds[1]!.quantities, []);
  assert.equal(findings, []);
});

test('what the driver says of a link: one that could be wider is ill, one that cannot is of another kind', () => {
  const whole = { link: { lanes: 16, mostLanes: 16, mostGeneration: 5 } };
  const { kinds, findings } = fleet('lanes', [
    whole,
    whole,
    { link: { lanes: 8, mostLanes: 16, mostGeneration: 5 } },
    { link: { lanes: 8, mostLanes: 8, mostGeneration: 5 } },
  ]);
  assert.equal(
    kinds.map(({ name, nodes }) => [name, nodes]),
    [
      ['NVIDIA H200, driver 580.95, PCIe 5 x16', ['n0', 'n1', 'n2']],
      ['NVIDIA H200, driver 580.95, PCIe 5 x8', ['n3']],
    ],
  );
  assert.equal(
    findings.map((finding) => [told(finding), finding.quantity, finding.apart]),
    [0, 1].map((rank) => [`n2 0000:0${rank}:00.0 ill slow`, 'PCIe lanes, 8 of 16', -0.5]),
  );
});

test('records that do not name their node are of one that is called as their folder is', () => {
  const { nodes, notes } = measuredNodes(['experiments/pair/host-d', 'experiments/pair/host-e']);
  assert.equal(
    nodes.map(({ name }) => name),
    ['host-d', 'host-e'],
  );
  assert.equal(
    notes.filter((note) => note.includes('name their node')),
    ['d', 'e'].map(
      (host) =>
        `experiments/pair/host-${host}: its records do not name their node; it is called as its folder is`,
    ),
  );
  assert.throws(
    () => measuredNodes(['docs']),
    /"docs": holds no calibration\.yaml and no dataset, nor do its folders/,
  );
});

test('six hosts of H200s, on none of which anything was wrong: none is ill, and they differ by what is usual', () => {
  const { nodes } = measuredNodes(['experiments/pair', 'experiments/four/host-c']);
  const { kinds, findings } = compareNodes(nodes);
  assert.equal(findings, []);
  assert.equal(
    kinds.map(({ name, nodes: own }) => [name, own.length]),
    [['NVIDIA H200, driver 580.159.04', 6]],
  );
  const spreads = grouped(kinds[0]!.quantities, ({ quantity }) => quantity.class);
  for (const of of ['link', 'host', 'collective', 'latency', 'step'] as const) {
    const sorted = spreads
      .get(of)!
      .map(({ spread }) => spread)
      .sort((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)]!;
    const { usual } = spreads.get(of)![0]!;
    assert.ok(middle <= usual && middle > usual / 5, `${of}: ${middle}, usual ${usual}`);
  }
});

test('the command names the ill node and its GPU, and ends with 1 where it is asked to', async () => {
  const place = join(folder, 'half-5');
  const { code, stdout, stderr } = await runCli(['nodes', place]);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^5 nodes of NVIDIA H200, driver 580\.95: n0, n1, n2, n3, n4$/m);
  assert.match(
    stdout,
    /^ill: n4, GPU 0000:01:00\.0 \(rank 1, GPU-n4-1\): H2D, 2 GPUs at once, \d+\.\d % below the other nodes: slow \(z -\d+\.\d, chance ends at \d+\.\d\)$/m,
  );
  assert.match(stdout, /^\d+ comparisons; chance alone would name a node in at most 5 of 100 sound fleets$/m);
  assert.is((await runCli(['nodes', place, '--fail-on-ill'])).code, 1);
  assert.is((await runCli(['nodes', join(folder, 'fast'), '--fail-on-ill'])).code, 0, 'fast is not ill');
  assert.is(
    (await runCli(['nodes', join(folder, 'two'), '--fail-on-ill'])).code,
    0,
    'nobody knows which of two',
  );
  const { findings, kinds, comparisons } = JSON.parse((await runCli(['nodes', place, '--json'])).stdout);
  assert.is(findings[0].node, 'n4');
  assert.is(
    comparisons,
    kinds[0].quantities.reduce((sum: number, { nodes }: { nodes: unknown[] }) => sum + nodes.length, 0),
  );
  const refused = await runCli(['nodes', 'docs']);
  assert.equal([refused.code, refused.stderr.split(':')[0]], [2, 'error']);
});

test('the chart has a point for each node in each quantity, and names the ill one', async () => {
  const csv = join(folder, 'nodes.csv');
  const { code, stderr } = await runCli(['plot', 'nodes', join(folder, 'half-5'), '--out', csv]);
  assert.is(code, 0, stderr);
  const [header, ...rows] = readFileSync(csv, 'utf8').trimEnd().split('\n');
  const at = header!.split(',').indexOf('standing');
  assert.ok(rows.length % 5 === 0 && rows.length >= 5 * 18, `${rows.length} rows`);
  const ill = rows.filter((row) => /,ill,/.test(row));
  assert.ok(at > 0 && ill.length >= 1 && ill.every((row) => row.includes('n4')));
  const alone = await runCli(['plot', 'nodes', join(folder, 'half-5', 'n0'), '--out', csv]);
  assert.is(alone.code, 2);
  assert.match(alone.stderr, /no two nodes of one kind measured the same/);
});

test.run();
