import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PublishedRow, publishedChart } from '../../../studies/plots/publishedChart.ts';
import { renderPng, renderSvg } from '../../../studies/plots/render.ts';

const wan = 'Wan2.2-TI2V-5B, 81 frames';
const flux = 'FLUX.1-dev, batch 8';
const rows: PublishedRow[] = [
  { case: wan, plan: 'none', source: 'published', stepTimeS: 1.302 },
  { case: wan, plan: 'none', source: 'closed form', stepTimeS: 1.3 },
  { case: wan, plan: 'none', source: 'simulated', stepTimeS: 1.31 },
  { case: wan, plan: 'layerwise-drain', source: 'published', stepTimeS: 1.886 },
  { case: wan, plan: 'layerwise-drain', source: 'closed form', stepTimeS: 1.83 },
  { case: wan, plan: 'layerwise-drain', source: 'simulated', stepTimeS: 1.85 },
  { case: wan, plan: 'chunkflow-paper', source: 'published', stepTimeS: 1.483 },
  { case: wan, plan: 'chunkflow-paper', source: 'closed form', stepTimeS: 1.5 },
  { case: wan, plan: 'chunkflow-paper', source: 'simulated', stepTimeS: 1.49 },
  { case: flux, plan: 'none', source: 'published', stepTimeS: 1.624 },
  { case: flux, plan: 'none', source: 'closed form', stepTimeS: 1.63 },
  { case: flux, plan: 'none', source: 'simulated', stepTimeS: 1.62 },
  { case: flux, plan: 'layerwise-drain', source: 'published', stepTimeS: 2.079 },
  { case: flux, plan: 'layerwise-drain', source: 'closed form', stepTimeS: 2.01 },
  { case: flux, plan: 'layerwise-drain', source: 'simulated', stepTimeS: 2.1 },
  { case: flux, plan: 'chunkflow-paper', source: 'published', stepTimeS: 1.895 },
  { case: flux, plan: 'chunkflow-paper', source: 'closed form', stepTimeS: 1.98 },
];

const test = suite('charts');

test('the SVG names every case, plan and source, and the error of each prediction', async () => {
  const svg = await renderSvg(publishedChart(rows, 'Published dual-H100 steps'));
  const expected = [wan, flux, 'none', 'layerwise-drain', 'chunkflow-paper', 'published', 'closed form'];
  for (const text of [...expected, 'simulated', 'step time (s)', '1.89', '\u22123.0%', '+4.5%']) {
    assert.ok(svg.includes(`>${text}<`), `${text} is missing`);
  }
});

test('the same rows give the same SVG', async () => {
  assert.is(
    await renderSvg(publishedChart(rows, '')),
    await renderSvg(publishedChart(structuredClone(rows), '')),
  );
});

test('labels reach the PNG, and it is the same again', async () => {
  const svg = await renderSvg(publishedChart(rows, ''));
  const labelled = renderPng(svg, 1);
  const bare = renderPng(svg.replace(/<text.*?<\/text>/gs, ''), 1);
  assert.equal(Buffer.from(labelled.subarray(1, 4)).toString(), 'PNG');
  assert.not.equal(Buffer.from(labelled), Buffer.from(bare));
  assert.equal(Buffer.from(labelled), Buffer.from(renderPng(svg, 1)));
});

test('a prediction without a published time carries no error', async () => {
  const svg = await renderSvg(
    publishedChart([{ case: wan, plan: 'yield', source: 'simulated', stepTimeS: 1 }], ''),
  );
  assert.not.match(svg, '%<');
});

test.run();
