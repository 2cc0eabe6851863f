import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { simulate } from '../../../sim/simulate.ts';
import { type StepRun, stepLines } from '../../../studies/dataset/stepRecords.ts';
import { readExperiment } from '../../../studies/grid/experimentFile.ts';
import { type Front, frontChart } from '../../../studies/plots/frontChart.ts';
import { chartPage } from '../../../studies/plots/html.ts';
import { measuredFront } from '../../../studies/plots/measuredFront.ts';
import { renderPng, renderSvg } from '../../../studies/plots/render.ts';
import { THEMES } from '../../../studies/plots/theme.ts';
import { cellFront } from '../../../studies/regret/cellFront.ts';
import { runCli } from '../../support/runCli.ts';
import { chosenExperiment, DEVICE, MACHINE, PLANS } from '../regret/chosenExperiment.ts';

const GiB = 2 ** 30;
const points = (svg: string) => svg.match(/aria-roledescription="point"/g)?.length ?? 0;
const texts = (svg: string) => [...svg.matchAll(/<t(?:ext|span)[^>]*>([^<]+)</g)].map(([, text]) => text!);

const fronts = suite('the front of memory and time');
const predicted: Front['predicted'] = [
  { gpuPeakBytes: 4 * GiB, stepTimeS: 0.5, boundS: 0.48, plan: 'a', transport: 'staged-sm:2' },
  { gpuPeakBytes: 8 * GiB, stepTimeS: 0.4, boundS: 0.39, plan: 'b', transport: 'staged-copy' },
  { gpuPeakBytes: 12 * GiB, stepTimeS: 0.3, boundS: 0.3, plan: 'c', transport: 'staged-copy' },
];
const measured: NonNullable<Front['measured']> = [
  { gpuBytes: 4 * GiB, stepS: 0.51, lowS: 0.505, highS: 0.53, plan: 'a', series: 'staged-sm:2' },
  { gpuBytes: 8 * GiB, stepS: 0.41, lowS: 0.4, highS: 9, plan: 'b', series: 'staged-copy' },
];

fronts('predictions, bound and no offload; a legend that says which is which', async () => {
  const svg = await renderSvg(frontChart({ predicted, noneS: 0.35 }, 'a title'));
  const said = texts(svg);
  for (const text of [
    ...['a title', 'GPU memory (GiB)', 'step time (ms)', 'no offload'],
    ...['best plans', 'lower bound', 'staged-copy', 'staged-sm:2'],
  ])
    assert.ok(said.includes(text), `${text} in ${said.join(', ')}`);
  assert.not.ok(said.includes('measured'));
  // Each of the front, and a dot of the bound for each.
  assert.is(points(svg), 2 * predicted.length);
  assert.equal(Buffer.from(renderPng(svg, 1).subarray(1, 4)).toString(), 'PNG');
});

fronts('measurements are points more, with bars that cannot stretch the axis', async () => {
  const spec = frontChart({ predicted, measured }, '');
  const svg = await renderSvg(spec);
  assert.is(points(svg), 2 * predicted.length + measured.length);
  assert.ok(texts(svg).includes('measured') && texts(svg).includes('predicted'));
  assert.not.ok(texts(svg).includes('no offload'));
  const ms = texts(svg).map(Number).filter(Number.isFinite);
  assert.is(Math.max(...ms), 500);
  const text = JSON.stringify(spec);
  assert.ok(text.includes('"lowMs":505') && text.includes('"highMs":9000'));
});

fronts('draws the same in whatever order its points come', async () => {
  const [one, other] = [
    { predicted, measured },
    { predicted: [...predicted].reverse(), measured: [...measured].reverse() },
  ];
  assert.is(await renderSvg(frontChart(one, 'x')), await renderSvg(frontChart(other, 'x')));
});

fronts('a transport looks alike in every chart', async () => {
  const alone = await renderSvg(frontChart({ predicted: predicted.slice(0, 1) }, ''));
  const { series } = THEMES.light;
  assert.ok(alone.includes(series[1]!) && !alone.includes(series[0]!));
});

fronts('as a page it has tooltips; without points there is none', () => {
  const page = chartPage(frontChart({ predicted }, ''));
  assert.ok(page.includes('"above the bound (%)"') && page.includes('"percent":4.16'));
  assert.throws(() => frontChart({ predicted: [] }, ''), /without points/);
});

fronts.run();

const folder = mkdtempSync(join(tmpdir(), 'chunkflow-front-'));
const cells = suite('choices among what a cell measured');
cells.after(() => rmSync(folder, { recursive: true, force: true }));

const { file, cell, workload, system, plans, gpuBytes, steps } = chosenExperiment(folder);
const MS = [10, 15, 16, 10.4, 9, 8.8, 14];
const frontOf = (runs: readonly StepRun[], mode: StepRun['mode'] = 'eager') =>
  cellFront(readExperiment(file), runs, { cell: cell.id, mode, machine: null });

cells('each choice once for what it was chosen from, with what is simulated of it', () => {
  const { front, where, machine, problems, notes } = frontOf(steps(MS));
  assert.equal([where.device, machine, problems, notes], [DEVICE, MACHINE, [], []]);
  assert.equal(
    front.choices.map(({ plan, from, stepS, predictedS }) => [plan, from, stepS, predictedS]),
    [
      [3, 'staged-sm:2'],
      [4, 'any transport'],
    ].map(([index, from]) => [
      PLANS[index as number],
      from,
      MS[index as number]! / 1e3,
      simulate(workload, system, plans[index as number]!, { breakEven: false }).report.stepTimeS,
    ]),
  );
  assert.equal(
    front.others.map(({ plan }) => plan),
    PLANS.filter((_, index) => index !== 3 && index !== 4),
  );
});

cells('choices twice, measured and predicted; others once; no offload as lines, SGLang by name', async () => {
  const { front } = frontOf(steps(MS));
  const spec = measuredFront(front, { title: 'own', subtitle: ['on it'] });
  const svg = await renderSvg(spec);
  assert.is(points(svg), 2 * 2 + 5);
  const said = texts(svg);
  for (const text of [
    ...['own', 'on it', 'none, staged-sm:2', 'none, staged-copy', 'other plans', 'any transport'],
    ...['layerwise, staged-sm:2', 'layerwise-drain, staged-sm:2', 'choices, measured', 'choices, predicted'],
  ])
    assert.ok(said.includes(text), `${text} in ${said.join(', ')}`);
  // Only plain presets are known by name.
  assert.not.match(svg, /slots=3[^"]*<\/text>/);
  assert.ok(JSON.stringify(spec).includes(`"gib":${gpuBytes[3]! / GiB}`));
});

cells('a choice that lowers to other operations now is measured alone', async () => {
  const runs = steps(MS);
  runs[3] = { ...runs[3]!, stepProgram: '0'.repeat(16) };
  const { front, notes } = frontOf(runs);
  assert.match(notes.join('\n'), /lowers to other operations now than when it was measured: not predicted$/);
  assert.is(points(await renderSvg(measuredFront(front, { title: '', subtitle: [] }))), 2 + 1 + 5);
});

cells('one chart shows one device', () => {
  const there = { device: { name: 'NVIDIA H200', driver: '580.95', cuda: '13.0' } };
  assert.throws(
    () => frontOf([...steps(MS), ...steps(MS, there)]),
    /was measured on NVIDIA H100 80GB HBM3, mirrored and NVIDIA H200, mirrored; give the datasets of one of them/,
  );
  assert.throws(() => frontOf(steps(MS), 'graph'), /hold no graph step/);
});

cells('the command: names device and machine; exits with 1 for choices without an answer', async () => {
  const dataset = join(folder, 'steps.jsonl');
  const out = join(folder, 'front.svg');
  const command = (...flags: string[]) => runCli(['plot', 'front', file, dataset, ...flags]);
  writeFileSync(dataset, stepLines(steps(MS)));
  const drawn = await command('--cell', cell.id, '--out', out);
  assert.equal([drawn.code, drawn.stdout, drawn.stderr], [0, `${out}\n`, '']);
  const said = texts(readFileSync(out, 'utf8')).join('\n');
  assert.ok(
    said.includes(`measured on ${DEVICE}, mirrored, eager`) && said.includes(`predicted for ${MACHINE}`),
    said,
  );
  assert.is((await command('--cell', cell.id, '--machine', 'h200-x1', '--out', out)).code, 0);
  assert.match(readFileSync(out, 'utf8'), /predicted for h200-x1</);
  for (const [flags, message] of [
    [['--cell', 'x', '--out', out], /has no cell "x" with choices; it has /],
    [['--cell', cell.id, '--out', 'front.txt'], /expected a name that ends in/],
  ] as const) {
    const refused = await command(...flags);
    assert.is(refused.code, 2);
    assert.match(refused.stderr, message);
  }
  writeFileSync(dataset, stepLines(steps(MS.slice(0, 4))));
  const missing = await command('--cell', cell.id, '--out', out);
  assert.is(missing.code, 1);
  assert.match(
    missing.stderr,
    /^error: .*: the choice yield,transport=staged-copy for .* was not measured\n/,
  );
});

cells.run();
