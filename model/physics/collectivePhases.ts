import type { CollectiveKind } from '../dit/kinds.ts';
import type { System } from '../system/system.ts';
import { betweenRanks, type FlowTransport, transportNamed } from '../system/transport.ts';
import type { CollectiveSegment, RankGroup } from '../workload/workload.ts';
import { collectiveAloneS } from './linkShare.ts';
import { hierarchicalShares, type NetworkShares, networkShares, type Pattern } from './networkShares.ts';
import { type Spread, spreadOf } from './rankGroups.ts';

/** What of a collective decides how it moves. */
export type Call = Pick<CollectiveSegment, 'collective' | 'sentBytes' | 'members' | 'toNeighbour'>;

/** A flow among some of the ranks. */
export interface GroupFlow extends FlowTransport {
  group: RankGroup;
}

/** A flow that crosses the network: what it is made of. Its rates, of all that a rank sends, are bounds; links may give less. */
export interface NetworkFlow extends GroupFlow {
  shares: NetworkShares;
  /** What carries what stays in the host; null where nothing does. */
  inHost: FlowTransport | null;
  /** Of a byte that a rank sends, what that carries, with what it hands on to other GPUs' NICs. */
  inHostShare: number;
}

/** A flow of a collective on each rank. */
export interface CollectivePhase {
  transport: FlowTransport;
  /** Bytes that leave the rank. */
  sentBytes: number;
}

export function isNetworkFlow(transport: FlowTransport): transport is NetworkFlow {
  return 'shares' in transport;
}

/** Ranks that meet in a transport's flow, where those are not all. */
export function groupOf(transport: FlowTransport): RankGroup | null {
  return 'group' in transport ? (transport as GroupFlow).group : null;
}

/**
 * The flows of a collective, one after another, each of which begins with its own start-up: one, but for a hierarchical all-to-all,
 * which has one within each host and one between them.
 *
 * @param transport of the plan, as the machine file has it between all ranks.
 * @throws UserError as `spreadOf`.
 */
export function phasesOf(
  system: System,
  transport: FlowTransport,
  call: Call,
  ranks: number,
): CollectivePhase[] {
  const { network: terms } = transport;
  if (terms === undefined) return [{ transport, sentBytes: call.sentBytes }];
  const group = call.members ?? { ranks, stride: 1 };
  const spread = spreadOf(system, ranks, group);
  const isWhole = group.ranks === ranks;
  const flow = (made: FlowKind) => madeOnce(system, transport, { ...made, group: made.group ?? group });
  if (spread.hosts === 1) return [{ transport: flow({ made: 'host', isWhole }), sentBytes: call.sentBytes }];
  const pattern: Pattern = call.toNeighbour ? 'neighbour' : call.collective;
  if (terms.algorithm === 'flat' || pattern !== 'all-to-all' || spread.perHost === 1)
    return [{ transport: flow({ made: 'network', pattern, spread }), sentBytes: call.sentBytes }];
  const { within, between } = hierarchicalShares(spread);
  const { stride } = group;
  const ofHost = { ranks: spread.perHost, stride };
  const ofRail = { ranks: spread.hosts, stride: stride * spread.perHost };
  return [
    { transport: flow({ made: 'host', isWhole: false, group: ofHost }), sentBytes: within * call.sentBytes },
    {
      transport: flow({
        ...{ made: 'network', pattern, spread: { hosts: spread.hosts, perHost: 1 } },
        ...{ group: ofRail },
      }),
      sentBytes: between * call.sentBytes,
    },
  ];
}

type FlowKind = { group?: RankGroup } & (
  | { made: 'host'; isWhole: boolean }
  | { made: 'network'; pattern: Pattern; spread: Spread }
);

/** By machine and transport, which never change: rates that are known of a flow are found again by the object. */
const FLOWS = new WeakMap<System, WeakMap<FlowTransport, Map<string, FlowTransport>>>();

function madeOnce(
  system: System,
  transport: FlowTransport,
  kind: FlowKind & { group: RankGroup },
): FlowTransport {
  const ofSystem = FLOWS.get(system) ?? new WeakMap<FlowTransport, Map<string, FlowTransport>>();
  FLOWS.set(system, ofSystem);
  const ofTransport = ofSystem.get(transport) ?? new Map<string, FlowTransport>();
  ofSystem.set(transport, ofTransport);
  const key = JSON.stringify(kind);
  const known = ofTransport.get(key) ?? flowOf(system, transport, kind);
  ofTransport.set(key, known);
  return known;
}

function flowOf(
  system: System,
  transport: FlowTransport,
  kind: FlowKind & { group: RankGroup },
): FlowTransport {
  const { group } = kind;
  if (kind.made === 'host') {
    const inHost = inHostOf(system, transport, group.ranks);
    if (inHost === null)
      throw new Error(`${transport.name}: several ranks on a host, and nothing joins them`);
    if (kind.isWhole) return inHost;
    const ofGroup: GroupFlow = { ...inHost, group };
    return ofGroup;
  }
  const { pattern, spread } = kind;
  const shares = networkShares(pattern, spread);
  const inHost = shares.within > 0 ? inHostOf(system, transport, spread.perHost) : null;
  const inHostShare = shares.within + forwardedShare(system, spread, shares, inHost);
  const rate = (of: CollectiveKind) => {
    const { bytesPerS, besideH2d } = transport.collectives[of];
    const ofHost = inHost === null ? Number.POSITIVE_INFINITY : inHost.collectives[of].bytesPerS;
    return { bytesPerS: Math.min(bytesPerS / shares.between, ofHost / inHostShare), besideH2d };
  };
  const flow: NetworkFlow = {
    ...transport,
    latencyS: transport.latencyS + shares.messages * transport.network!.peerS,
    collectives: {
      'all-to-all': rate('all-to-all'),
      'all-gather': rate('all-gather'),
      'all-reduce': rate('all-reduce'),
    },
    ...{ group, shares, inHost, inHostShare },
  };
  return flow;
}

function inHostOf(system: System, { network }: FlowTransport, ranks: number): FlowTransport | null {
  if (network!.within === null) return null;
  return betweenRanks(transportNamed(system, network!.within) as FlowTransport, ranks);
}

/**
 * Of a byte that a rank sends, what NVLink carries on its way to the network. On rails NCCL hands a message to the GPU of the receiver's
 * index in the sender's host, whose NIC is on the receiver's rail (PXN); of a host's p members p - 1 have another index.
 */
function forwardedShare(
  { network }: System,
  { perHost }: Spread,
  { between, senders }: NetworkShares,
  inHost: FlowTransport | null,
): number {
  const forwards = senders === 'all' && network!.railOptimized && inHost?.path === 'nvlink';
  return forwards ? (between * (perHost - 1)) / perHost : 0;
}

/** Seconds of a collective by itself, its phases one after another, at the rates of its transports and not of links. */
export function callAloneS(system: System, transport: FlowTransport, call: Call, ranks: number): number {
  return phasesOf(system, transport, call, ranks).reduce(
    (sum, phase) => sum + collectiveAloneS(phase.transport, call.collective, phase.sentBytes),
    0,
  );
}
