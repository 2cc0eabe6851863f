import { type Command, Option } from 'commander';
import { COLLECTIVE_KINDS, type CollectiveKind } from '../../../model/dit/kinds.ts';
import type { RunnableCommand } from '../../command.ts';
import { collect, countFromOne } from '../../flags/values.ts';

export interface ImportFlags extends ImportProfileFlags {
  as?: 'profile';
  collective?: CollectiveKind;
  json?: boolean;
}

/** What `import --as profile` is told that a trace does not say. */
export interface ImportProfileFlags {
  blocks?: string;
  weightBytes?: string[];
  outsideBytes?: string;
  activationBytes?: string;
  outsideTime?: string;
  ranks?: number;
  collectiveBytes?: string[];
  passes?: number;
  id?: string;
  out?: string;
}

function addProfileOptions(command: Command): Command {
  return command
    .optionsGroup('A profile of a trace, and what a trace does not say:')
    .addOption(new Option('--as <what>', 'profile').choices(['profile']))
    .option('--out <file>', 'write the profile here (default: print it)')
    .option('--id <name>', 'what plans call the model (default: by its blocks)')
    .option('--blocks <names>', 'lists of blocks as their ranges call them, in the order of a pass')
    .option(
      '--weight-bytes <[list=]size>',
      "of one block's parameters as stored; repeat for several lists",
      collect,
    )
    .option('--outside-bytes <size>', 'of parameters outside of the blocks')
    .option('--activation-bytes <size>', 'peak of what is allocated beside parameters')
    .option('--outside-time <time>', 'from the last block to the next pass (default: from the trace)')
    .option('--passes <n>', 'trips through all blocks in one step (default: 1)', countFromOne)
    .option('--ranks <n>', 'that meet in collectives (default: from the trace)', countFromOne)
    .option(
      '--collective-bytes <kind=size>',
      "input of a block's collective on each rank, where the trace does not say; repeat in order",
      collect,
    );
}

export const command: RunnableCommand = {
  description:
    "show what other tools' files say of a machine: its PCIe tree for a machine file, or readings; or make a profile of a trace",
  declare: (command) =>
    addProfileOptions(
      command
        .argument(
          '<files...>',
          "of nvbandwidth, nccl-tests, NCCL_TOPO_DUMP_FILE or nvidia-smi topo -m, or a job's log with these; - for the standard input; a trace of PyTorch's profiler or nsys export --type sqlite",
        )
        .addOption(
          new Option('--collective <kind>', 'of nccl-tests that do not name their program').choices(
            COLLECTIVE_KINDS,
          ),
        )
        .option('--json', 'one JSON object'),
    ),
  load: () => import('./run.ts'),
};
