import { Option } from 'commander';
import type { RunnableCommand } from '../../command.ts';
import { launchModeOption } from '../../flags/experiment.ts';

/** What a report is written as. */
export const REPORT_FORMATS = ['html', 'md'] as const;

export interface ReportFlags {
  machine?: string;
  experiment?: string;
  profiles?: string;
  mode: 'eager' | 'graph' | 'both';
  out?: string;
  format?: (typeof REPORT_FORMATS)[number];
}

export const command: RunnableCommand = {
  description:
    'one page on measured steps, a calibration, or all that this project measured: verdict, charts, tables',
  declare: (command) =>
    command
      .argument(
        '<input...>',
        'JSON Lines of `chunkflow experiment collect`; or a calibration; or `validation`, the datasets that this project shows itself by',
      )
      .option('--machine <name|file>', "predicts steps, such as a fitted one (default: each cell's own)")
      .option(
        '--experiment <file>',
        'experiment of the steps, whose choices are held against the best that was measured',
      )
      .option(
        '--profiles <folder>',
        'the steps are of attached models, of experiments/attach: predict them from their profiles, which lie there',
      )
      .addOption(launchModeOption(['eager', 'graph', 'both']))
      .option(
        '--out <file>',
        'write it here: a name that ends in .html or .md (default: to the standard output)',
      )
      .addOption(
        new Option('--format <name>', 'html or md (default: as --out says, else md)').choices(REPORT_FORMATS),
      ),
  load: () => import('./run.ts'),
};
