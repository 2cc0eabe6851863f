import type { RunnableCommand } from '../../command.ts';
import { addBuildOptions, type BuildFlags } from '../../flags/build.ts';
import { addJobOptions, type JobFlags } from '../../flags/jobs.ts';
import { countFromOne } from '../../flags/values.ts';

export interface CalibrateFlags extends BuildFlags, JobFlags {
  machine: string;
  sp?: number;
  transport?: string;
  quick?: boolean;
  results: string;
  rounds: number;
  bundle?: string;
  withHeaders?: boolean;
}

export const command: RunnableCommand = {
  description: 'measure a machine with generated micro-benchmarks; started anew, it goes on where it was',
  declare: (command) =>
    addJobOptions(
      addBuildOptions(
        command
          .requiredOption('--machine <name|file>', 'whose transports to measure: see `chunkflow machines`')
          .requiredOption('--results <folder>', 'where results go, and the calibration.yaml that `fit` reads')
          .option(
            '--sp <n>',
            'ranks of the collectives (default: its GPUs, or 2 where peers are not real)',
            countFromOne,
          )
          .option(
            '--transport <name>',
            "which of NCCL's transports this run's environment gives, such as nvlink or, with NCCL_P2P_DISABLE=1, shm (default: the machine's)",
          )
          .option(
            '--quick',
            'only links, host memory and transports, in a few cases: for another host of the same kind',
          )
          .option('--rounds <n>', 'how often each case is measured', countFromOne, 3)
          .option(
            '--bundle <file|folder>',
            'pack it for a machine that has no chunkflow, instead of measuring',
          )
          .option('--with-headers', "take cudnn-frontend's headers along in the bundle"),
      ),
    ),
  load: () => import('./run.ts'),
};
