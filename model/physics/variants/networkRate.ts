import type { System } from '../../system/system.ts';
import { checkFactor } from './scaled.ts';

/**
 * A machine whose NICs and the switches between them are faster or slower by a factor, all else as it is; one host has none.
 *
 * @param factor above 0, a fraction of what the machine file says.
 * @throws RangeError for a factor that is not above 0 or not finite.
 */
export function withNetworkRate(system: System, factor: number): System {
  checkFactor('network rate', factor);
  if (system.network === null) return system;
  const nodes = system.network.nodes.map((node) => ({
    ...node,
    downBytesPerS: node.downBytesPerS * factor,
    upBytesPerS: node.upBytesPerS * factor,
  }));
  return { ...system, network: { ...system.network, nodes } };
}

/** Payload bytes/s of a NIC's port, each direction. */
export function portBytesPerS({ network, gpus }: System): number {
  const [nic] = network!.nics.get(gpus[0]!)!;
  return network!.nodes.find(({ id }) => id === nic!.port)!.upBytesPerS;
}
