import { Option } from 'commander';
import type { RunnableCommand } from '../../command.ts';
import { collect, wholeFromZero } from '../../flags/values.ts';

export interface ValidateFlags {
  machine?: string;
  profiles?: string;
  worst: number;
  by?: 'node';
  failAbove?: string[];
  folder?: string;
  commands?: boolean;
  json?: boolean;
}

export const command: RunnableCommand = {
  description: 'predict measured steps that no fit has seen, and say how far off that is',
  declare: (command) =>
    command
      .argument(
        '<dataset...>',
        'JSON Lines of `chunkflow experiment collect`; or `published`, runs of others whose machines were calibrated for them; or `published-steps`, times of a step on many cards; or `published-collectives`, nccl-tests between hosts',
      )
      .option('--machine <name|file>', "predicts, such as a fitted one (default: each cell's own)")
      .option(
        '--profiles <folder>',
        'the datasets are steps of attached models, of experiments/attach: predict them from their profiles, which lie there',
      )
      .addOption(
        new Option('--by <what>', "errors of each node too, and which node's stand out").choices(['node']),
      )
      .option('--worst <n>', 'show the steps that are farthest off', wholeFromZero, 5)
      .option(
        '--fail-above <limit>',
        'end with 1 where simulated, closedForm or memory is above, or tau below, such as simulated=3%; repeat',
        collect,
      )
      .option('--folder <folder>', 'of published-steps: files of your own in place of those that ship')
      .option('--commands', 'of published-steps: the `chunkflow predict` of each figure')
      .option('--json', 'one JSON object; of published-steps: see `chunkflow schema`'),
  load: () => import('./run.ts'),
};
