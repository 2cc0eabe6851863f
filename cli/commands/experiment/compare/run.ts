import { depthRange, programDepth } from '../../../../studies/dataset/programDepth.ts';
import { readSteps, type StepRun } from '../../../../studies/dataset/stepRecords.ts';
import {
  type DatasetRatios,
  datasetRatios,
  type PlanRatios,
  type RatioSpread,
} from '../../../../studies/regret/datasetRatios.ts';
import type { Output } from '../../../output.ts';
import type { Layout } from '../../../text/layout.ts';
import { type Column, formatTable } from '../../../text/table.ts';
import { paragraphs } from '../../../text/wrap.ts';

/** Shows how steps of one dataset relate to those of another, plan by plan. */
export function run(
  first: string,
  second: string,
  { against, json }: { against?: string; json?: boolean },
  output: Output,
): void {
  const runs = [readSteps([first]), readSteps([second])] as const;
  const ratios = datasetRatios(...runs, against ?? null);
  for (const note of ratios.notes) output.diagnostic(`note: ${note}\n`);
  output.result(
    json ? `${JSON.stringify(ratios, null, 1)}\n` : readable(ratios, depthOf(runs.flat()), output.layout),
  );
}

/** Of the programs that were measured. */
function depthOf(runs: readonly StepRun[]): string {
  return depthRange(runs.map(({ cell }) => programDepth(cell)));
}

function readable({ first, second, against, rows }: DatasetRatios, depth: string, layout: Layout): string {
  const title = paragraphs(
    `${second} over ${first}: median (range) over cells; programs of ${depth}`,
    layout,
  );
  return title + formatTable(columnsOf(against), rows, layout);
}

function columnsOf(against: string): Column<PlanRatios>[] {
  return [
    { header: 'transport', value: ({ transport }) => transport },
    { header: 'plan', value: ({ plan, mode }) => (mode === 'graph' ? `${plan} (graph)` : plan) },
    { header: 'cells', value: ({ cells }) => cells },
    { header: 'step', value: ({ step }) => spreadText(step) },
    { header: 'step / none', value: ({ overNone }) => spreadText(overNone) },
    { header: 'step / layerwise', value: ({ overLayerwise }) => spreadText(overLayerwise) },
    { header: `step / on ${against}`, value: ({ overTransport }) => spreadText(overTransport) },
    { header: 'noise %', value: ({ noise }) => (noise === null ? null : noise * 100), digits: 1 },
  ];
}

function spreadText(spread: RatioSpread | null): string | null {
  if (spread === null) return null;
  const { median, least, most } = spread;
  return `${median.toFixed(3)} (${least.toFixed(3)} to ${most.toFixed(3)})`;
}
