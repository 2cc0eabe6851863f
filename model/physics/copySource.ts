import type { Plan, SerialCopy } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { copyRates } from './rates.ts';

/** Whether a plan's copies cross pageable memory. */
export function usesPageable({ serialCopies = [], ...plan }: Plan): boolean {
  return streamsFromPageable(plan) || serialCopies.some(({ memory }) => memory === 'pageable');
}

function streamsFromPageable({ sequential, source }: Pick<Plan, 'sequential' | 'source'>): boolean {
  return source === undefined ? sequential : source === 'pageable';
}

/** Bytes/s that the host memory allows which a plan streams weights from: no limit of its own where it is pinned. */
export function sourceBytesPerS({ host }: System, plan: Pick<Plan, 'sequential' | 'source'>): number {
  return streamsFromPageable(plan) ? host.pageableBytesPerS : Number.POSITIVE_INFINITY;
}

/**
 * Seconds of a step that a plan's copies outside the stream of blocks take: bytes over the rate of a link that nothing else uses, in
 * every pass. Copies out go into new memory, as tools that drop a tensor's old copy make it.
 */
export function serialCopiesS(
  { passes, ranks }: Pick<Workload, 'passes' | 'ranks'>,
  system: System,
  { serialCopies = [] }: Pick<Plan, 'serialCopies'>,
): number {
  if (serialCopies.length === 0) return 0;
  const rates = copyRates(system, ranks);
  const { pageableBytesPerS, pageableOutBytesPerS } = system.host;
  const pageable = { h2d: pageableBytesPerS, d2h: pageableOutBytesPerS };
  const copyS = ({ bytes, direction, memory }: SerialCopy) =>
    bytes /
    Math.min(rates[direction], memory === 'pageable' ? pageable[direction] : Number.POSITIVE_INFINITY);
  return passes * serialCopies.reduce((sum, copy) => sum + copyS(copy), 0);
}
