import type { RunnableCommand } from '../../command.ts';
import { addLinkOption, type LinkFlags } from '../../flags/link.ts';
import { addRequestOptions, type RequestFlags } from '../../flags/request.ts';
import { addScenarioOptions, type ScenarioFlags } from '../../flags/scenario.ts';

export interface PredictFlags extends ScenarioFlags, RequestFlags, LinkFlags {
  savePlan?: string;
}

export const command: RunnableCommand = {
  description: 'predict the step time of each plan in closed form',
  declare: (command) =>
    addLinkOption(addRequestOptions(addScenarioOptions(command))).option(
      '--save-plan <file>',
      'write the plan as JSON, or the plans as JSON Lines; --plan takes both in place of a preset',
    ),
  load: () => import('./run.ts'),
};
