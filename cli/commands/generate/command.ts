import type { RunnableCommand } from '../../command.ts';
import { addScenarioOptions, type ScenarioFlags } from '../../flags/scenario.ts';

export interface GenerateFlags extends ScenarioFlags {
  out?: string;
  id?: string;
  attach?: string;
}

export const command: RunnableCommand = {
  description: 'write the sources of a runtime for one workload and its plans',
  declare: (command) =>
    addScenarioOptions(command)
      .option(
        '--out <folder>',
        'where its folder goes (default: generated); with --attach, the folder itself',
      )
      .option(
        '--attach <plan>',
        'in place of all of these: the library that drives a profiled PyTorch model by a saved plan',
      )
      .option(
        '--id <name>',
        'name of the program and its folder (default: from model, size, ranks, machine)',
      ),
  load: () => import('./run.ts'),
};
