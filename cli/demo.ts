import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot } from '../model/input/packageFiles.ts';
import { UserError } from '../model/input/userError.ts';
import { hostLoop } from '../studies/hostLoop.ts';
import { type PublishedRow, publishedChart } from '../studies/plots/publishedChart.ts';
import { renderPng, renderSvg } from '../studies/plots/render.ts';
import {
  type ComparedPlan,
  comparePlans,
  dualH100Cases,
  paperCrossings,
} from '../studies/published/dualH100.ts';
import { residencyCurve } from '../studies/published/residency.ts';
import { writeTraces } from './files/traceFiles.ts';
import { processOutput } from './output.ts';
import { startProgress } from './text/progress.ts';
import { type Column, formatTable } from './text/table.ts';

/** Plans of the demo: what was published, what SGLang does upstream, and yielding in device order. */
const PLANS = ['none', 'layerwise', 'layerwise-drain', 'chunkflow-paper', 'yield'];
/** The plan whose trace is written: prefetch shares the links with the collectives, so it has most to show. */
const TRACED = 'chunkflow-paper';

const percent = (predicted: number, published: number) => (predicted / published - 1) * 100;

const STEP_COLUMNS: readonly Column<ComparedPlan>[] = [
  { header: 'plan', value: (row) => row.plan },
  { header: 'published s', value: (row) => row.publishedS, digits: 3 },
  { header: 'closed form s', value: (row) => row.closedForm.stepTimeS, digits: 3 },
  { header: 'simulated s', value: (row) => row.simulation.report.stepTimeS, digits: 3 },
  { header: 'closed form error %', value: (row) => errorOf(row, row.closedForm.stepTimeS), digits: 1 },
  { header: 'simulated error %', value: (row) => errorOf(row, row.simulation.report.stepTimeS), digits: 1 },
  { header: 'exposed ms', value: (row) => row.simulation.report.exposedPrefetchS * 1e3, digits: 0 },
  { header: 'inflation ms', value: (row) => row.simulation.report.collectiveInflationS * 1e3, digits: 0 },
  { header: 'GPU GiB', value: (row) => row.simulation.report.gpuPeakBytes / 2 ** 30, digits: 1 },
];

function errorOf(row: ComparedPlan, seconds: number): number | null {
  // `none` calibrated the machine, so its agreement says nothing.
  return row.publishedS === null || row.plan === 'none' ? null : percent(seconds, row.publishedS);
}

const out = (text: string) => processOutput.result(text);

/** `npm run demo`: the published dual-H100 steps, predicted two ways, with a chart and a trace. */
async function demo(): Promise<void> {
  const folder = join(packageRoot, 'out', 'demo');
  mkdirSync(folder, { recursive: true });
  const cases = dualH100Cases();
  const progress = startProgress(processOutput, 'published cases', cases.length);
  const compared = cases.map((published) => {
    const rows = comparePlans(published, PLANS, true);
    progress.advance(published.name);
    return { published, rows };
  });
  progress.end();

  out('Published steps on 2x H100 PCIe behind one host root, NCCL over host memory, Ulysses 2.\n');
  out(
    'Each case is calibrated on its no-offload arm alone (compute and collective time); every other row is\n',
  );
  out('predicted from the machine file. An empty error: nothing was published to compare with.\n');
  for (const { published, rows } of compared) {
    out(`\n${published.name}, ${published.workload.tokens.toLocaleString('en-US')} tokens a sample\n`);
    out(formatTable(STEP_COLUMNS, rows, processOutput.layout));
  }

  const scaledAlong = dualH100Cases(true).flatMap((published) =>
    comparePlans(published, ['layerwise-drain']).flatMap(
      (row) => errorOf(row, row.closedForm.stepTimeS) ?? [],
    ),
  );
  out(
    `\nlayerwise-drain if memory-bound work is calibrated along with the matrix products: ${scaledAlong.map((error) => `${error.toFixed(1)} %`).join(', ')}\n`,
  );
  out("\nWhere the paper's own criterion changes to hidden (its constants; no collectives, no contention)\n");
  out(
    formatTable(
      [
        { header: 'model', value: (row) => row.model },
        { header: 'in', value: (row) => row.of },
        { header: 'published', value: (row) => row.published, digits: 1 },
        { header: 'computed', value: (row) => row.computed, digits: 1 },
      ],
      paperCrossings(),
    ),
  );
  out(
    '\nQwen-Image on one RTX 5090: two points fitted, two predicted; memory as what a plan adds to the first\n',
  );
  out(
    formatTable(
      [
        { header: 'plan', value: (row) => row.plan },
        { header: 'used', value: (row) => (row.fitted ? 'fitted' : 'predicted') },
        { header: 'published s', value: (row) => row.publishedS, digits: 2 },
        { header: 'closed form s', value: (row) => row.closedFormS, digits: 2 },
        { header: 'simulated s', value: (row) => row.simulatedS, digits: 2 },
        { header: 'error %', value: (row) => percent(row.simulatedS, row.publishedS), digits: 1 },
        { header: 'added GiB published', value: (row) => row.publishedAddedGiB, digits: 2 },
        { header: 'predicted', value: (row) => row.predictedAddedGiB, digits: 2 },
      ],
      residencyCurve(),
    ),
  );

  await hostLoopTable(join(folder, 'host'));

  const rows = compared.flatMap(({ published, rows: plans }) =>
    plans.flatMap((row): PublishedRow[] => {
      if (row.publishedS === null || row.plan === 'none') return [];
      const base = { case: published.name, plan: row.plan };
      return [
        { ...base, source: 'published', stepTimeS: row.publishedS },
        { ...base, source: 'closed form', stepTimeS: row.closedForm.stepTimeS },
        { ...base, source: 'simulated', stepTimeS: row.simulation.report.stepTimeS },
      ];
    }),
  );
  const svg = await renderSvg(publishedChart(rows, 'Published steps and their predictions'));
  const files = { svg: join(folder, 'published.svg'), png: join(folder, 'published.png') };
  writeFileSync(files.svg, svg);
  writeFileSync(files.png, renderPng(svg));
  const traced = compared[0]!.rows.find((row) => row.plan === TRACED)!.simulation.timeline!;
  const trace = join(folder, `${TRACED}.trace.json`);
  writeTraces([
    {
      file: trace,
      steps: [{ name: `simulated: ${compared[0]!.published.name}, ${TRACED}`, timeline: traced }],
    },
  ]);
  const shown = (file: string) => relative(process.cwd(), file);
  out(`\nchart: ${shown(files.svg)} and ${shown(files.png)}\n`);
  out(
    `trace: ${shown(trace)} (one step of ${compared[0]!.published.name}; open it at https://ui.perfetto.dev)\n`,
  );
}

/** Plan, sources, compiler, run, measurement: on this machine's cores, where there is a compiler. */
async function hostLoopTable(folder: string): Promise<void> {
  out(
    '\nThe whole loop on this machine: generated, compiled, run by two ranks on CPU threads (no GPU), and predicted\n',
  );
  try {
    const rows = await hostLoop(folder);
    out(
      formatTable(
        [
          { header: 'plan', value: (row) => row.plan },
          { header: 'measured ms', value: (row) => row.measuredS * 1e3, digits: 1 },
          { header: 'spread %', value: (row) => row.spread * 100, digits: 0 },
          { header: 'closed form ms', value: (row) => row.closedFormS * 1e3, digits: 1 },
          { header: 'simulated ms', value: (row) => row.simulatedS * 1e3, digits: 1 },
          { header: 'error %', value: (row) => percent(row.simulatedS, row.measuredS), digits: 1 },
          { header: 'same output', value: (row) => (row.sameOutput ? 'yes' : 'NO') },
        ],
        rows,
      ),
    );
    out(
      '(host: threads and memcpy; compute rates set on the no-offload arm, everything else as in the machine file)\n',
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    out(`left out: ${error.message}\n`);
  }
}

await demo();
