import type { RunnableCommand } from '../../../command.ts';
import { addScenarioChart, type ScenarioChartFlags } from '../../../flags/chart.ts';
import { wholeFromZero } from '../../../flags/values.ts';

export interface PlotBlockFlags extends ScenarioChartFlags {
  block: number;
}

export const command: RunnableCommand = {
  description:
    'one simulated block: streams and engines, and below them how much of links and host memory is in use',
  declare: (command) =>
    addScenarioChart(command.option('--block <n>', 'position in the step, from 0', wholeFromZero, 1)),
  load: () => import('./run.ts'),
};
