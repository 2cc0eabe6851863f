import { Option } from 'commander';
import type { RunnableCommand } from '../../command.ts';

export const command: RunnableCommand = {
  description: 'list the machines and cards, or the numbers of one and where each came from',
  declare: (command) =>
    command
      .argument('[name|file]', 'machine or card, such as 2xrtx-4090,pcie=4x8, whose numbers to show')
      .option('--json', 'one JSON object')
      .addOption(
        new Option('--yaml', 'its whole machine file, to change and to give as --machine').conflicts('json'),
      ),
  load: () => import('./run.ts'),
};
