import { type Command, Option } from 'commander';
import type { Container, SlurmOptions } from '../../cluster/slurm/options.ts';
import { UserError } from '../../model/input/userError.ts';
import { collect, wholeFromOne } from './values.ts';

/** The flags of everything that Slurm can run, as commander hands them over. */
export interface SlurmFlags {
  slurm?: boolean;
  wait?: boolean;
  partition?: string;
  account?: string;
  qos?: string;
  time?: string;
  gpusPerNode?: number;
  cpusPerTask?: number;
  mem?: string;
  constraint?: string;
  atOnce?: number;
  sbatch?: string[];
  container?: Container['by'];
  image?: string;
  mount?: string[];
}

/** Adds what is asked of a cluster. */
export function addSlurmOptions(command: Command): Command {
  return command
    .optionsGroup('Under Slurm:')
    .option('--slurm', 'submit it as job arrays; started anew, what is neither done nor queued is submitted')
    .option('--wait', 'wait until it is done')
    .option('--partition <name>', "(default: the cluster's)")
    .option('--account <name>', 'that pays')
    .option('--qos <name>', 'quality of service')
    .option('--time <limit>', 'of a job, as Slurm writes it: 30 (minutes), 1:00:00, 2-0')
    .option('--gpus-per-node <n>', 'GPUs of a node', wholeFromOne)
    .option('--cpus-per-task <n>', 'cores of a task', wholeFromOne)
    .option('--mem <size>', 'host memory of a node, as Slurm writes it: 16G')
    .option('--constraint <features>', 'of nodes, such as h100')
    .option('--at-once <n>', 'elements of an array that may run at once', wholeFromOne)
    .option('--sbatch <flag>', 'handed over to sbatch as it is; repeat for several', collect)
    .addOption(
      new Option('--container <how>', 'run programs in --image by it').choices(['pyxis', 'apptainer']),
    )
    .option('--image <image>', "the container's")
    .option('--mount <SRC:DST>', 'into the container; repeat for several', collect);
}

/**
 * What the flags ask of a cluster.
 *
 * @throws UserError for an image without `--container` or the other way round.
 */
export function slurmOptions(flags: SlurmFlags): SlurmOptions {
  const { partition, account, qos, time, gpusPerNode, cpusPerTask, mem, constraint, atOnce, sbatch } = flags;
  return {
    ...{ partition, account, qos, time, gpusPerNode, cpusPerTask, memory: mem, constraint, atOnce },
    extra: sbatch,
    container: containerOf(flags),
  };
}

function containerOf({ container, image, mount = [] }: SlurmFlags): Container | undefined {
  if (container !== undefined && image !== undefined) return { by: container, image, mounts: mount };
  if (container !== undefined)
    throw new UserError(`--container ${container}: expected an image; name it with --image`);
  if (image !== undefined || mount.length > 0)
    throw new UserError(
      `${image === undefined ? '--mount' : '--image'}: expected --container too; it says what runs the image: pyxis or apptainer`,
    );
  return undefined;
}

/**
 * The names of the flags that only a scheduler reads.
 *
 * @param more of a command's own, by name.
 * @throws UserError where one is given and `--slurm` is not.
 */
export function refuseWithoutSlurm(flags: SlurmFlags, more: Readonly<Record<string, unknown>> = {}): void {
  if (flags.slurm) return;
  const { wait, partition, account, qos, time, gpusPerNode, cpusPerTask, mem, constraint, atOnce } = flags;
  const { sbatch, container, image, mount } = flags;
  const given = {
    ...{ wait, partition, account, qos, time, mem, constraint, sbatch, container, image, mount },
    ...{ 'gpus-per-node': gpusPerNode, 'cpus-per-task': cpusPerTask, 'at-once': atOnce },
    ...more,
  };
  const [name] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined)
    throw new UserError(`--${name}: only a scheduler reads it; add --slurm, or leave it out`);
}
