import { Option } from 'commander';
import { COLLECTIVE_KINDS, type CollectiveKind } from '../../../model/dit/kinds.ts';
import type { RunnableCommand } from '../../command.ts';
import { wholeFromZero } from '../../flags/values.ts';

export interface FitFlags extends FitImportedFlags {
  out?: string;
  id?: string;
  worst: number;
  json?: boolean;
}

/** What files of other tools do not say; a calibration does. */
export interface FitImportedFlags {
  machine?: string;
  transport?: string;
  collective?: CollectiveKind;
}

export const command: RunnableCommand = {
  description:
    "fit a machine's numbers to a calibration, and say how far off the readings are that were held out; or to files of other tools",
  declare: (command) =>
    command
      .argument(
        '<files...>',
        'a calibration, such as experiments/h200-calibration/h200-calibration.yaml, or those of several nodes of one kind, for one machine with intervals over all; or outputs of nccl-tests, nvbandwidth, nvidia-smi topo -m and NCCL_TOPO_DUMP_FILE',
      )
      .option('--out <file>', 'write the machine with its fitted numbers here')
      .option('--id <name>', "its name (default: the calibrated machine's, with -fitted)")
      .option('--worst <n>', 'show the held-out readings that are farthest off', wholeFromZero, 10)
      .option('--json', 'one JSON object')
      .optionsGroup('Files of other tools, and what they do not say:')
      .option('--machine <name|file>', 'the nearest machine, whose numbers stand where the files say nothing')
      .option(
        '--transport <name>',
        'of NCCL that nccl-tests ran over: shm, p2p or nvlink (default: by rates)',
      )
      .addOption(
        new Option('--collective <kind>', 'of nccl-tests that do not name their program').choices(
          COLLECTIVE_KINDS,
        ),
      ),
  load: () => import('./run.ts'),
};
