/**
 * The one place where text from outside becomes part of a source file. Model and plan names may hold anything; here they
 * turn into identifiers, string literals or comments that cannot end early.
 */

/** Words that C++ or the runtime's headers have taken. */
const TAKEN = new Set(
  (
    'alignas alignof and asm auto bool break case catch char class const constexpr continue copy default ' +
    'delete do double else enum explicit extern false float for friend goto if inline int long namespace new ' +
    'not operator or private program protected public rank register requires return run short signed sizeof ' +
    'static step struct switch template this throw true try typedef typename union unsigned using virtual void ' +
    'volatile wait while xor after reduce'
  ).split(' '),
);

/**
 * An identifier that reads like the text: small letters, digits and underscores. Several capitals in a row belong to the letters
 * before them, as in RoPE and SwiGLU.
 *
 * @example identifier('QKV all-to-all') // 'qkv_all_to_all'
 */
export function identifier(text: string): string {
  const words = text
    .replace(/([a-z0-9])([A-Z])(?![A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 60)
    .replace(/_+$/, '');
  const name = /^[a-z]/.test(words) ? words : `n${words === '' ? '' : `_${words}`}`;
  return TAKEN.has(name) ? `${name}_` : name;
}

/** The same in capitals, for constants. */
export function constantName(text: string): string {
  return identifier(text).toUpperCase().replace(/_$/, '');
}

/** Hands out names that are used once: a second `x` becomes `x_2`. */
export class Names {
  readonly #used = new Set<string>();

  unique(name: string): string {
    for (let copy = 1; ; copy += 1) {
      const candidate = copy === 1 ? name : `${name}_${copy}`;
      if (this.#used.has(candidate)) continue;
      this.#used.add(candidate);
      return candidate;
    }
  }
}

/** A C++ string literal with its quotes; bytes outside printable ASCII, `?` and what has a meaning become octal escapes. */
export function cString(text: string): string {
  let literal = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const character = String.fromCharCode(byte);
    // Three octal digits always: an escape then never swallows the digit behind it. `?` may begin a trigraph.
    literal += /[A-Za-z0-9 .,:;_+\-*/=()[\]{}<>|&%#@!^~']/.test(character)
      ? character
      : `\\${byte.toString(8).padStart(3, '0')}`;
  }
  return `"${literal}"`;
}

/**
 * Text for a `//` comment: one line of printable ASCII without a backslash, which could join the next line to it, and
 * without two question marks in a row, which with a slash are the trigraph of a backslash.
 */
export function comment(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .replaceAll('\\', '/')
    .replace(/\?(?=\?)/g, '? ')
    .trim();
}

/** A whole number as a C++ literal. */
export function whole(value: number): string {
  if (!Number.isSafeInteger(value)) throw new Error(`${value} is no whole number`);
  return String(value);
}

/** A 64-bit unsigned literal. */
export function unsigned64(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${value} is no size`);
  return `${value}ull`;
}

/** A double literal that reads back as the same number. */
export function real(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`${value} is no finite number`);
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/**
 * A designated initialiser from fields in the order of their declaration; those that are undefined keep their defaults.
 *
 * @example designated({ position: 'at.next', slot: '1' }) // '{.position = at.next, .slot = 1}'
 */
export function designated(fields: Readonly<Record<string, string | undefined>>): string {
  const written = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`.${name} = ${value}`],
  );
  return `{${written.join(', ')}}`;
}
