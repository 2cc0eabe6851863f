import type { Place } from '../../measure/records.ts';
import { isCpuCores } from '../../model/system/cpuCores.ts';
import type { System } from '../../model/system/system.ts';

/** Where something was measured, as its records say it. */
export interface MeasuredAt {
  place: Place;
  ranks: number;
  device: string;
}

/**
 * Why results are of another machine than the one that is to predict them or to be fitted to them; null where they are not.
 *
 * @example otherMachine({ place: 'mirrored', ranks: 2, device: 'NVIDIA H200' }, loadSystem('h200-x2')) // 'was measured ...'
 */
export function otherMachine({ place, ranks, device }: MeasuredAt, { id, peer, gpu }: System): string | null {
  const onCpu = isCpuCores({ gpu });
  if (onCpu !== (place === 'host')) return `was measured on ${device} (${place}), and ${id} has ${gpu.name}`;
  if (onCpu) return null;
  if (!device.includes(gpu.name.split(' ')[0]!))
    return `was measured on ${device}, and ${id} has ${gpu.name}`;
  // One rank has no peers.
  if (ranks > 1 && peer !== place) return `was measured with ${place} peers, and ${id} has ${peer} ones`;
  return null;
}
