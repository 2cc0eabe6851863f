import type { RunnableCommand } from '../../command.ts';
import { countFromOne, wholeFromZero } from '../../flags/values.ts';

export interface SweepFlags {
  results?: string;
  jobs?: number;
  tasks?: string;
  status?: boolean;
  estimate?: boolean;
  seed?: number;
  json?: boolean;
}

export const command: RunnableCommand = {
  description: 'answer a whole grid of predictions, simulations or searches into a folder of Parquet files',
  declare: (command) =>
    command
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
      .option('--json', 'of --status and --estimate, one JSON object'),
  load: () => import('./run.ts'),
};
