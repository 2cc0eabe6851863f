import type { Direction } from '../../system/direction.ts';
import type { System, TreeNode } from '../../system/system.ts';
import type { CollectiveRate, FlowNumbers, FlowTransport, Transport } from '../../system/transport.ts';
import { EAGER_LAUNCH_S } from '../hostIssue.ts';
import { withComputeSpeed } from './computeSpeed.ts';
import { withH2dLink } from './h2dRate.ts';
import { withNetworkRate } from './networkRate.ts';
import { checkFactor, scaledSystem, withCollectiveRates } from './scaled.ts';

/**
 * A machine moved along one direction.
 *
 * @param factor on the numbers of the direction, above 0; 1 is the machine itself.
 * @param groupSize ranks that load at once.
 * @throws RangeError for a factor that is not above 0 or not finite.
 */
export function moved(system: System, direction: Direction, factor: number, groupSize: number): System {
  checkFactor(direction, factor);
  return factor === 1 ? system : MOVES[direction](system, factor, groupSize);
}

const MOVES: Readonly<Record<Direction, (system: System, factor: number, groupSize: number) => System>> = {
  h2d: (system, factor, groupSize) => withH2dLink(withReads(system, factor), factor, groupSize),
  duplex: (system, factor) => ({ ...system, tree: system.tree.map((node) => withDuplex(node, factor)) }),
  pageable: (system, factor) => ({
    ...system,
    host: {
      ...system.host,
      pageableBytesPerS: system.host.pageableBytesPerS * factor,
      pageableOutBytesPerS: system.host.pageableOutBytesPerS * factor,
    },
  }),
  collectives: (system, factor) =>
    withFlows(withNetworkRate(system, factor), (rate) => ({ ...rate, bytesPerS: rate.bytesPerS * factor })),
  beside: (system, factor) => withFlows(system, (rate) => withRetained(rate, factor)),
  compute: withComputeSpeed,
  overheads: withOverheads,
  link: (system, factor) => scaledSystem(system, { link: factor }),
};

function withFlows(system: System, change: (rate: CollectiveRate) => CollectiveRate): System {
  const transports = system.transports.map(
    (one): Transport => (one.kind === 'flow' ? withCollectiveRates(one, change) : one),
  );
  return { ...system, transports };
}

/** Reads of host memory are what limits H2D of several GPUs. */
function withReads(system: System, factor: number): System {
  const tree = system.tree.map((node) => ({
    ...node,
    memory: node.memory && { ...node.memory, readBytesPerS: node.memory.readBytesPerS * factor },
  }));
  return { ...system, tree };
}

/** Both directions of a link together lie between the faster of the two and their sum. */
function withDuplex(node: TreeNode, factor: number): TreeNode {
  const { downBytesPerS, upBytesPerS, duplexBytesPerS } = node;
  const memory = node.memory && {
    ...node.memory,
    bytesPerS: node.memory.bytesPerS * factor,
    writeBytesPerS: node.memory.writeBytesPerS * factor,
  };
  const sum = downBytesPerS + upBytesPerS;
  if (!Number.isFinite(sum)) return { ...node, memory };
  const bytesPerS = Math.min(sum, factor * Math.min(sum, duplexBytesPerS));
  return { ...node, memory, duplexBytesPerS: Math.max(downBytesPerS, upBytesPerS, bytesPerS) };
}

/** Retained fractions stay at most 1 and together at least 1: a shared link is never left idle. */
function withRetained(rate: CollectiveRate, factor: number): CollectiveRate {
  const { collective, h2d } = rate.besideH2d;
  // Copies that lose nothing share nothing with the collective.
  if (h2d === 1) return rate;
  const by = Math.max(factor, 1 / (collective + h2d));
  const besideH2d = {
    ...rate.besideH2d,
    collective: Math.min(1, collective * by),
    h2d: Math.min(1, h2d * by),
  };
  return { ...rate, besideH2d };
}

function withOverheads(system: System, factor: number): System {
  const { gpu, host } = system;
  const { copyEngine, kernelOverheadS } = gpu;
  const { eagerLaunchS } = host;
  const longer = (rate: CollectiveRate): CollectiveRate => {
    const { gapS } = rate.besideH2d;
    return { ...rate, besideH2d: { ...rate.besideH2d, gapS: gapS === null ? null : gapS * factor } };
  };
  return {
    ...system,
    gpu: {
      ...gpu,
      kernelOverheadS: {
        gemm: kernelOverheadS.gemm * factor,
        attention: kernelOverheadS.attention * factor,
        elementwise: kernelOverheadS.elementwise * factor,
      },
      copyEngine: {
        ...copyEngine,
        startUpS: copyEngine.startUpS * factor,
        gapS: copyEngine.gapS * factor,
        paceOverheadS: copyEngine.paceOverheadS * factor,
      },
    },
    host: { ...host, eagerLaunchS: (eagerLaunchS ?? EAGER_LAUNCH_S) * factor },
    transports: system.transports.map(
      (one): Transport =>
        one.kind === 'flow'
          ? withLatencies(withCollectiveRates(one, longer), factor)
          : { ...one, latencyS: one.latencyS * factor, flagS: one.flagS * factor },
    ),
  };
}

function withLatencies(flow: FlowTransport, factor: number): FlowTransport {
  const later = <T extends FlowNumbers>(numbers: T): T => ({
    ...numbers,
    latencyS: numbers.latencyS * factor,
  });
  const { network } = flow;
  return {
    ...later(flow),
    ...(network && { network: { ...network, peerS: network.peerS * factor } }),
    byRanks: new Map([...flow.byRanks].map(([ranks, numbers]) => [ranks, later(numbers)])),
  };
}
