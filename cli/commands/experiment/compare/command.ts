import type { RunnableCommand } from '../../../command.ts';

export const command: RunnableCommand = {
  description: 'ratios of steps that two datasets measured of the same plans in the same cells',
  declare: (command) =>
    command
      .argument('<first>', 'dataset, such as one with a mirrored peer')
      .argument('<second>', 'dataset whose steps are divided by those of the first, such as one of a pair')
      .option(
        '--against <transport>',
        "holds each plan's step against the same plan's on it (default: the first one that was measured)",
      )
      .option('--json', 'one JSON object'),
  load: () => import('./run.ts'),
};
