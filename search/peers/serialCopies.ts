import { blockComputeS } from '../../model/physics/compute.ts';
import { bytesWithFill } from '../../model/physics/linkShare.ts';
import { copyRates } from '../../model/physics/rates.ts';
import type { System } from '../../model/system/system.ts';
import { transportOf } from '../../model/system/transport.ts';
import type { BlockKind, Workload } from '../../model/workload/workload.ts';

/** Seconds that bytes take to the GPU and back by themselves; pageable memory is taken as equally slow both ways. */
export interface RoundTrip {
  pinnedInS: number;
  pinnedOutS: number;
  pageableInS: number;
  pageableOutS: number;
}

/** What `bytes` take on a link that nothing else uses, from and to page-locked and pageable memory. */
export function roundTrip(system: System, ranks: number, bytes: number): RoundTrip {
  const { h2d, d2h } = copyRates(system, ranks);
  const { pageableBytesPerS } = system.host;
  return {
    pinnedInS: bytes / h2d,
    pinnedOutS: bytes / d2h,
    pageableInS: bytes / Math.min(h2d, pageableBytesPerS),
    pageableOutS: bytes / Math.min(d2h, pageableBytesPerS),
  };
}

/** Seconds of a block with no copies beside it, at the highest clock: what can be hidden behind it at the least. */
export function blockAloneS(
  block: BlockKind,
  workload: Workload,
  system: System,
  transportName: string,
): number {
  const computeS = blockComputeS(block, system.gpu);
  if (workload.ranks === 1) return computeS;
  const transport = transportOf(system, transportName, workload.ranks);
  if (transport.kind !== 'flow') return computeS;
  return block.segments.reduce((sum, segment) => {
    if (segment.kind !== 'collective') return sum;
    const rate = transport.collectives[segment.collective].bytesPerS;
    return sum + transport.latencyS + bytesWithFill(transport, segment.sentBytes) / rate;
  }, computeS);
}
