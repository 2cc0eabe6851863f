import type { ProvenanceEntry } from './system.ts';

/** A checked number, or choice, of a machine's or a card's file. */
interface NumberEntry {
  is: unknown;
  from: ProvenanceEntry['from'];
  source: string;
  value: number;
  /** In the unit of `value`. */
  interval?: readonly number[] | undefined;
}

/** Every number of the file that says where it came from, in the file's order. */
export function numbersOf(file: object): ProvenanceEntry[] {
  const entries: ProvenanceEntry[] = [];
  const walk = (value: unknown, key: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('is' in value && 'from' in value) {
      const entry = value as NumberEntry;
      const { is, from, source } = entry;
      entries.push({ key, shown: shownAs(is), from, source, ...intervalOf(entry) });
      return;
    }
    for (const [name, inner] of Object.entries(value)) walk(inner, key === '' ? name : `${key}.${name}`);
  };
  walk(file, '');
  return entries;
}

/** A choice as the file has it; a PCIe link by generation and lanes. */
function shownAs(is: unknown): string {
  return typeof is === 'object' && is !== null ? Object.values(is).join('x') : String(is);
}

/** A number's interval as factors on the number; nothing where the file gives none, or the number is 0. */
function intervalOf({ value, interval }: NumberEntry): Pick<ProvenanceEntry, 'interval'> {
  const [low, high] = interval ?? [];
  if (low === undefined || high === undefined || value === 0) return {};
  return { interval: [Math.min(1, low / value), Math.max(1, high / value)] };
}
