import type { RunnableCommand } from '../../command.ts';
import { countFromOne } from '../../flags/values.ts';

export interface QueryFlags {
  json?: boolean;
  csv?: boolean;
  out?: string;
  rows?: number;
}

export const command: RunnableCommand = {
  description: 'SQL over results of sweeps and datasets of measured steps; without SQL, what is in them',
  declare: (command) =>
    command
      .argument(
        '<sql|folder...>',
        'SELECT ... FROM sweep, then folders of results; steps.jsonl or steps.parquet as `steps`',
      )
      .optionsGroup('Output:')
      .option('--json', 'a JSON array of objects')
      .option('--csv', 'with a header line')
      .option('--out <file>', 'Parquet, in place of printing')
      .option('--rows <n>', 'rows of a table at the most (default: 1000)', countFromOne),
  load: () => import('./run.ts'),
};
