import type { RunnableCommand } from '../../../command.ts';
import { addScenarioChart, type ScenarioChartFlags } from '../../../flags/chart.ts';

export type PlotTokensFlags = ScenarioChartFlags;

export const command: RunnableCommand = {
  description: 'step time of plans against tokens, with the sizes from which each is as fast as no offload',
  declare: addScenarioChart,
  load: () => import('./run.ts'),
};
