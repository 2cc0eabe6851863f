import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { simulate } from '../../../sim/simulate.ts';
import { readSteps } from '../../../studies/dataset/stepRecords.ts';
import { readTimeline } from '../../../studies/dataset/timelineRecord.ts';
import { cellScenario } from '../../../studies/grid/cellScenario.ts';
import { compareSteps } from '../../../studies/heldOut/compareSteps.ts';
import { chartPage } from '../../../studies/plots/html.ts';
import { predictedVsMeasured } from '../../../studies/plots/predictedVsMeasured.ts';
import { renderPng, renderSvg } from '../../../studies/plots/render.ts';
import { timelineChart } from '../../../studies/plots/timelineChart.ts';

const folder = join(packageRoot, 'experiments', 'h200-steps');
const system = loadSystem('h200-x1-fitted');

/** Texts of a drawing in their order; a heading may have several lines. */
const textsOf = (svg: string) => [...svg.matchAll(/<t(?:ext|span)[^>]*>([^<]+)</g)].map(([, text]) => text!);

const scatter = suite('predicted over measured');
const runs = readSteps([join(folder, 'one-rank.jsonl'), join(folder, 'mirrored.jsonl')]).filter(({ cell }) =>
  cell.id.startsWith('flux.1-dev-512x512'),
);
const steps = compareSteps(runs, system);
const spec = predictedVsMeasured(steps, 'FLUX.1-dev, 512x512');

scatter('has a panel for each place and transport, and every step in one of them', async () => {
  const svg = await renderSvg(spec);
  for (const [where, count] of [
    ['one rank', 9],
    ['mirrored, staged-sm:2', 10],
    ['mirrored, staged-sm:16', 10],
    ['mirrored, staged-copy', 10],
  ] as const) {
    const heading = new RegExp(`${where}: ${count} steps, MAPE [\\d.]+ %, largest [\\d.]+ %`);
    assert.match(textsOf(svg).join(' '), heading);
  }
  // Each step is a point among the times and one among the errors.
  const marks = svg.match(/aria-roledescription="point"/g)!;
  assert.is(marks.length, 2 * steps.length);
  assert.equal(Buffer.from(renderPng(svg, 1).subarray(1, 4)).toString(), 'PNG');
});

scatter('puts a step where its times are', () => {
  const text = JSON.stringify(spec);
  const [step] = steps;
  assert.ok(text.includes(`"measuredMs":${step!.run.stepS * 1e3}`));
  assert.ok(text.includes(`"simulatedMs":${step!.simulatedS * 1e3}`));
});

scatter('as a page it brings what draws it, and its data cannot end the script', () => {
  const page = chartPage({ ...spec, title: '</script><script>alert(1)' });
  assert.ok(
    page.includes('<title>&lt;/script&gt;&lt;script&gt;alert(1)</title>') && page.includes('vegaEmbed('),
  );
  assert.not.match(page, /<script>alert/);
  assert.not.match(page, /<script [^>]*src=/);
  assert.ok(page.length > 500_000);
});

scatter.run();

const timelines = suite('a block, simulated over measured');
for (const plan of ['yield', 'layerwise']) {
  const record = readTimeline(join(folder, `timeline-${plan}.json`));
  const { workload, plans } = cellScenario({ ...record.cell, plans: [record.plan] });
  const simulated = simulate(workload, system, plans[0]!, { breakEven: false, timeline: true }).timeline!;
  const measured = { ...record.timeline, links: [], arrivals: [] };
  const both = [
    { name: 'simulated', timeline: simulated },
    { name: 'measured', timeline: measured },
  ];

  timelines(`${record.plan}: both lie on one axis, and take as long within 3 %`, async () => {
    const svg = await renderSvg(timelineChart(both, 1, record.plan));
    const [ours, theirs] = [...svg.matchAll(/>(?:simulated|measured): ([\d.]+) ms</g)].map(([, ms]) =>
      Number(ms),
    );
    assert.ok(Math.abs(ours! / theirs! - 1) < 0.03, `${ours} and ${theirs} ms`);
    for (const track of ['compute', 'h2d']) assert.ok(svg.includes(`>${track}<`), track);
  });

  timelines(`${record.plan}: copies of a block move as many bytes as simulated`, () => {
    const bytes = ({ intervals }: Pick<typeof simulated, 'intervals'>) =>
      intervals
        .filter(({ category }) => category === 'prefetch')
        .reduce((sum, interval) => sum + interval.bytes, 0);
    assert.ok(Math.abs(bytes(simulated) / bytes(measured) - 1) < 0.01);
  });

  timelines(`${record.plan}: a block that is not there is refused`, () =>
    assert.throws(() => timelineChart(both, 99, ''), /has no block 99/),
  );
}
timelines.run();
