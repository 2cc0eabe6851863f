import { median } from 'simple-statistics';
import { MiB } from '../../model/input/byteUnits.ts';
import type { System } from '../../model/system/system.ts';
import { pathToMemory } from '../../model/system/tree.ts';
import type { CaseReading } from './readings.ts';
import { type CaseStage, plain, rate, type StageParameter } from './stage.ts';

/** Chunks that last longer than the pauses between them. */
const LARGE_BYTES = 4 * MiB;
/** GPUs that lose less than this share of their rates to each other are not held back by their host. */
const LEAST_LOSS = 0.05;
/** Where the search begins: a limit that is felt from half of it on. */
const SHARPNESS = 4;
/** As good as hard. */
const HARD = 100;

type Direction = 'h2d' | 'd2h' | 'both';

/** Limits of host memory, and the copies that show them. */
const LIMITS = [
  { key: 'memory', direction: 'both' },
  { key: 'reads', direction: 'h2d' },
  { key: 'writes', direction: 'd2h' },
] as const satisfies readonly { key: string; direction: Direction }[];

/**
 * What a host gives several GPUs that copy at once: limits to reads, to writes and to both, and how hard they are. One limit
 * may explain all that was read, and then the others cannot be told: of all sets of limits the fit takes the one that the
 * readings ask for. Nothing is fitted to a host that gives all GPUs what it gives one.
 */
export function hostStage(system: System, readings: readonly CaseReading[]): CaseStage[] {
  const memories = system.gpus.map((gpu) => pathToMemory(system.tree, gpu).memory);
  const nodes = [...new Set(memories.map(({ id }) => id))];
  const keys = (name: string) => nodes.map((id) => `tree.${id}.${name}`);
  const { gapS } = system.gpu.copyEngine;
  const fitted = readings.filter(({ side }) => side === 'fit');
  const seen = LIMITS.map(({ key, direction }) => {
    const gpus = Math.max(1, ...fitted.map((reading) => gpusOf(reading, direction)));
    const alone = bytesPerS(fitted, direction, 1, gapS);
    const each = bytesPerS(fitted, direction, gpus, gapS);
    const isLess = alone !== null && each !== null && each < alone * (1 - LEAST_LOSS);
    // GPUs on several memories share each of them with fewer others.
    const start = (1.1 * gpus * (each ?? system.gpu.copyEngine.h2dBytesPerS)) / nodes.length;
    return { isLess, limit: rate(`host ${key}`, start, keys(key)) };
  });
  if (!seen.some(({ isLess }) => isLess)) return [];
  const known = memories[0]!.memory!.sharpness;
  const sharpness: StageParameter = {
    ...plain('host sharpness', SHARPNESS, 1, HARD, 'log', keys('sharpness')),
    refusedAt: Math.min(HARD, known),
  };
  const limits = seen.map(({ limit }) => limit);
  // One GPU's both directions cross the host as well: what its link does is told from that here.
  const duplex = fitted.some((reading) => gpusOf(reading, 'both') > 0)
    ? [
        rate(
          'duplex beside the host',
          1.85 * system.gpu.copyEngine.h2dBytesPerS,
          system.gpus.map((gpu) => `tree.${gpu}.duplex`),
        ),
      ]
    : [];
  // What the directions make of a host that binds, several GPUs show that copy both ways.
  const favour = fitted.some((reading) => gpusOf(reading, 'both') > 1)
    ? [plain('host write weight', 1, 0.1, 10, 'log', keys('writeWeight'))]
    : [];
  return [
    {
      of: 'cases',
      name: 'host memory',
      parameters: [...duplex, ...limits, sharpness, ...favour],
      alternatives: [1, 2, 4, 3, 5, 6].map((set) => [
        ...duplex,
        ...limits.filter((_, index) => (set & (1 << index)) !== 0),
        sharpness,
        ...favour,
      ]),
      // One GPU's copies are among them: what holds back several leaves one alone.
      readings: ({ parameters }) => parameters.kind === 'copies' && parameters.chunkBytes >= MiB,
    },
  ];
}

function gpusOf({ parameters }: CaseReading, direction: Direction): number {
  return parameters.kind === 'copies' && parameters.direction === direction ? parameters.gpus : 0;
}

/**
 * Bytes/s of one of so many GPUs between the pauses of its chunks, of both directions together where both run; null where
 * that was not measured.
 */
function bytesPerS(
  readings: readonly CaseReading[],
  direction: Direction,
  gpus: number,
  gapS: number,
): number | null {
  const rates = readings.flatMap((reading) => {
    const { parameters, measured } = reading;
    if (parameters.kind !== 'copies' || gpusOf(reading, direction) !== gpus) return [];
    if (parameters.chunkBytes < LARGE_BYTES) return [];
    return [parameters.chunkBytes / (measured / parameters.chunks - gapS)];
  });
  return rates.length === 0 ? null : (direction === 'both' ? 2 : 1) * median(rates);
}
