import type { RunnableCommand } from '../../command.ts';
import { addLinkOption, type LinkFlags } from '../../flags/link.ts';
import { addMeasuredOptions } from '../../flags/measured.ts';
import { addRequestOptions, type RequestFlags } from '../../flags/request.ts';
import { addScenarioOptions, type ScenarioFlags } from '../../flags/scenario.ts';
import { takeSizes, type WithSizes } from '../../flags/sizes.ts';

export interface PredictFlags extends WithSizes<ScenarioFlags>, RequestFlags, LinkFlags {
  savePlan?: string;
}

export const command: RunnableCommand = {
  description: 'predict the step time of each plan in closed form',
  declare: (command) =>
    addLinkOption(addRequestOptions(addMeasuredOptions(takeSizes(addScenarioOptions(command))))).option(
      '--save-plan <file>',
      'write the plan as JSON, or the plans as JSON Lines; --plan takes both in place of a preset',
    ),
  load: () => import('./run.ts'),
};
