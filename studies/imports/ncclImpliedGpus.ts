import type { XmlElement } from './text/xmlElements.ts';

/** Of 3D controllers, which datacenter GPUs are. */
const GPU_CLASS = /^0x0302/i;
/** Of display controllers, which GeForce cards are, and the server's own screen. */
const DISPLAY_CLASS = /^0x0300/i;
const NVIDIA = '0x10de';

/**
 * Adds a `gpu` to each device of a GPU's class, in a topology that has none: cloud providers' files, given to NCCL in NCCL_TOPO_FILE,
 * only have what PCI says, and NCCL adds the rest. CUDA numbers GPUs in the order of their bus ids.
 *
 * @returns how many there are.
 */
export function addImpliedGpus(system: XmlElement): number {
  const found = gpusIn(system).sort((a, b) => busIdOf(a).localeCompare(busIdOf(b)));
  for (const [dev, pci] of found.entries())
    pci.children.push({ name: 'gpu', attributes: { dev: String(dev) }, children: [], line: pci.line });
  return found.length;
}

function gpusIn(element: XmlElement): XmlElement[] {
  const below = element.children.flatMap(gpusIn);
  return element.name === 'pci' && isGpu(element) ? [element, ...below] : below;
}

function isGpu({ attributes: { class: kind = '', vendor } }: XmlElement): boolean {
  return GPU_CLASS.test(kind) || (DISPLAY_CLASS.test(kind) && vendor?.toLowerCase() === NVIDIA);
}

function busIdOf({ attributes }: XmlElement): string {
  return (attributes.busid ?? '').toLowerCase();
}
