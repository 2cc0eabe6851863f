import { Option } from 'commander';
import type { RunnableCommand } from '../../../command.ts';
import { addChartedSteps, type StepChartFlags } from '../../../flags/chart.ts';

export interface ErrorsFlags extends StepChartFlags {
  by?: 'node';
}

export const command: RunnableCommand = {
  description:
    'how the errors of predictions are distributed, by plan and transport or, with --by node, by node',
  declare: (command) =>
    addChartedSteps(command).addOption(
      new Option('--by <what>', 'panels of nodes in place of transports').choices(['node']),
    ),
  load: () => import('./run.ts'),
};
