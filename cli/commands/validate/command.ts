import type { RunnableCommand } from '../../command.ts';
import { collect, wholeFromZero } from '../../flags/values.ts';

export interface ValidateFlags {
  machine?: string;
  profiles?: string;
  worst: number;
  failAbove?: string[];
  json?: boolean;
}

export const command: RunnableCommand = {
  description: 'predict measured steps that no fit has seen, and say how far off that is',
  declare: (command) =>
    command
      .argument(
        '<dataset...>',
        'JSON Lines of `chunkflow experiment collect`; or `published`, the steps that others have published',
      )
      .option('--machine <name|file>', "predicts, such as a fitted one (default: each cell's own)")
      .option(
        '--profiles <folder>',
        'the datasets are steps of attached models, of experiments/attach: predict them from their profiles, which lie there',
      )
      .option('--worst <n>', 'show the steps that are farthest off', wholeFromZero, 5)
      .option(
        '--fail-above <limit>',
        'end with 1 where simulated, closedForm or memory is above, or tau below, such as simulated=3%; repeat',
        collect,
      )
      .option('--json', 'one JSON object'),
  load: () => import('./run.ts'),
};
