import { type Command, Option } from 'commander';
import type { RunnableCommand } from '../../command.ts';
import { addSlurmOptions, type SlurmFlags } from '../../flags/slurm.ts';
import { countFromOne, wholeFromZero } from '../../flags/values.ts';

export interface SweepFlags extends SlurmFlags {
  results?: string;
  jobs?: number;
  tasks?: string;
  array?: string;
  tasksPerElement?: number;
  status?: boolean;
  estimate?: boolean;
  seed?: number;
  json?: boolean;
}

export const command: RunnableCommand = {
  description: 'answer a whole grid of predictions, simulations or searches into a folder of Parquet files',
  declare: (command) =>
    addSlurmOptions(answered(command))
      .option('--tasks-per-element <n>', 'of an array (default: as many as take minutes)', countFromOne)
      .addOption(new Option('--array <file>', 'which tasks an element of an array answers').hideHelp()),
  load: () => import('./run.ts'),
};

function answered(command: Command): Command {
  return command
    .argument('<file>', 'sweep, YAML: see docs/sweep.md')
    .optionsGroup('What is answered:')
    .option('--results <folder>', 'what is there of the same sweep is not answered again')
    .option('--tasks <list>', 'only these tasks, such as 3,7-9 (default: all)')
    .option('--jobs <n>', 'threads (default: all cores)', countFromOne)
    .optionsGroup('In place of answering:')
    .option('--status', 'how much of the results is there, what failed, how long the rest takes')
    .option('--estimate', 'answers a random sample of points and says what the whole takes')
    .option('--seed <n>', 'of the sample (default: 1)', wholeFromZero)
    .optionsGroup('Output:')
    .option('--json', 'of --status and --estimate, one JSON object');
}
