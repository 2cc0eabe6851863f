import type { CollectiveKind } from '../dit/kinds.ts';
import { shown, UserError } from '../input/userError.ts';
import type { System } from './system.ts';

/** Transport of a plan for one rank, which has no collectives. */
export const NO_TRANSPORT = 'none';

/** Transports of ours that a machine file describes in its own way. */
export const STAGED_SM = 'staged-sm';
export const STAGED_COPY = 'staged-copy';

/** NCCL between hosts; and the same in two phases, first within each host. */
export const NET = 'net';
export const NET_HIERARCHICAL = 'net-hierarchical';
export const NETWORK_KEYS = [NET, NET_HIERARCHICAL] as const;
export type NetworkKey = (typeof NETWORK_KEYS)[number];

/** The staging kernel with so many CTAs a direction; a machine's usual number of them is plain `staged-sm` as well. */
export function stagedSmName(ctas: number): string {
  return `${STAGED_SM}:${ctas}`;
}

/** Who moves a transport's bytes when a program runs. */
export type Carrier =
  /** NCCL, over the links that its environment leaves it. */
  | { by: 'nccl' }
  /**
   * A kernel of ours that writes to pinned staging memory and reads from there, with so many CTAs a direction. Staging holds a
   * ring of so many slices of 256 KiB for each of them, or whole messages (0).
   */
  | { by: 'kernel'; ctas: number; ring: number }
  /** Copy engines: pieces of a collective are copied to pinned staging memory and from there, among the prefetch. */
  | { by: 'copy-engines' };

/** Transports that a machine file describes by one flow for each rank, by their key there, and who carries them. */
export const FLOW_CARRIERS = {
  shm: { by: 'nccl' },
  p2p: { by: 'nccl' },
  nvlink: { by: 'nccl' },
} as const satisfies Record<string, Carrier>;
export type FlowKey = keyof typeof FLOW_CARRIERS;

/** Whether a carrier needs pinned staging memory of the program's own; NCCL has its own. */
export function stagesInHostMemory({ by }: Carrier): boolean {
  return by !== 'nccl';
}

/** Who carries a transport of this name on every machine that has it: for plans and readings whose machine is not at hand. */
export function carrierByName(name: string): Carrier['by'] {
  if (name === STAGED_COPY) return 'copy-engines';
  if (name.split(':')[0] === STAGED_SM) return 'kernel';
  return Object.hasOwn(FLOW_CARRIERS, name) ? FLOW_CARRIERS[name as FlowKey].by : 'nccl';
}

/**
 * What is left of a collective's rate and of H2D's rate while both run, as fractions of each alone. Equal
 * shares of one saturated link are {0.5, 0.5}; separate links {1, 1}. Together at least 1.
 */
export interface Contention {
  collective: number;
  h2d: number;
  /**
   * Seconds between back-to-back chunks while the collective runs: a chunk's descriptors and its end have to pass the
   * collective's own traffic. Null where that is the copy engine's usual pause.
   */
  gapS: number | null;
}

/** Numbers of a flow transport that depend on how many ranks take part. */
export interface FlowNumbers {
  /** Start-up seconds per call. */
  latencyS: number;
  collectives: Readonly<Record<CollectiveKind, CollectiveRate>>;
  /** Device memory that the transport takes on each rank for buffers of its own, bytes. */
  deviceBufferBytes: number;
}

/** Which links a collective crosses within a host: the PCIe tree through host memory, through the lowest common node, or none of it. */
export const TRANSPORT_PATHS = ['host', 'peer', 'nvlink'] as const;
/** The same, or NICs and the network between hosts. */
export type TransportPath = (typeof TRANSPORT_PATHS)[number] | 'network';

/** How an all-to-all between hosts is done: all pairs at once, or first within each host, so that every pair of hosts meets on its rails. */
export type NetworkAlgorithm = 'flat' | 'hierarchical';

/** What a transport over the network says beyond one flow for each rank. */
export interface NetworkTerms {
  algorithm: NetworkAlgorithm;
  /** Name of the transport of what stays within a host; null where a host has one GPU. */
  within: string | null;
  /** Start-up that each peer on another host adds to a call, seconds. */
  peerS: number;
  /** Device memory that NCCL takes on each rank for each peer on another host, bytes. */
  peerBufferBytes: number;
}

/** A transport that is described by one flow per rank. */
export interface FlowTransport extends FlowNumbers {
  kind: 'flow';
  name: string;
  carrier: Exclude<Carrier, { by: 'copy-engines' }>;
  /**
   * Of a byte's write to host memory and its read from there, how much reaches memory, from 0 to 1: a staging buffer that is small
   * enough stays in the CPU's last-level cache.
   */
  hostShare: number;
  path: TransportPath;
  /**
   * A pipeline that must fill: its first `bytes` cross the link before anything comes back. That takes `cost` times
   * their time at the rate on top. Null for transports whose start-up says it all.
   */
  fill: { bytes: number; cost: number } | null;
  /** By number of ranks, where it has numbers of its own; the transport's hold for every other. */
  byRanks: ReadonlyMap<number, FlowNumbers>;
  /** Of path `network` only. */
  network?: NetworkTerms;
}

export interface CollectiveRate {
  /** Bytes/s per GPU and direction, alone, of large messages. */
  bytesPerS: number;
  besideH2d: Contention;
}

/** A transport whose collectives are ordinary copies through pinned host staging, in pieces: D2H, flag, H2D. */
export interface StagedCopyTransport {
  kind: 'staged-copy';
  name: string;
  carrier: { by: 'copy-engines' };
  /** Seconds from the call to its first copy. */
  latencyS: number;
  /** Seconds that a flag write takes on the sending stream. */
  flagS: number;
  /** Piece size where a plan names none, bytes. */
  pieceBytes: number;
  /**
   * Of the CPU's last-level cache that staged bytes find between three ranks and more, see `missedShare`; 0 where host memory serves
   * all reads.
   */
  cacheBytes: number;
}

export type Transport = FlowTransport | StagedCopyTransport;

/**
 * The transport of a name, or the machine's own choice for none, whatever the number of ranks: its numbers are those of
 * `transportOf`.
 *
 * @throws UserError with the machine's transports for a name that is not among them.
 */
export function transportNamed(system: System, name: string = system.defaultTransport): Transport {
  const transport = system.transports.find((candidate) => candidate.name === name);
  if (transport !== undefined) return transport;
  throw new UserError(
    `transport ${shown(name)} is not one of ${system.name}; it has ${system.transports.map((t) => t.name).join(', ')}`,
  );
}

/**
 * The transport of a name, with the numbers that it has between so many ranks.
 *
 * @throws UserError as `transportNamed`, and for one that joins GPUs of one host where ranks are on several.
 */
export function transportOf(system: System, name: string | undefined, ranks: number): Transport {
  const transport = transportNamed(system, name);
  const { network } = system;
  if (network !== null && !joins(system, transport, ranks)) {
    const others = system.transports
      .filter((other) => joins(system, other, ranks))
      .map((other) => other.name);
    throw new UserError(
      `transport ${transport.name}: joins GPUs of one host, and ${ranks} ranks are on ${Math.ceil(ranks / network.gpusPerHost)} hosts of ${network.gpusPerHost} GPUs; ` +
        `${others.length > 0 ? `give ${others.join(' or ')}, or` : `${system.name} has no other;`} at most ${network.gpusPerHost} ranks`,
    );
  }
  return betweenRanks(transport, ranks);
}

/** Whether a transport can carry collectives of so many ranks: only one over the network joins several hosts. */
export function joins({ network }: System, transport: Transport, ranks: number): boolean {
  if (network === null || ranks <= network.gpusPerHost) return true;
  return transport.kind === 'flow' && transport.path === 'network';
}

/** The transport of a plan's collectives with its numbers between so many ranks; null for one rank. @throws UserError as `transportNamed`. */
export function collectiveTransport(
  system: System,
  { transport }: { transport: string | undefined },
  ranks: number,
): Transport | null {
  return ranks > 1 ? transportOf(system, transport, ranks) : null;
}

/** The transport that a plan names, which a plan made like it is to take; undefined for one rank's. */
export function chosenTransport({ transport }: { transport: string }): string | undefined {
  return transport === NO_TRANSPORT ? undefined : transport;
}

/** A machine's transports, each once: `staged-sm` is another name of one of those with a number of CTAs. */
export function distinctTransports({ transports }: System): Transport[] {
  return transports.filter(({ carrier }, index) => {
    if (carrier.by !== 'kernel') return true;
    const same = transports.findIndex(
      (other) => other.carrier.by === 'kernel' && other.carrier.ctas === carrier.ctas,
    );
    return same === index;
  });
}

/**
 * The name of a transport that stands for the same one on every machine that has it: `staged-sm` is `staged-sm:2` on one machine and
 * `staged-sm:16` on another.
 *
 * @throws UserError as `transportNamed`.
 */
export function distinctName(system: System, name: string): string {
  const { carrier } = transportNamed(system, name);
  if (carrier.by !== 'kernel') return name;
  const same = distinctTransports(system).find(
    (other) => other.carrier.by === 'kernel' && other.carrier.ctas === carrier.ctas,
  );
  return same!.name;
}

/** By transport as in the machine file, then ranks, so that what is known of one is found again by the object. */
const BETWEEN_RANKS = new WeakMap<Transport, Map<number, Transport>>();

/** A transport with the numbers that it has between so many ranks, which then hold for every number. */
export function betweenRanks<T extends Transport>(transport: T, ranks: number): T {
  const own = ownNumbers(transport, ranks);
  if (own === undefined) return transport;
  const ofTransport = BETWEEN_RANKS.get(transport) ?? new Map<number, Transport>();
  const known = ofTransport.get(ranks);
  if (known !== undefined) return known as T;
  const between = { ...transport, ...own };
  ofTransport.set(ranks, between);
  BETWEEN_RANKS.set(transport, ofTransport);
  return between;
}

/** Two ranks are as fast as with a cache by themselves and as without one beside copies: what holds of more is not said of them. */
const LEAST_CACHED_RANKS = 3;

function ownNumbers(transport: Transport, ranks: number): Partial<Transport> | undefined {
  if (transport.kind === 'staged-copy')
    return transport.cacheBytes > 0 && ranks < LEAST_CACHED_RANKS ? { cacheBytes: 0 } : undefined;
  const own = transport.byRanks.get(ranks);
  return own && { ...own, byRanks: new Map() };
}
