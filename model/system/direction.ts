/**
 * Directions in which a machine may differ from its file: numbers that one physical cause moves together.
 *
 * - `h2d`: copies to the GPUs, all of them loading, and reads of host memory; collectives that share the link follow (`withH2dLink`).
 * - `duplex`: both directions of a link together, which `staged-copy` lives on; writes of host memory, and all that it carries.
 * - `pageable`: copies between the GPUs and memory that is not page-locked; only tools' plans and `sequential` have any.
 * - `collectives`: rates of collective kernels by themselves, of all transports, and those of NICs and the switches between them.
 * - `beside`: what collective kernels and copies retain of their rates while both run.
 * - `compute`: speed of all classes of segments, at the same watts.
 * - `overheads`: start-ups, gaps between chunks, latencies of transports, and kernels' overheads.
 * - `link`: all rates of the PCIe tree and of the collectives that cross it by one factor; for intervals given by hand.
 */
export const DIRECTIONS = [
  'h2d',
  'duplex',
  'pageable',
  'collectives',
  'beside',
  'compute',
  'overheads',
  'link',
] as const;

export type Direction = (typeof DIRECTIONS)[number];
