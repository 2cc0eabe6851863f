import type { System } from '../system/system.ts';
import type { Transport } from '../system/transport.ts';
import type { Workload } from '../workload/workload.ts';

/** Whether a workload has collectives that run beside compute, as those of ring attention do. */
export function hasBesideCompute({ blocks }: Workload): boolean {
  return [...new Set(blocks)].some(({ segments }) => segments.some(({ kind }) => kind === 'overlapped'));
}

/**
 * Why a transport cannot carry what a workload sends beside compute; null where it can. Copy-engine collectives are written for a
 * whole group that meets, and their order among the prefetch is that of collectives which compute waits for.
 */
export function wrongBesideCompute(workload: Workload, system: System, transport: Transport): string | null {
  if (transport.kind === 'flow' || !hasBesideCompute(workload)) return null;
  const others = system.transports.filter(({ kind }) => kind === 'flow').map(({ name }) => name);
  return (
    `${transport.name} has no sends of ring attention beside compute; ` +
    `${others.length > 0 ? `give one of ${others.join(', ')}, or` : `${system.name} has no other transport;`} leave out --ring`
  );
}
