import type { RunnableCommand } from '../../command.ts';
import { wholeFromZero } from '../../flags/values.ts';

export interface FitFlags {
  out?: string;
  id?: string;
  worst: number;
  json?: boolean;
}

export const command: RunnableCommand = {
  description:
    "fit a machine's numbers to a calibration, and say how far off the readings are that were held out",
  declare: (command) =>
    command
      .argument('<file>', 'calibration, such as experiments/h200-calibration/h200-calibration.yaml')
      .option('--out <file>', 'write the machine with its fitted numbers here')
      .option('--id <name>', "its name (default: the calibrated machine's, with -fitted)")
      .option('--worst <n>', 'show the held-out readings that are farthest off', wholeFromZero, 10)
      .option('--json', 'one JSON object'),
  load: () => import('./run.ts'),
};
