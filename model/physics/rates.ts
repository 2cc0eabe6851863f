import type { CollectiveKind } from '../dit/kinds.ts';
import type { System } from '../system/system.ts';
import type { FlowTransport } from '../system/transport.ts';
import {
  collectiveUses,
  copyUses,
  flowWeight,
  type Limit,
  resourceLimit,
  type Use,
  writeWeightOf,
} from './linkRoutes.ts';
import { gpusOfRanks, linkRateAllLoading, runningRanks } from './linkShare.ts';
import { served } from './saturation.ts';

/** Bytes/s of prefetch and of a collective on every rank, each alone and both at once. */
export interface PairRates {
  readonly h2dAlone: number;
  readonly collectiveAlone: number;
  readonly h2dShared: number;
  readonly collectiveShared: number;
}

/**
 * By machine and transport, which never change, then by ranks, kind and source: a walk at another clock, or of another plan,
 * asks for the same ones.
 */
const PAIR_RATES = new WeakMap<System, WeakMap<FlowTransport, Map<string, PairRates>>>();

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
  const ofSystem = PAIR_RATES.get(system) ?? new WeakMap<FlowTransport, Map<string, PairRates>>();
  const ofTransport = ofSystem.get(transport) ?? new Map<string, PairRates>();
  const key = `${groupSize} ${kind} ${sourceBytesPerS}`;
  const known = ofTransport.get(key);
  if (known !== undefined) return known;
  const rates = solvedPairRates(system, groupSize, transport, kind, sourceBytesPerS);
  ofTransport.set(key, rates);
  ofSystem.set(transport, ofTransport);
  PAIR_RATES.set(system, ofSystem);
  return rates;
}

function solvedPairRates(
  system: System,
  groupSize: number,
  transport: FlowTransport,
  kind: CollectiveKind,
  sourceBytesPerS: number,
): PairRates {
  const ranks = runningRanks(system, groupSize);
  const gpus = gpusOfRanks(system, ranks);
  const linkRates = linkRateAllLoading(system, ranks);
  const slowest = linkRates.indexOf(Math.min(...linkRates));
  const rate = transport.collectives[kind];
  const resources = shared(
    system,
    gpus.map((gpu) => copyUses(system, gpu, 'down')),
    gpus.map((_, rank) => collectiveUses(system, ranks, rank, transport, kind)),
  );
  const sharing = system.peer === 'colocated' ? ranks : 1;
  const h2dBound = Math.min(system.gpu.copyEngine.h2dBytesPerS, sourceBytesPerS) / sharing;
  const weight = flowWeight(transport, kind, linkRates[slowest]!);
  const alone = { copies: h2dBound, collectives: rate.bytesPerS };
  const h2dAlone = softened(resources, (limits) => ({
    copies: Math.min(alone.copies, leftFor(limits, 'copies', 0)),
    collectives: 0,
  }));
  const collectiveAlone = softened(resources, (limits) => ({
    copies: 0,
    collectives: Math.min(alone.collectives, leftFor(limits, 'collectives', 0)),
  }));
  const both = softened(resources, (limits, bound) => twoClasses(limits, bound, weight), alone);
  return {
    h2dAlone: h2dAlone.copies,
    collectiveAlone: collectiveAlone.collectives,
    h2dShared: both.copies,
    collectiveShared: both.collectives,
  };
}

/** Bytes/s per rank. */
interface CopyRates {
  h2d: number;
  d2h: number;
  /** H2D while both directions run. */
  both: number;
  /** D2H while both directions run: as fast, unless host memory favours one. */
  bothD2h: number;
}

/** By machine, which never changes, and group size: a search asks for the same ones many thousand times. */
const COPY_RATES = new WeakMap<System, ReadonlyMap<number, CopyRates>>();

/** H2D with every rank loading, D2H likewise, and both directions at once, bytes/s per rank. */
export function copyRates(system: System, groupSize: number): CopyRates {
  const known = COPY_RATES.get(system)?.get(groupSize);
  if (known !== undefined) return known;
  const rates = copyRatesOfShare(system, groupSize, 1);
  COPY_RATES.set(system, new Map([...(COPY_RATES.get(system) ?? []), [groupSize, rates]]));
  return rates;
}

/** The same where memory serves a share of what is read and the CPU's cache the rest. */
export function copyRatesOfShare(system: System, groupSize: number, readShare: number): CopyRates {
  const ranks = runningRanks(system, groupSize);
  const gpus = gpusOfRanks(system, ranks);
  const sharing = system.peer === 'colocated' ? ranks : 1;
  const down = gpus.map((gpu) => copyUses(system, gpu, 'down', readShare));
  const up = gpus.map((gpu) => copyUses(system, gpu, 'up'));
  const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
  const rateOf = (uses: readonly Use[][], bound: number) =>
    softened(shared(system, uses, []), (limits) => ({
      copies: Math.min(bound / sharing, leftFor(limits, 'copies', 0)),
      collectives: 0,
    })).copies;
  const each = Math.min(h2dBytesPerS, d2hBytesPerS) / sharing;
  // D2H stands where a collective does in other shares. Pieces of a pipeline go as fast as its slower direction, but for what host
  // memory favours.
  const both = softened(
    shared(system, down, up),
    (limits, bound, weight) => {
      const moves = twoClasses(limits, bound, weight);
      if (weight !== 1) return moves;
      const slower = Math.min(moves.copies, moves.collectives);
      return { copies: slower, collectives: slower };
    },
    { copies: each, collectives: each },
    // The first GPU stands for all: a machine has one kind of host memory.
    writeWeightOf(system, gpus[0]!),
  );
  return {
    h2d: rateOf(down, h2dBytesPerS),
    d2h: rateOf(up, d2hBytesPerS),
    both: both.copies,
    bothD2h: both.collectives,
  };
}

/** What each rank moves of the two classes, bytes/s. */
interface Moves {
  copies: number;
  collectives: number;
}

/** A resource, and how much of it one byte of each class on every rank uses. */
interface SharedResource extends Limit, Moves {}

function shared(
  system: System,
  copies: readonly (readonly Use[])[],
  collectives: readonly (readonly Use[])[],
): SharedResource[] {
  const ofCopies = load(copies);
  const ofCollectives = load(collectives);
  return [...new Set([...ofCopies.keys(), ...ofCollectives.keys()])].map((resource) => ({
    ...resourceLimit(system, resource),
    copies: ofCopies.get(resource) ?? 0,
    collectives: ofCollectives.get(resource) ?? 0,
  }));
}

const UNBOUND: Moves = { copies: Number.POSITIVE_INFINITY, collectives: Number.POSITIVE_INFINITY };

/**
 * Rates under the hard limits alone, and then with soft ones that serve, of the demand which these make, what they can. Nobody
 * moves more then than it asked for.
 *
 * @param softWeight of the second class, times its own, where soft limits share.
 */
function softened(
  resources: readonly SharedResource[],
  ratesUnder: (resources: readonly SharedResource[], bound: Moves, softWeight: number) => Moves,
  bound: Moves = UNBOUND,
  softWeight = 1,
): Moves {
  const isHard = ({ sharpness }: Limit) => !Number.isFinite(sharpness);
  const wanted = ratesUnder(resources.filter(isHard), bound, 1);
  if (resources.every(isHard)) return wanted;
  const limits = resources.map((resource) => {
    if (isHard(resource)) return resource;
    const demand = wanted.copies * resource.copies + wanted.collectives * resource.collectives;
    return { ...resource, capacity: served(demand, resource.capacity, resource.sharpness) };
  });
  return ratesUnder(limits, wanted, softWeight);
}

/** What resources leave to one class, per rank, while the other moves `level` on each. */
function leftFor(resources: readonly SharedResource[], of: keyof Moves, level: number): number {
  const other = of === 'copies' ? 'collectives' : 'copies';
  return Math.min(
    ...resources.map((resource) =>
      resource[of] === 0
        ? Number.POSITIVE_INFINITY
        : (resource.capacity - level * resource[other]) / resource[of],
    ),
  );
}

/** Max-min rates of both classes at once: copies of weight 1, and collectives. */
function twoClasses(resources: readonly SharedResource[], bound: Moves, weight: number): Moves {
  // Level at which each class is held back first: by its bound, or by a resource that it uses.
  const heldAt = (of: keyof Moves, level: number) =>
    Math.min(
      level,
      ...resources.map((resource) =>
        resource[of] === 0
          ? Number.POSITIVE_INFINITY
          : resource.capacity / (resource.copies + weight * resource.collectives),
      ),
    );
  const copiesHeldAt = heldAt('copies', bound.copies);
  const collectivesHeldAt = heldAt('collectives', bound.collectives / weight);
  const level = Math.min(copiesHeldAt, collectivesHeldAt);
  // The class that is held first stays there; the other takes what is left, which is nothing on a shared resource.
  return {
    copies:
      copiesHeldAt === level ? level : Math.min(bound.copies, leftFor(resources, 'copies', level * weight)),
    collectives:
      collectivesHeldAt === level
        ? level * weight
        : Math.min(bound.collectives, leftFor(resources, 'collectives', level)),
  };
}

/** How much of each resource one byte on every rank uses. */
function load(uses: readonly (readonly Use[])[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { resource, coefficient } of uses.flat())
    sums.set(resource, (sums.get(resource) ?? 0) + coefficient);
  return sums;
}
