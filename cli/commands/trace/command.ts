import type { RunnableCommand } from '../../command.ts';

export interface TraceFlags {
  machine?: string;
  out: string;
}

export const command: RunnableCommand = {
  description: 'one step, simulated and measured, in one file for https://ui.perfetto.dev',
  declare: (command) =>
    command
      .argument('<file>', 'from `chunkflow experiment timeline`')
      .option('--machine <name|file>', "predicts, such as a fitted one (default: the cell's own)")
      .requiredOption('--out <file>', 'Chrome trace (JSON)'),
  load: () => import('./run.ts'),
};
