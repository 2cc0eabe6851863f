import { gpusOfRanks, h2dRateAllLoading, runningRanks, weigh } from '../system/linkShare.ts';
import { collectiveUses, copyUses, resourceCapacity, type Use } from '../system/routes.ts';
import type { System } from '../system/system.ts';
import type { FlowTransport } from '../system/transport.ts';
import type { CollectiveKind } from '../workload/workload.ts';

/** Bytes/s of prefetch and of a collective on every rank, each alone and both at once. */
export interface PairRates {
  h2dAlone: number;
  collectiveAlone: number;
  h2dShared: number;
  collectiveShared: number;
}

/**
 * Rates when all ranks do the same thing at the same time, in closed form.
 *
 * Two classes of flows, all copies and all collectives, share every resource r: n_h(r) + n_c(r) x what each
 * rank moves. Max-min fairness for two classes: raise a common level until the first class is held back by its
 * bound or a resource, then give the other what is left. On a machine whose GPUs sit differently in the tree the
 * worst-placed rank sets the pace, since a collective waits for the slowest.
 *
 * @param sourceBytesPerS what the copies' source allows, where it is pageable memory.
 */
export function pairRates(
  system: System,
  groupSize: number,
  transport: FlowTransport,
  kind: CollectiveKind,
  sourceBytesPerS = Number.POSITIVE_INFINITY,
): PairRates {
  const ranks = runningRanks(system, groupSize);
  const gpus = gpusOfRanks(system, ranks);
  const h2dRates = h2dRateAllLoading(system, ranks);
  const slowest = h2dRates.indexOf(Math.min(...h2dRates));
  const rate = transport.collectives[kind];
  const copies = load(gpus.map((gpu) => copyUses(system, gpu, 'down')));
  const collectives = load(gpus.map((_, rank) => collectiveUses(system, ranks, rank, transport, kind)));
  const resources = [...new Set([...copies.keys(), ...collectives.keys()])].map((resource) => ({
    capacity: resourceCapacity(system, resource),
    copies: copies.get(resource) ?? 0,
    collectives: collectives.get(resource) ?? 0,
  }));
  const sharing = system.peer === 'colocated' ? ranks : 1;
  const h2dBound = Math.min(system.gpu.copyEngine.h2dBytesPerS, sourceBytesPerS) / sharing;
  const { weight } = weigh(rate, h2dRates[slowest]!);

  /** What resources leave to one class of flows, per rank, while the other moves `level` on each. */
  const leftFor = (level: number, used: 'copies' | 'collectives', other: 'copies' | 'collectives') =>
    Math.min(
      ...resources.map((resource) =>
        resource[other] === 0
          ? Number.POSITIVE_INFINITY
          : (resource.capacity - level * resource[used]) / resource[other],
      ),
    );
  const h2dAlone = Math.min(h2dBound, leftFor(0, 'collectives', 'copies'));
  const collectiveAlone = Math.min(rate.bytesPerS, leftFor(0, 'copies', 'collectives'));
  // Level at which each class is held back first: by its bound, or by a resource that it uses.
  const heldAt = (used: 'copies' | 'collectives', bound: number) =>
    Math.min(
      bound,
      ...resources.map(({ capacity, copies: c, collectives: k }) =>
        (used === 'copies' ? c : k) === 0 ? Number.POSITIVE_INFINITY : capacity / (c + weight * k),
      ),
    );
  const copiesHeldAt = heldAt('copies', h2dBound);
  const collectivesHeldAt = heldAt('collectives', rate.bytesPerS / weight);
  const level = Math.min(copiesHeldAt, collectivesHeldAt);
  // The class that is held first stays there; the other takes what is left, which is nothing on a shared resource.
  const h2dShared =
    copiesHeldAt === level ? level : Math.min(h2dBound, leftFor(level * weight, 'collectives', 'copies'));
  const collectiveShared =
    collectivesHeldAt === level
      ? level * weight
      : Math.min(rate.bytesPerS, leftFor(level, 'copies', 'collectives'));
  return { h2dAlone, collectiveAlone, h2dShared, collectiveShared };
}

/** H2D with every rank loading, and both directions at once, bytes/s per rank. */
export function copyRates(system: System, groupSize: number): { h2d: number; d2h: number; both: number } {
  const ranks = runningRanks(system, groupSize);
  const gpus = gpusOfRanks(system, ranks);
  const sharing = system.peer === 'colocated' ? ranks : 1;
  const down = gpus.map((gpu) => copyUses(system, gpu, 'down'));
  const up = gpus.map((gpu) => copyUses(system, gpu, 'up'));
  const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
  const limit = (uses: readonly Use[][]) =>
    Math.min(...[...load(uses)].map(([resource, count]) => resourceCapacity(system, resource) / count));
  return {
    h2d: Math.min(h2dBytesPerS / sharing, limit(down)),
    d2h: Math.min(d2hBytesPerS / sharing, limit(up)),
    both: Math.min(h2dBytesPerS / sharing, d2hBytesPerS / sharing, limit([...down, ...up])),
  };
}

/** How much of each resource one byte on every rank uses. */
function load(uses: readonly (readonly Use[])[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { resource, coefficient } of uses.flat())
    sums.set(resource, (sums.get(resource) ?? 0) + coefficient);
  return sums;
}
