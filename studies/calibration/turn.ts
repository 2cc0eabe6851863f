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
  const isAlike = (sum: number) => sum <= best * (1 + ALIKE);
  const [firstAt, lastAt] = [sums.findIndex(isAlike), sums.findLastIndex(isAlike)];
  const first = CANDIDATES_S[firstAt]!;
  // Where the longest turn does as well, a full stream was never seen to give way: one second stands for never.
  const never = sums.at(-1)! <= best * (1 + ALIKE);
  const what = never ? `no full stream gave way; at least ${Number((first * 1e3).toPrecision(2))} ms; ` : '';
  // Candidates beyond the last that do as well are known to do worse, and nothing between them.
  const interval: [string, string] = [
    text(CANDIDATES_S[Math.max(0, firstAt - 1)]!),
    text(CANDIDATES_S[Math.min(CANDIDATES_S.length - 1, lastAt + 1)]!),
  ];
  const entry = entryFor(never ? CANDIDATES_S.at(-1)! : first, `${what}${from}`);
  return { key: KEY, entry: { ...entry, interval } };
}

function entryFor(turnS: number, source: string): FittedEntry {
  return { is: text(turnS), from: 'fitted', source };
}

function text(turnS: number): string {
  return `${turnS * 1e3} ms`;
}
