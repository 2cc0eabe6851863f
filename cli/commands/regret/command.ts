import type { RunnableCommand } from '../../command.ts';
import { launchModeOption } from '../../flags/experiment.ts';

export interface RegretFlags {
  mode: 'eager' | 'graph' | 'both';
  machine?: string;
  failAbove?: string;
  json?: boolean;
}

export const command: RunnableCommand = {
  description:
    'how far the choices of an experiment are from the best plan that was measured within their caps',
  declare: (command) =>
    command
      .argument('<file>', 'experiment whose cells have choices')
      .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
      .addOption(launchModeOption(['eager', 'graph', 'both']))
      .option('--machine <name|file>', "whose memory plans take, as caps mean it (default: each cell's own)")
      .option('--fail-above <share>', 'exit with 1 where a regret is larger, such as 0.03 or 3%')
      .option('--json', 'one JSON object, with the curve of every cell'),
  load: () => import('./run.ts'),
};
