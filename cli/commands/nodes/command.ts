import type { RunnableCommand } from '../../command.ts';

export interface NodesFlags {
  failOnIll?: boolean;
  json?: boolean;
}

export const command: RunnableCommand = {
  description:
    'compare nodes of one kind by their calibrations and measured steps: which one is ill, and by what',
  declare: (command) =>
    command
      .argument(
        '<files...>',
        'calibrations, datasets of steps, or folders that hold them or one folder of them for each node',
      )
      .option('--fail-on-ill', 'end with 1 where a node is ill')
      .option('--json', 'one JSON object'),
  load: () => import('./run.ts'),
};
