/** Powers of ten before seconds, watts, joules, hertz and FLOP. */
const METRIC: ReadonlyMap<string, number> = new Map([
  ['p', 1e-12],
  ['n', 1e-9],
  ['u', 1e-6],
  ['m', 1e-3],
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['P', 1e15],
]);

/** Powers of ten and of 1024 before bytes, which have no parts. */
const OF_BYTES: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['P', 1e15],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
  ['Ti', 2 ** 40],
  ['Pi', 2 ** 50],
]);

/** Prefixes that a unit such as `B/s` may have, with their factors. */
export function prefixesOf(unit: string): ReadonlyMap<string, number> {
  return unit.startsWith('B') ? OF_BYTES : METRIC;
}

/**
 * Factor from a unit that differs from the wanted one in its prefix alone, as nearly all in machine files do; undefined for
 * any other, such as `minutes` for `s`.
 *
 * @example prefixFactor('GB/s', 'B/s') // 1e9
 */
export function prefixFactor(written: string, wanted: string): number | undefined {
  if (!written.endsWith(wanted)) return undefined;
  return prefixesOf(wanted).get(written.slice(0, -wanted.length));
}
