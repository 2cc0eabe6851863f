/** A share as percent. @example percentText(0.0174) // '1.7 %' */
export function percentText(share: number, digits = 1): string {
  return `${fixedText(share * 100, digits)} %`;
}

/** A number with its decimals, thousands apart; rounding noise below zero is zero. */
export function fixedText(value: number, digits: number): string {
  return formatOf(digits).format(Number(value.toFixed(digits)) === 0 ? 0 : value);
}

/** @example countText(3, 'step') // '3 steps' */
export function countText(count: number, what: string, several = `${what}s`): string {
  return `${fixedText(count, 0)} ${count === 1 ? what : several}`;
}

/** Texts as an enumeration; one that has a comma of its own in quotes. @example listText(['a', 'b', 'c']) // 'a, b and c' */
export function listText(texts: readonly string[]): string {
  const names = texts.map((text) => (text.includes(',') ? `"${text}"` : text));
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** Formats by their decimals: making one takes a hundred times as long as using it. */
const formats = new Map<number, Intl.NumberFormat>();

/** Numbers with so many decimals. */
export function formatOf(digits: number): Intl.NumberFormat {
  const known = formats.get(digits);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formats.set(digits, made);
  return made;
}
