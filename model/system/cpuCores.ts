import type { System } from './system.ts';

/** What machine files of CPU cores call their GPU; results of the host backend name the processor instead. */
const CPU_THREADS = 'CPU threads';

/** Whether a machine is CPU cores that stand in for GPUs, whatever its file is called. */
export function isCpuCores({ gpu }: Pick<System, 'gpu'>): boolean {
  return gpu.name === CPU_THREADS;
}
