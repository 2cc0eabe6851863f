import type { Command } from 'commander';
import type { RunnableCommand } from '../../command.ts';
import { addBuildOptions, type BuildFlags } from '../../flags/build.ts';
import { addProgramOptions, type ProgramFlags } from '../../flags/program.ts';

export interface MeasureFlags extends BuildFlags, ProgramFlags {
  /** Undefined: in this process if the addon can be had. */
  inProcess?: boolean;
  from?: string;
  out?: string;
  trace?: string;
}

function addRunOptions(command: Command): Command {
  return command
    .optionsGroup('How it is run:')
    .option('--in-process', 'in this process, through the addon (default, if the addon can be built)')
    .option('--no-in-process', 'as a process of its own')
    .option('--from <folder>', 'show the results that measure.sh of a bundle wrote, instead of running')
    .option('--out <file>', 'append the records here (default: out/measurements/<program>-<time>.jsonl)')
    .option('--trace <file>', 'write the measured timelines for https://ui.perfetto.dev');
}

export const command: RunnableCommand = {
  description: 'build and run generated programs, and show what they measure beside the predictions',
  declare: (command) =>
    addProgramOptions(addRunOptions(addBuildOptions(command.argument('[folder...]', 'generated programs')))),
  load: () => import('./run.ts'),
};
