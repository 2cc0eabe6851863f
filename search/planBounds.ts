import { copyRates } from '../model/physics/rates.ts';
import type { Plan } from '../model/plan/plan.ts';
import { streamedBound } from './capBound.ts';
import type { Search } from './search.ts';

/**
 * Seconds that the simulator makes of a plan's step at the least: the bound of all that stream as much over its backend, and where
 * nothing overlaps all copies on top of a step without any. Worked out once for as many bytes over a backend.
 */
export function planBounds({
  workload,
  system,
}: Pick<Search, 'workload' | 'system'>): (plan: Plan) => number {
  const known = new Map<string, number>();
  const boundOf = (transport: string, pieceBytes: number, streamedBytes: number) => {
    const key = `${transport} ${pieceBytes} ${streamedBytes}`;
    const boundS =
      known.get(key) ?? streamedBound(workload, system, [{ transport, pieceBytes }], streamedBytes).stepTimeS;
    known.set(key, boundS);
    return boundS;
  };
  const { h2d } = copyRates(system, workload.ranks);
  return ({ transport, pieceBytes, blocks, sequential }) => {
    const streamedBytes = blocks.reduce(
      (sum, { windowBytes }) => sum + windowBytes.reduce((bytes, part) => bytes + part, 0),
      0,
    );
    return sequential
      ? boundOf(transport, pieceBytes, 0) + (workload.passes * streamedBytes) / h2d
      : boundOf(transport, pieceBytes, streamedBytes);
  };
}
