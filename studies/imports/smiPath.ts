import { type PathName, within } from '../../model/system/matrixCell.ts';
import type { TopologyMatrix } from '../../model/system/topologyMatrix.ts';

/**
 * The PCIe path between two GPUs. Where NVLink hides it, a tree still tells: of the paths from a device to
 * both, unequal ones mean that the longer is the path between the two, and equal ones that it is no longer.
 * `guess` says where a path may be shorter or longer than given.
 */
export function pciePath(
  matrix: TopologyMatrix,
  a: number,
  b: number,
): { name: PathName; guess: string | null } {
  const cell = matrix.rows[a]!.cells[b]!;
  if (cell.kind === 'path') return { name: cell.path, guess: null };
  let shortest: PathName | null = null;
  for (const [device, toFirst] of matrix.rows[a]!.cells.entries()) {
    const toSecond = matrix.rows[b]!.cells[device]!;
    if (toFirst.kind !== 'path' || toSecond.kind !== 'path') continue;
    const longer = within(toFirst.path, toSecond.path) ? toSecond.path : toFirst.path;
    if (toFirst.path !== toSecond.path) return { name: longer, guess: null };
    if (shortest === null || within(longer, shortest)) shortest = longer;
  }
  if (shortest !== null && within(shortest, 'PXB')) {
    return {
      name: shortest,
      guess: `${shortest} to the same device, so no longer than that; taken as ${shortest}`,
    };
  }
  // A host bridge may have all devices of a virtual machine below it, and a port for each: what GPUs share of it is not said.
  if (shortest === 'PHB') {
    return {
      name: 'NODE',
      guess: 'PHB to the same device, and a link that they share would not show; taken as NODE',
    };
  }
  const [first, second] = [matrix.rows[a]!.numa, matrix.rows[b]!.numa];
  const name = first === second ? 'NODE' : 'SYS';
  const known = first === null || second === null ? 'NUMA affinity is not known' : 'by NUMA affinity';
  return { name, guess: `${known}, taken as ${name}; a shared switch or bridge would not show` };
}
