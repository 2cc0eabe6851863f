import { max, mean, sampleStandardDeviation, sum } from 'simple-statistics';
import { studentQuantile95 } from '../../../model/leastSquares/intervals.ts';
import type { System } from '../../../model/system/system.ts';
import type { CopyReading } from '../../imports/importedReading.ts';
import type { FittedEntry } from '../machineValues.ts';
import { byGpu, type MeasuredCopies, measuredRate, type RatesByGpu } from './copyRates.ts';
import { sharedLimits } from './sharedLimits.ts';

/** A rate of two directions that is no less than twice one needs no limit of its own. */
const HALF_DUPLEX = 0.98;
/** GPUs from which how far they lie apart is an interval. */
const LEAST_GPUS = 3;

/**
 * Rates of links, copy engines and host memory as nvbandwidth measured them. It copies 512 MiB many times in a row, so that pauses do
 * not show. Where it measured several GPUs the interval is how far one of them may lie from the others, 95 %; its output has no other.
 */
export function measuredCopies(readings: readonly CopyReading[], system: System): MeasuredCopies {
  const entries = new Map<string, FittedEntry>();
  const notes: string[] = [];
  if (readings.length === 0) return { entries, notes };
  const byEngine = readings.filter(({ by }) => by === 'copy-engine');
  const byKernels = readings.length - byEngine.length;
  if (byKernels > 0)
    notes.push(
      `${byKernels} rates of copies by kernels (tests that end in _sm): copies of weights go by copy engines; left out`,
    );
  const strange = new Set(byEngine.map(({ gpu }) => gpu).filter((gpu) => gpu >= system.gpus.length));
  if (strange.size > 0)
    notes.push(
      `nvbandwidth measured GPUs beyond the ${system.gpus.length} of the machine (${strange.size}): they count as of its kind; ` +
        'give the topology too for a machine with all of them',
    );
  const ratesOf = (
    direction: CopyReading['direction'],
    measured: CopyReading['measured'],
  ): RatesByGpu | null =>
    byGpu(
      byEngine.filter(
        (one) => one.direction === direction && one.measured === measured && one.gpusAtOnce === 1,
      ),
    );
  const down = ratesOf('h2d', 'h2d');
  const up = ratesOf('d2h', 'd2h');
  addAlone(entries, system, { rates: down, engine: 'h2d', link: 'down' });
  addAlone(entries, system, { rates: up, engine: 'd2h', link: 'up' });
  addDuplex(entries, system, ratesOf('both', 'h2d'), ratesOf('both', 'd2h'));
  const atOnce = byEngine.filter(({ gpusAtOnce }) => gpusAtOnce > 1);
  if (atOnce.some(({ gpusAtOnce }) => gpusAtOnce !== system.gpus.length))
    notes.push(
      `copies of ${max(atOnce.map(({ gpusAtOnce }) => gpusAtOnce))} GPUs at once, and the machine has ${system.gpus.length}: ` +
        'what they share is not known; left out',
    );
  else {
    const shared = sharedLimits(system, { down, up, atOnce });
    for (const [key, entry] of shared.entries) entries.set(key, entry);
    notes.push(...shared.notes);
  }
  return { entries, notes };
}

/** How far one GPU's rate may lie from the others', 95 %; null where too few were measured. */
function spreadOf(rates: readonly number[]): number | null {
  if (rates.length < LEAST_GPUS) return null;
  return studentQuantile95(rates.length - 1) * sampleStandardDeviation([...rates]);
}

function addAlone(
  entries: Map<string, FittedEntry>,
  system: System,
  { rates, engine, link }: { rates: RatesByGpu | null; engine: 'h2d' | 'd2h'; link: 'down' | 'up' },
): void {
  if (rates === null) return;
  const values = [...rates.byGpu.values()];
  const spread = spreadOf(values);
  // The engine is the chip's own: what is slower elsewhere is the link's.
  entries.set(`gpu.copyEngine.${engine}`, measuredRate(max(values), rates.source, spread));
  for (const [gpu, id] of system.gpus.entries()) {
    const own = rates.byGpu.get(gpu);
    entries.set(
      `tree.${id}.${link}`,
      own === undefined
        ? {
            ...measuredRate(mean(values), rates.source),
            from: 'default',
            source: `as the GPUs of ${rates.source}`,
          }
        : measuredRate(own, rates.source, spread),
    );
  }
}

function addDuplex(
  entries: Map<string, FittedEntry>,
  system: System,
  down: RatesByGpu | null,
  up: RatesByGpu | null,
): void {
  const source = (down ?? up)?.source;
  if (source === undefined) return;
  for (const [gpu, id] of system.gpus.entries()) {
    const [h2d, d2h] = [down?.byGpu.get(gpu), up?.byGpu.get(gpu)];
    if (h2d === undefined && d2h === undefined) continue;
    const both = (h2d ?? d2h!) + (d2h ?? h2d!);
    const alone = sum((['down', 'up'] as const).map((key) => rateIn(entries, system, id, key)));
    if (both < HALF_DUPLEX * alone) entries.set(`tree.${id}.duplex`, measuredRate(both, source));
  }
}

function rateIn(
  entries: ReadonlyMap<string, FittedEntry>,
  { tree }: System,
  id: string,
  key: 'down' | 'up',
): number {
  const entry = entries.get(`tree.${id}.${key}`);
  if (entry !== undefined) return Number.parseFloat(String(entry.is)) * 1e9;
  const node = tree.find((one) => one.id === id)!;
  return key === 'down' ? node.downBytesPerS : node.upBytesPerS;
}
