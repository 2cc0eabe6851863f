import type { System } from './system.ts';

/** Whether a machine is CPU cores that stand in for GPUs: the files of those are called so, `host-x1` and the like. */
export function isCpuCores({ id }: System): boolean {
  return id.startsWith('host-');
}
