import type { RunnableCommand } from '../../../command.ts';
import { addScenarioChart, type ScenarioChartFlags } from '../../../flags/chart.ts';

export type PlotMemoryFlags = ScenarioChartFlags;

export const command: RunnableCommand = {
  description: 'GPU memory of plans by what it holds, with the capacity of the card',
  declare: addScenarioChart,
  load: () => import('./run.ts'),
};
