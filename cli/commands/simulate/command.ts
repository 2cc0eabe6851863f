import type { RunnableCommand } from '../../command.ts';
import { addScenarioOptions, type ScenarioFlags } from '../../flags/scenario.ts';

export interface SimulateFlags extends ScenarioFlags {
  trace?: string;
}

export const command: RunnableCommand = {
  description: 'simulate a steady step of each plan, event by event',
  declare: (command) =>
    addScenarioOptions(command).option(
      '--trace <file>',
      'write what happens in the step for https://ui.perfetto.dev',
    ),
  load: () => import('./run.ts'),
};
