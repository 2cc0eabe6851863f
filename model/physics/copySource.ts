import type { Plan, SerialCopy } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { copyRates } from './rates.ts';

/** Bytes/s that the host memory allows which a plan streams weights from: no limit of its own where it is pinned. */
export function sourceBytesPerS(
  { host }: System,
  { sequential, source }: Pick<Plan, 'sequential' | 'source'>,
): number {
  const isPageable = source === undefined ? sequential : source === 'pageable';
  return isPageable ? host.pageableBytesPerS : Number.POSITIVE_INFINITY;
}

/**
 * Seconds of a step that a plan's copies outside the stream of blocks take: bytes over the rate of a link that nothing else uses, in
 * every pass. Pageable memory is taken to be as slow in both directions.
 */
export function serialCopiesS(
  { passes, ranks }: Pick<Workload, 'passes' | 'ranks'>,
  system: System,
  { serialCopies = [] }: Pick<Plan, 'serialCopies'>,
): number {
  if (serialCopies.length === 0) return 0;
  const rates = copyRates(system, ranks);
  const copyS = ({ bytes, direction, memory }: SerialCopy) =>
    bytes /
    Math.min(
      rates[direction],
      memory === 'pageable' ? system.host.pageableBytesPerS : Number.POSITIVE_INFINITY,
    );
  return passes * serialCopies.reduce((sum, copy) => sum + copyS(copy), 0);
}
