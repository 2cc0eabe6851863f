const UNITS: Readonly<Record<string, number>> = {
  ...{ B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

/** Bytes of a cap as it is written; null for none, and while it is no size, which the search says. */
export function capBytesOf(text: string | undefined): number | null {
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/.exec(text ?? '') ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit];
  return factor === undefined ? null : Number(number) * factor;
}
