import type { System } from '../../model/system/system.ts';
import { betweenRanks } from '../../model/system/transport.ts';
import type { CopyEngineHost } from './copyEngineHost.ts';
import { CopyEngines } from './copyEngines.ts';
import type { Links } from './links.ts';
import { StagedBytes } from './stagedBytes.ts';

/**
 * The copy engines of a machine's GPUs in use, two each; `engineOf` says which.
 *
 * @param channels by stream that copies, its engine.
 */
export function copyEnginesOf(
  host: CopyEngineHost,
  links: Links,
  system: System,
  groupSize: number,
  channels: readonly number[],
): CopyEngines {
  const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
  const engines = links.h2dRoute.flatMap((h2d, gpu) =>
    [
      { route: h2d, bytesPerS: h2dBytesPerS },
      { route: links.d2hRoute[gpu]!, bytesPerS: d2hBytesPerS },
    ].map((engine) => ({ ...engine, uses: links.routeUses[engine.route]!, memory: links.memoryOf(gpu) })),
  );
  const cacheBytes = cacheBytesOf(system, groupSize);
  return new CopyEngines(
    host,
    links.flows,
    system.gpu.copyEngine,
    engines,
    channels,
    links.resources.length,
    cacheBytes === 0 ? null : new StagedBytes(cacheBytes),
  );
}

/** The engine of a GPU, by its number among those in use, and a direction. */
export function engineOf(gpu: number, direction: 'h2d' | 'd2h'): number {
  return 2 * gpu + (direction === 'h2d' ? 0 : 1);
}

export function gpuOf(engine: number): number {
  return engine >> 1;
}

/** Bytes of the CPU's cache that staged pieces find; 0 where nothing is staged. */
function cacheBytesOf(system: System, groupSize: number): number {
  const copies = system.transports.find(({ kind }) => kind === 'staged-copy');
  const between = copies && betweenRanks(copies, groupSize);
  return between?.kind === 'staged-copy' ? between.cacheBytes : 0;
}
