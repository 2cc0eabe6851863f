/** What a job asks of a cluster; what is left out is the cluster's own default. */
export interface SlurmOptions {
  partition?: string | undefined;
  account?: string | undefined;
  qos?: string | undefined;
  /** As Slurm writes it: `30`, `1:00:00`, `2-0`. */
  time?: string | undefined;
  gpusPerNode?: number | undefined;
  cpusPerTask?: number | undefined;
  /** As Slurm writes it: `16G`. */
  memory?: string | undefined;
  constraint?: string | undefined;
  /** Elements of an array that may run at once. */
  atOnce?: number | undefined;
  /** Handed over to sbatch as they are, such as `--exclusive`. */
  extra?: readonly string[] | undefined;
  container?: Container | undefined;
}

/** In which image a job's programs run. */
export interface Container {
  /** Pyxis is srun's own flag (`--container-image`); Apptainer is a program in front of the program. */
  by: 'pyxis' | 'apptainer';
  image: string;
  /** `SRC:DST`, as both take them. */
  mounts: readonly string[];
}

/** What of the options sbatch is told, as lines of a script or arguments. */
export function sbatchFlags(options: SlurmOptions): string[] {
  const { partition, account, qos, time, gpusPerNode, cpusPerTask, memory, constraint, extra = [] } = options;
  const given = {
    partition,
    account,
    qos,
    time,
    'gpus-per-node': gpusPerNode,
    'cpus-per-task': cpusPerTask,
    mem: memory,
    constraint,
  };
  const flags = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
  return [...flags, ...extra];
}

/** `srun` with what starts a command in the container, if there is one: the command follows. */
export function srunCommand(flags: readonly string[], container: Container | undefined): string[] {
  if (container === undefined) return ['srun', ...flags];
  const { by, image, mounts } = container;
  if (by === 'pyxis') {
    const mounted = mounts.length === 0 ? [] : [`--container-mounts=${mounts.join(',')}`];
    return ['srun', ...flags, `--container-image=${image}`, ...mounted];
  }
  const bound = mounts.flatMap((mount) => ['--bind', mount]);
  return ['srun', ...flags, 'apptainer', 'exec', '--nv', ...bound, image];
}
