/** The element of an array that a process runs in, as Slurm's variables tell it. */
export interface Allocation {
  job: string;
  element: number;
  /** How often Slurm has started this element again, after a node was lost or a job of higher priority came. */
  restart: number;
  /** That the batch script runs on, by Slurm's name. */
  node: string;
}

/** Null outside of an array's element. */
export function ownAllocation(env: NodeJS.ProcessEnv = process.env): Allocation | null {
  const { SLURM_ARRAY_JOB_ID: job, SLURM_ARRAY_TASK_ID: element, SLURMD_NODENAME: node } = env;
  if (job === undefined || element === undefined || node === undefined) return null;
  return { job, element: Number(element), restart: Number(env.SLURM_RESTART_COUNT ?? 0), node };
}
