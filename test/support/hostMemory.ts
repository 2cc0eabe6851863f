import type { HostMemory } from '../../model/system/system.ts';

/** Host memory with a hard limit to reads plus writes, and what else is given. */
export function hostMemory(bytesPerS: number, rest: Partial<HostMemory> = {}): HostMemory {
  const none = Number.POSITIVE_INFINITY;
  return { bytesPerS, readBytesPerS: none, writeBytesPerS: none, sharpness: none, writeWeight: 1, ...rest };
}
