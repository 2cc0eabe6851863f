import { InvalidArgumentError } from 'commander';
import type { RunnableCommand } from '../../../command.ts';
import { addScenarioChart, type ScenarioChartFlags } from '../../../flags/chart.ts';

export interface PlotSensitivityFlags extends ScenarioChartFlags {
  by: number;
}

/** Per cent that a parameter is moved by. */
const USUAL_PERCENT = 10;
const MOST_PERCENT = 90;

function percent(text: string): number {
  const value = Number(text.replace(/ ?%$/, ''));
  if (value > 0 && value <= MOST_PERCENT) return value;
  throw new InvalidArgumentError(`Expected per cent above 0 and up to ${MOST_PERCENT}.`);
}

export const command: RunnableCommand = {
  description: "a tornado: how each plan's step changes with each number of the machine and with the size",
  declare: (command) =>
    addScenarioChart(
      command.option(
        '--by <percent>',
        'each parameter is made so much smaller and larger',
        percent,
        USUAL_PERCENT,
      ),
    ),
  load: () => import('./run.ts'),
};
