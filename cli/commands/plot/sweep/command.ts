import { Option } from 'commander';
import type { RunnableCommand } from '../../../command.ts';
import { addChartFile, type ChartFlags } from '../../../flags/chart.ts';

export interface PlotSweepFlags extends ChartFlags {
  x: string;
  y: string;
  by?: string;
  facet?: string;
  where?: string;
  log?: 'x' | 'y' | 'xy';
  title?: string;
}

export const command: RunnableCommand = {
  description:
    "a sweep's results: one column against another, a line for each plan, a panel for each machine",
  declare: (command) =>
    addChartFile(
      command
        .argument('<folder...>', 'results of `chunkflow sweep`')
        .requiredOption('--x <column>', 'column or SQL expression, such as tokens')
        .requiredOption('--y <column>', 'likewise, such as stepS')
        .option('--by <column>', 'a line for each value')
        .option('--facet <column>', 'a panel for each value')
        .option(
          '--where <sql>',
          'rows that are drawn, such as "fits AND model = \'flux.1-dev\'" (default: all without error)',
        )
        .addOption(new Option('--log <axes>', 'logarithmic axes').choices(['x', 'y', 'xy']))
        .option('--title <text>', 'of the chart'),
    ),
  load: () => import('./run.ts'),
};
