import type { System, TreeNode } from '../../system/system.ts';
import type { CollectiveRate, Transport } from '../../system/transport.ts';
import { linkRateAllLoading, runningRanks } from '../linkShare.ts';
import { checkFactor, withCollectiveRates } from './scaled.ts';

/**
 * A machine that copies to its GPUs faster or slower by a factor, the numbers of its collectives as they are: the copy
 * engine's H2D rate and the down links of the PCIe tree. What one direction of a link gains or loses, both directions
 * together do, so that the other keeps what it had beside it.
 *
 * @param factor above 0, a fraction of what the machine file says.
 * @throws RangeError for a factor that is not above 0 or not finite.
 */
export function withH2dNumbers(system: System, factor: number): System {
  checkFactor('H2D rate', factor);
  const { gpu } = system;
  const h2dBytesPerS = gpu.copyEngine.h2dBytesPerS * factor;
  return {
    ...system,
    gpu: { ...gpu, copyEngine: { ...gpu.copyEngine, h2dBytesPerS } },
    tree: system.tree.map((node) => ({
      ...node,
      downBytesPerS: node.downBytesPerS * factor,
      duplexBytesPerS: node.duplexBytesPerS + (factor - 1) * downPart(node),
    })),
  };
}

/** The same for D2H and the up links. Together with H2D, both directions of a link change by the factor. */
export function withD2hNumbers(system: System, factor: number): System {
  checkFactor('D2H rate', factor);
  const { gpu } = system;
  const d2hBytesPerS = gpu.copyEngine.d2hBytesPerS * factor;
  return {
    ...system,
    gpu: { ...gpu, copyEngine: { ...gpu.copyEngine, d2hBytesPerS } },
    tree: system.tree.map((node) => ({
      ...node,
      upBytesPerS: node.upBytesPerS * factor,
      duplexBytesPerS: Number.isFinite(node.duplexBytesPerS)
        ? node.duplexBytesPerS + (factor - 1) * (node.duplexBytesPerS - downPart(node))
        : node.duplexBytesPerS,
    })),
  };
}

/**
 * A machine with another link to its GPUs, which its collectives then share: as withH2dNumbers, and what is left of each
 * while both run follows. A collective's own rate stays, and so does what a byte of it takes of the down link and how it
 * weighs against copies. So, with c and h what is left of the collective and of H2D while both run, and f what H2D gains:
 *
 *   rate alone' = min(1, f c / (1 - h)) rate     where the link has become too slow for it
 *   c'          = min(1, f c rate / rate')       its share of the link grows with it, up to its own rate
 *   h'          = max(h, 1 - (1 - h) / (f c))    once it has that, copies have what it leaves
 *
 * `staged-copy` is made of copies and gains with them.
 *
 * @param groupSize ranks that load at once, which a shared link may limit.
 * @throws RangeError for a factor that is not above 0 or not finite.
 */
export function withH2dLink(system: System, factor: number, groupSize: number): System {
  const faster = withH2dNumbers(system, factor);
  const ranks = runningRanks(system, groupSize);
  const gain =
    Math.min(...linkRateAllLoading(faster, ranks)) / Math.min(...linkRateAllLoading(system, ranks));
  const transports = system.transports.map(
    (transport): Transport =>
      transport.kind === 'flow' ? withCollectiveRates(transport, (rate) => onLink(rate, gain)) : transport,
  );
  return { ...faster, transports };
}

/** Bytes/s of a link's both directions together that are H2D's while it runs at its full rate. */
function downPart({ downBytesPerS, duplexBytesPerS }: TreeNode): number {
  return Number.isFinite(duplexBytesPerS) ? Math.min(downBytesPerS, duplexBytesPerS) : 0;
}

function onLink(rate: CollectiveRate, gain: number): CollectiveRate {
  const { collective, h2d } = rate.besideH2d;
  // Copies that lose nothing share nothing with the collective.
  if (h2d === 1) return rate;
  const alone = Math.min(1, (gain * collective) / (1 - h2d));
  const besideH2d = {
    ...rate.besideH2d,
    collective: Math.min(1, (gain * collective) / alone),
    h2d: Math.max(h2d, 1 - (1 - h2d) / (gain * collective)),
  };
  return { bytesPerS: rate.bytesPerS * alone, besideH2d };
}
