import { sum } from 'simple-statistics';
import { grouped } from '../../../model/input/grouped.ts';
import type { System } from '../../../model/system/system.ts';
import { ancestors, pathToMemory } from '../../../model/system/tree.ts';
import type { CopyReading } from '../../imports/importedReading.ts';
import type { FittedEntry } from '../machineValues.ts';
import { byGpu, type MeasuredCopies, measuredRate, type RatesByGpu } from './copyRates.ts';

/** GPUs that lose less than this share of their rates to each other share nothing that binds. */
const LEAST_LOSS = 0.05;

interface Measured {
  down: RatesByGpu | null;
  up: RatesByGpu | null;
  /** Copies of all GPUs at once. */
  atOnce: readonly CopyReading[];
}

interface Direction {
  of: 'h2d' | 'd2h';
  link: 'down' | 'up';
  limit: 'reads' | 'writes';
}

const DIRECTIONS: readonly Direction[] = [
  { of: 'h2d', link: 'down', limit: 'reads' },
  { of: 'd2h', link: 'up', limit: 'writes' },
];

/**
 * What all GPUs get at once of the links that they share, and of host memory. Where each gets less than alone, the links that they
 * share have the sum as their rate, or host memory where they share none; where they get as much, the sum is the least that both have.
 */
export function sharedLimits(system: System, { down, up, atOnce }: Measured): MeasuredCopies {
  const entries = new Map<string, FittedEntry>();
  const notes: string[] = [];
  const highest = new Map<string, { bytesPerS: number; source: string }>();
  const memories = new Map(system.gpus.map((gpu) => [gpu, pathToMemory(system.tree, gpu).memory.id]));
  for (const { of, link, limit } of DIRECTIONS) {
    const alone = of === 'h2d' ? down : up;
    const together = byGpu(atOnce.filter(({ direction }) => direction === of));
    raise(highest, system, memories, alone, Math.max);
    if (together === null) continue;
    raise(highest, system, memories, together, (...rates) => sum(rates));
    const isLess =
      alone !== null &&
      sumOf(together, system, system.gpus) < (1 - LEAST_LOSS) * sumOf(alone, system, system.gpus);
    const shared = sharedNodes(system);
    for (const { id, gpus } of shared) {
      const all = sumOf(together, system, gpus);
      const node = system.tree.find((one) => one.id === id)!;
      const has = link === 'down' ? node.downBytesPerS : node.upBytesPerS;
      if (isLess || all > has) entries.set(`tree.${id}.${link}`, measuredRate(all, together.source));
      notes.push(
        `${together.source}: ${gpus.join(', ')} below ${id} get ${(all / 1e9).toFixed(1)} GB/s ${of} at once: ` +
          (isLess
            ? 'the rate of the link that they share'
            : 'as much as alone, so nothing that they share binds'),
      );
    }
    for (const [memory, gpus] of byMemory(memories)) {
      const inTree = gpus.every((gpu) => shared.some((node) => node.gpus.includes(gpu)));
      if (isLess && !inTree && gpus.length > 1)
        entries.set(`tree.${memory}.${limit}`, measuredRate(sumOf(together, system, gpus), together.source));
    }
  }
  addBothWays(entries, system, { down, up, atOnce }, memories);
  for (const [memory, { bytesPerS, source }] of highest) {
    const { memory: has } = system.tree.find((one) => one.id === memory)!;
    const key = `tree.${memory}.memory`;
    if (has !== null && has.bytesPerS < bytesPerS && !entries.has(key))
      entries.set(key, {
        ...measuredRate(bytesPerS, source),
        source: `at the least; nvbandwidth, ${source}`,
      });
  }
  return { entries, notes };
}

/** Reads and writes of host memory together, where copies of all GPUs both ways are held back. */
function addBothWays(
  entries: Map<string, FittedEntry>,
  system: System,
  { down, up, atOnce }: Measured,
  memories: ReadonlyMap<string, string>,
): void {
  const [h2d, d2h] = DIRECTIONS.map(({ of }) =>
    byGpu(atOnce.filter(({ direction, measured }) => direction === 'both' && measured === of)),
  );
  if (h2d == null || d2h == null || down === null || up === null) return;
  const all = (rates: readonly RatesByGpu[], gpus: readonly string[]) =>
    sum(rates.map((one) => sumOf(one, system, gpus)));
  for (const [memory, gpus] of byMemory(memories)) {
    const both = all([h2d, d2h], gpus);
    if (both < (1 - LEAST_LOSS) * all([down, up], gpus) && gpus.length > 1)
      entries.set(`tree.${memory}.memory`, measuredRate(both, h2d.source));
  }
}

/** What each memory serves at the least. */
function raise(
  highest: Map<string, { bytesPerS: number; source: string }>,
  system: System,
  memories: ReadonlyMap<string, string>,
  rates: RatesByGpu | null,
  together: (...rates: number[]) => number,
): void {
  if (rates === null) return;
  for (const [memory, gpus] of byMemory(memories)) {
    const found = gpus.flatMap((gpu) => rates.byGpu.get(system.gpus.indexOf(gpu)) ?? []);
    if (found.length === 0) continue;
    const bytesPerS = together(...found);
    if (bytesPerS > (highest.get(memory)?.bytesPerS ?? 0))
      highest.set(memory, { bytesPerS, source: rates.source });
  }
}

function byMemory(memories: ReadonlyMap<string, string>): Map<string, string[]> {
  const gpus = grouped(memories, ([, memory]) => memory);
  return new Map([...gpus].map(([memory, entries]) => [memory, entries.map(([gpu]) => gpu)]));
}

/** Nodes below host memory whose link several GPUs cross. */
function sharedNodes({ tree, gpus }: System): { id: string; gpus: string[] }[] {
  return tree.flatMap(({ id, memory, parent }) => {
    if (memory !== null || parent === null) return [];
    const below = gpus.filter((gpu) => gpu !== id && ancestors(tree, gpu).some((node) => node.id === id));
    const isBelowMemory = below.some((gpu) => pathToMemory(tree, gpu).links.some((node) => node.id === id));
    return below.length > 1 && isBelowMemory ? [{ id, gpus: below }] : [];
  });
}

function sumOf({ byGpu: rates }: RatesByGpu, { gpus }: System, of: readonly string[]): number {
  return sum(of.map((gpu) => rates.get(gpus.indexOf(gpu)) ?? 0));
}
