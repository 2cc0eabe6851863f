import type { RunnableCommand } from '../../command.ts';
import { launchModeOption } from '../../flags/experiment.ts';

export interface HeadlineFlags {
  mode: 'eager' | 'graph' | 'both';
  against: string;
  machine?: string;
  json?: boolean;
}

export const command: RunnableCommand = {
  description:
    "what the choices of an experiment gain, measured and predicted: against no offload and SGLang's policies",
  declare: (command) =>
    command
      .argument('<file>', 'experiment whose cells have choices')
      .argument('<dataset...>', 'JSON Lines of `chunkflow experiment collect`')
      .option('--against <transport>', 'of none, layerwise and layerwise-drain', 'staged-sm:2')
      .option('--machine <name|file>', "predicts (default: each cell's own)")
      .addOption(launchModeOption(['eager', 'graph', 'both']))
      .option('--json', 'one JSON object'),
  load: () => import('./run.ts'),
};
