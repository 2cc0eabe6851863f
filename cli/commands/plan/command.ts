import { type Command, InvalidArgumentError, Option } from 'commander';
import type { PlanQuestion } from '../../../library/plan/question.ts';
import { PEER_NAMES } from '../../../search/peers/peerNames.ts';
import type { RunnableCommand } from '../../command.ts';
import { addLinkOption, type LinkFlags } from '../../flags/link.ts';
import { addMeasuredOptions } from '../../flags/measured.ts';
import { takeSizes, type WithSizes } from '../../flags/sizes.ts';
import { addDocumentOption, addWorkloadOptions } from '../../flags/workload.ts';

export interface PlanFlags extends WithSizes<PlanQuestion>, LinkFlags {
  chart?: string;
  savePlan?: string;
  json?: boolean;
}

export const FRONT_POINTS = { fewest: 2, usual: 20, most: 200 };

function addSearchOptions(command: Command): Command {
  return command
    .optionsGroup('What a plan may take:')
    .option('--gpu-memory <size>', 'of each GPU, such as 16GiB (default: all of it)')
    .option('--host-memory <size>', "pinned by each rank, such as 64GiB (default: its share of the host's)")
    .optionsGroup('What else to answer:')
    .option('--explain', 'what the step depends on and where it stops being hidden; takes a few seconds')
    .addOption(
      new Option('--front [points]', 'the best plans from the least memory to all of it')
        .preset(String(FRONT_POINTS.usual))
        .argParser(frontPoints),
    )
    .option(
      '--chart <file>',
      'draw them: .svg, .png, .pdf, .html with tooltips, or .csv and .vl.json for drawing them yourself',
    )
    .option(
      '--uncertain <ranges>',
      "factors that the machine may differ by from its file, in place of the file's own intervals, such as link=0.9..1.05,compute=0.95..1.02",
    )
    .option('--nominal', 'the best plan where the machine is exactly as its file says')
    .addOption(
      new Option('--for <tool>', "the best of that tool's own settings, within the same memory").choices(
        PEER_NAMES,
      ),
    );
}

function frontPoints(text: string): number {
  const { fewest, most } = FRONT_POINTS;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= fewest && value <= most) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${fewest} to ${most}.`);
}

export const command: RunnableCommand = {
  description: 'find the fastest plan within the memory that it may take, and say how sure that is',
  declare: (command) =>
    addLinkOption(
      addDocumentOption(
        addSearchOptions(addMeasuredOptions(takeSizes(addWorkloadOptions(command, 'the best of all')))),
      ),
    ).option(
      '--save-plan <file>',
      'write the plan as JSON; as JSON Lines with the nominal plan and those of --front; --plan of other commands takes both',
    ),
  load: () => import('./run.ts'),
};
