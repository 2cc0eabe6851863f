import type { CollectiveKind } from '../../dit/kinds.ts';
import type { System } from '../../system/system.ts';
import type { CollectiveRate, FlowNumbers, FlowTransport } from '../../system/transport.ts';

/**
 * A machine whose link or compute is faster or slower by one factor, all else as it is.
 *
 * - `link`: the copy engine's rates, every link of the PCIe tree (each direction and both together), and the rates of the
 *   collectives that cross it (paths `host` and `peer`). What each keeps beside the other stays the same fraction, so
 *   everything on the link takes 1 / factor as long. Host memory, pageable memory, NVLink, the network and all latencies and pauses stay.
 * - `compute`: the efficiencies of all classes, and the speed of compute that was measured. Launch floors, overheads of kernels and joules per FLOP stay.
 *
 * @param factors each above 0, a fraction of what the machine file says; 1 where left out.
 * @throws RangeError for a factor that is not above 0 or not finite.
 */
export function scaledSystem(system: System, factors: { link?: number; compute?: number }): System {
  const { link = 1, compute = 1 } = factors;
  checkFactor('link', link);
  checkFactor('compute', compute);
  const { efficiency, copyEngine } = system.gpu;
  return {
    ...system,
    gpu: {
      ...system.gpu,
      efficiency: {
        gemm: efficiency.gemm * compute,
        attention: efficiency.attention * compute,
        elementwise: efficiency.elementwise * compute,
      },
      computeSpeed: system.gpu.computeSpeed * compute,
      copyEngine: {
        ...copyEngine,
        h2dBytesPerS: copyEngine.h2dBytesPerS * link,
        d2hBytesPerS: copyEngine.d2hBytesPerS * link,
      },
    },
    tree: system.tree.map((node) => ({
      ...node,
      downBytesPerS: node.downBytesPerS * link,
      upBytesPerS: node.upBytesPerS * link,
      duplexBytesPerS: node.duplexBytesPerS * link,
    })),
    transports: system.transports.map((transport) =>
      transport.kind === 'flow' && transport.path !== 'nvlink' && transport.path !== 'network'
        ? withCollectiveRates(transport, (rate) => ({ ...rate, bytesPerS: rate.bytesPerS * link }))
        : transport,
    ),
  };
}

/** A transport with the rate of each kind of collective replaced. */
export function withCollectiveRates(
  transport: FlowTransport,
  change: (rate: CollectiveRate, kind: CollectiveKind) => CollectiveRate,
): FlowTransport {
  const changed = <T extends FlowNumbers>(numbers: T): T => {
    const of = (kind: CollectiveKind) => change(numbers.collectives[kind], kind);
    const collectives = {
      'all-to-all': of('all-to-all'),
      'all-gather': of('all-gather'),
      'all-reduce': of('all-reduce'),
    };
    return { ...numbers, collectives };
  };
  const byRanks = [...transport.byRanks].map(([ranks, own]) => [ranks, changed(own)] as const);
  return { ...changed(transport), byRanks: new Map(byRanks) };
}

/** @throws RangeError for a factor that is not above 0 or not finite. */
export function checkFactor(name: string, factor: number): void {
  if (factor > 0 && Number.isFinite(factor)) return;
  throw new RangeError(`${name}: expected a factor above 0, got ${factor}`);
}
