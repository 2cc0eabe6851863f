import { shown } from '../../model/input/userError.ts';
import type { PcieLink } from './importedTree.ts';
import type { XmlElement } from './text/xmlElements.ts';

const GENERATIONS: Readonly<Record<string, PcieLink['gen']>> = { 2.5: 1, 5: 2, 8: 3, 16: 4, 32: 5, 64: 6 };
const LANES: readonly PcieLink['lanes'][] = [1, 2, 4, 8, 16];

/**
 * The link above a `pci` element. NCCL writes the lower of what device and port can do, as the kernel words
 * it: `32.0 GT/s PCIe` or `32 GT/s`; in a virtual machine it may write nothing, which is `unknown`.
 */
export function pcieLinkOf({ attributes }: XmlElement): PcieLink | { unknown: string } {
  const { link_speed: speed = '', link_width: width = '' } = attributes;
  const [, gigatransfers = ''] = /^(\d+(?:\.\d+)?) GT\/s/.exec(speed) ?? [];
  const gen = GENERATIONS[Number(gigatransfers)];
  const lanes = LANES.find((count) => String(count) === width);
  if (gen !== undefined && lanes !== undefined) return { gen, lanes };
  return { unknown: `link_speed ${shown(speed)} and link_width ${shown(width)} are no PCIe link` };
}
