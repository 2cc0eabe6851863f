import type { System } from '../system/system.ts';
import { collectiveIn, computeIn, type Workload } from '../workload/workload.ts';

/** Host time of one eager launch where a machine file has none, seconds: PyTorch's dispatcher and its Python code take 5 to 10 us. */
export const EAGER_LAUNCH_S = 7e-6;

/**
 * Seconds that the host takes to issue a step, however fast the GPU is: no step is shorter. Launches run ahead of the GPU, so
 * they are a floor under the whole step and not under each kernel.
 *
 *   eager: passes x (kernels + collectives) x host time of a launch
 *
 * A profile has measured it. Compiled code is taken to issue fast enough.
 */
export function hostIssueS(workload: Workload, { host }: Pick<System, 'host'>): number {
  if (workload.from === 'profile') return workload.hostS;
  if (workload.compute.launch !== 'eager') return 0;
  return eagerLaunches(workload) * (host.eagerLaunchS ?? EAGER_LAUNCH_S);
}

/** Kernels and collectives that eager code launches in a step. */
function eagerLaunches({ passes, blocks }: Workload): number {
  const launches = blocks.flatMap(({ segments }) =>
    segments.map(
      (segment) =>
        computeIn(segment).reduce((sum, { kernels }) => sum + kernels, 0) +
        (collectiveIn(segment) === null ? 0 : 1),
    ),
  );
  return passes * launches.reduce((sum, count) => sum + count, 0);
}
