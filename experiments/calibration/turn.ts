import type { YamlFile } from '../../model/input/yamlFile.ts';
import { type FittedEntry, systemWith } from './machineValues.ts';
import { predictCases } from './predictReadings.ts';
import type { CaseReading } from './readings.ts';

const KEY = 'gpu.copyEngine.turn';
/** Seconds; a turn that is longer than every copy that was measured looks the same as any longer one. */
const CANDIDATES_S = [
  0.1e-3, 0.2e-3, 0.4e-3, 0.8e-3, 1.6e-3, 3.2e-3, 6.4e-3, 12.8e-3, 25e-3, 50e-3, 100e-3, 200e-3, 1,
];
/** Sums of squares this close, relative, tell candidates apart no more. */
const ALIKE = 0.02;

/**
 * How long a copy engine serves one stream while another has a copy ready, from collectives whose pieces meet a full
 * prefetch stream. Only a lower bound can be had where the stream never gave way: then that is what is written.
 *
 * @returns null where nothing was measured.
 */
export function fitTurn(
  source: YamlFile,
  readings: readonly CaseReading[],
  from: string,
): { key: string; entry: FittedEntry } | null {
  const of = readings.filter(({ side, quantity }) => side === 'fit' && quantity === 'firstCallS');
  if (of.length === 0) return null;
  const sums = CANDIDATES_S.map((turnS) => {
    const system = systemWith(source, new Map([[KEY, entryFor(turnS, '')]]));
    return predictCases(system, of).reduce(
      (sum, predicted, index) => sum + Math.log(predicted / of[index]!.measured) ** 2,
      0,
    );
  });
  const best = Math.min(...sums);
  const first = CANDIDATES_S[sums.findIndex((sum) => sum <= best * (1 + ALIKE))]!;
  const longestS = Math.max(...of.map(({ measured }) => measured));
  const atLeast = first >= longestS / 2;
  const what = atLeast ? `at least: no stream gave way in ${(longestS * 1e3).toFixed(0)} ms; ` : '';
  // One second stands for never.
  return { key: KEY, entry: entryFor(atLeast ? 1 : first, `${what}${from}`) };
}

function entryFor(turnS: number, source: string): FittedEntry {
  return { is: `${turnS * 1e3} ms`, from: 'fitted', source };
}
