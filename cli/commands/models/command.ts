import type { RunnableCommand } from '../../command.ts';

export interface ModelsFlags {
  entry?: string;
  dtype?: string;
  json?: boolean;
}

export const command: RunnableCommand = {
  description:
    'list the diffusion transformers of the catalogue, or the blocks of one, of a file or a checkpoint',
  declare: (command) =>
    command
      .argument('[name|file]', 'a model of the catalogue, a YAML file, a checkpoint or a config.json')
      .option('--entry <name>', "the catalogue's model that a checkpoint is (default: recognised)")
      .option('--dtype <type>', 'of weights on the device: fp8, nf4, ... (default: as stored)')
      .option('--json', 'one JSON object: see `chunkflow schema models`'),
  load: () => import('./run.ts'),
};
