import type { XmlElement } from './text/xmlElements.ts';

/**
 * Whether a bridge is an inner part of the Broadcom switch above it. Those switches present themselves as two
 * levels although all their ports have their full rate; NCCL takes them as one (ncclTopoFlattenBcmSwitches),
 * and so do we.
 */
export function isPartOfBroadcomSwitch(inner: XmlElement, above: XmlElement): boolean {
  const generation = broadcomGeneration(above, 0);
  return generation !== null && broadcomGeneration(inner, 1) === generation;
}

/** PCIe generation of a Broadcom switch whose part at `level` this is, 0 outside; null for anything else. */
function broadcomGeneration({ attributes }: XmlElement, level: 0 | 1): 4 | 5 | null {
  if (attributes.vendor !== '0x1000' || attributes.subsystem_vendor !== '0x1000') return null;
  const family = Number(attributes.subsystem_device) >> 12;
  if (attributes.device === '0xc010' && family === 0xa) return 4;
  if (attributes.device === '0xc030' && family === level) return 5;
  return null;
}
