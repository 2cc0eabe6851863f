import { type Command, InvalidArgumentError } from 'commander';
import type { ExplorerState } from '../../../explorer/state.ts';
import type { RunnableCommand } from '../../command.ts';
import { EXPLORER_PORT } from '../../flags/link.ts';
import { addRequestOptions } from '../../flags/request.ts';
import { addPlanOptions } from '../../flags/scenario.ts';
import { addWorkloadOptions } from '../../flags/workload.ts';

export interface ExploreFlags extends ExplorerState {
  port?: number;
  open: boolean;
  out?: string;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a port from 0, any free one, to 65535.');
}

function addExplorerOptions(command: Command): Command {
  return command
    .optionsGroup('What a search in the page may take:')
    .option('--gpu-memory <size>', 'of each GPU, such as 16GiB (default: all of it)')
    .option('--host-memory <size>', "pinned by each rank, such as 64GiB (default: its share of the host's)")
    .optionsGroup('The page:')
    .option('--port <n>', `to listen at (default: ${EXPLORER_PORT}, or a free one)`, portNumber)
    .option('--no-open', 'open no browser')
    .option('--out <folder>', 'write the static files for a web server of yours, and serve nothing');
}

export const command: RunnableCommand = {
  description:
    'a page on which the model follows every control, in your browser; nothing leaves this machine',
  declare: (command) => addExplorerOptions(addRequestOptions(addPlanOptions(addWorkloadOptions(command)))),
  load: () => import('./run.ts'),
};
