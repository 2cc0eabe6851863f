import { compareNodes } from '../../../../studies/nodes/compareNodes.ts';
import { measuredNodes } from '../../../../studies/nodes/nodeSources.ts';
import { nodesChart } from '../../../../studies/plots/nodesChart.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { ChartFlags } from '../../../flags/chart.ts';
import type { Output } from '../../../output.ts';

/** Draws how far nodes lie from the others of their kind, quantity by quantity. */
export async function run(places: readonly string[], flags: ChartFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const { nodes, notes } = measuredNodes(places);
  await plotChart(nodesChart(compareNodes(nodes), places), flags, output);
  for (const note of notes) output.diagnostic(`note: ${note}\n`);
}
