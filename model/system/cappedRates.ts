import { oneHost } from './oneHost.ts';
import { SET_BY_HAND } from './overrides.ts';
import type { System } from './system.ts';
import { pathToMemory } from './tree.ts';

const DIRECTIONS = [
  { key: 'gpu.copyEngine.h2d', side: 'down', engine: 'h2dBytesPerS', link: 'downBytesPerS' },
  { key: 'gpu.copyEngine.d2h', side: 'up', engine: 'd2hBytesPerS', link: 'upBytesPerS' },
] as const;

/** Rates of the copy engine that were set by hand and that no copy reaches, since a link on its way is slower: a sentence for each. */
export function cappedRates(system: System): string[] {
  const { gpu, gpus, tree, provenance } = oneHost(system);
  const { links } = pathToMemory(tree, gpus[0]!);
  return DIRECTIONS.flatMap(({ key, side, engine, link }) => {
    const isSet = provenance.some((entry) => entry.key === key && entry.source === SET_BY_HAND);
    const narrowest = links.reduce<(typeof links)[number] | null>(
      (least, one) => (least === null || one[link] < least[link] ? one : least),
      null,
    );
    if (!isSet || narrowest === null || gpu.copyEngine[engine] <= narrowest[link]) return [];
    return [
      `${key} = ${gigabytes(gpu.copyEngine[engine])} is above tree.${narrowest.id}.${side} = ${gigabytes(narrowest[link])}, which is what copies get; set that as well`,
    ];
  });
}

function gigabytes(bytesPerS: number): string {
  return `${+(bytesPerS / 1e9).toFixed(1)} GB/s`;
}
