import type { RunnableCommand } from '../../command.ts';
import { addLinkOption, type LinkFlags } from '../../flags/link.ts';
import { addMeasuredOptions } from '../../flags/measured.ts';
import { addRequestOptions, type RequestFlags } from '../../flags/request.ts';
import { addScenarioOptions, type ScenarioFlags } from '../../flags/scenario.ts';
import { takeSizes, type WithSizes } from '../../flags/sizes.ts';

export interface SimulateFlags extends WithSizes<ScenarioFlags>, RequestFlags, LinkFlags {
  trace?: string;
}

export const command: RunnableCommand = {
  description: 'simulate a steady step of each plan, event by event',
  declare: (command) =>
    addLinkOption(addRequestOptions(addMeasuredOptions(takeSizes(addScenarioOptions(command))))).option(
      '--trace <file>',
      'write what happens in the step for https://ui.perfetto.dev',
    ),
  load: () => import('./run.ts'),
};
