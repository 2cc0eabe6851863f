import { lineStarts, placeAt } from './linePlace.ts';
import { shown, UserError } from './userError.ts';
import type { YamlFile } from './yamlFile.ts';

/** Objects and lists inside each other; the scanner recurses, so there must be an end. */
const MAX_DEPTH = 64;

/**
 * Reads JSON and remembers where each value stands, in time and memory that grow with the length of the text.
 *
 * @param file only for messages.
 * @param remedy what to do about a text that is no JSON, such as `run the tool again`; the end of the message.
 * @throws UserError with line and column where the text stops being JSON, is cut short, is nested too deeply or has a key of an
 * object twice.
 */
export function parseJson(file: string, text: string, remedy: string): YamlFile {
  const starts = lineStarts(text);
  const scan = (keepsPlaces: boolean): Value => {
    try {
      return new Scanner(text, keepsPlaces).whole();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const end = text.trimEnd().length;
      throw error.offset < end
        ? new UserError(`${error.message}; ${remedy}`, placeAt(file, starts, error.offset))
        : new UserError(`the JSON is cut short here; ${remedy}`, placeAt(file, starts, end));
    }
  };
  scan(false);
  const value: unknown = JSON.parse(text);
  // Most files are never asked for a place.
  let root: Value | undefined;
  return {
    file,
    value,
    ...{ lines: placeAt(file, starts, text.trimEnd().length).line!, isEnded: text.endsWith('\n') },
    place: (path) => {
      root ??= scan(true);
      return placeAt(file, starts, offsetOf(root, path));
    },
  };
}

/** Where a value begins, and the values in it by key or position. */
interface Value {
  offset: number;
  inside?: Map<string, Value> | Value[];
}

/** Offset of the deepest value on the path that exists. */
function offsetOf(root: Value, path: readonly PropertyKey[]): number {
  let value = root;
  for (const key of path) {
    const { inside } = value;
    const next = Array.isArray(inside) ? inside[Number(key)] : inside?.get(String(key));
    if (next === undefined) break;
    value = next;
  }
  return value.offset;
}

class Fault extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON writes them as escapes
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
/** What may still become an escape with more text. */
const ESCAPE_START = /\\(?:u[0-9a-fA-F]{0,3})?/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** The rest of a number that was cut short, behind the part that is one. */
const NUMBER_START = /^(?:-|\.|[eE][+-]?)?$/;
const WORD = /true|false|null/y;
const WORDS = ['true', 'false', 'null'];

/** Walks a text by the grammar of RFC 8259; `Fault` says how far it holds. */
class Scanner {
  readonly #text: string;
  readonly #keepsPlaces: boolean;
  #at = 0;

  constructor(text: string, keepsPlaces: boolean) {
    this.#text = text;
    this.#keepsPlaces = keepsPlaces;
  }

  whole(): Value {
    this.#space();
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#fault('is no JSON here');
    return value;
  }

  #value(depth: number): Value {
    const offset = this.#at;
    const character = this.#text[offset];
    if (character === '{' || character === '[') {
      if (depth === MAX_DEPTH) throw this.#fault(`nested more than ${MAX_DEPTH} levels deep`);
      this.#at += 1;
      this.#space();
      const inside = character === '{' ? this.#members(depth + 1) : this.#items(depth + 1);
      return { offset, inside };
    }
    if (character === '"') this.#string();
    else if (!this.#skip(NUMBER) && !this.#skip(WORD)) throw this.#fault('is no JSON here');
    return { offset };
  }

  #members(depth: number): Map<string, Value> {
    const members = new Map<string, Value>();
    const seen = new Set<string>();
    if (this.#took('}')) return members;
    do {
      this.#space();
      const keyAt = this.#at;
      if (this.#text[keyAt] !== '"') throw this.#fault('is no JSON here');
      const key = this.#string();
      if (seen.has(key)) throw new Fault(`the key ${shown(key)} is there twice`, keyAt);
      seen.add(key);
      this.#space();
      this.#expect(':');
      this.#space();
      const value = this.#value(depth);
      if (this.#keepsPlaces) members.set(key, value);
      this.#space();
    } while (this.#took(','));
    this.#expect('}');
    return members;
  }

  #items(depth: number): Value[] {
    const items: Value[] = [];
    if (this.#took(']')) return items;
    do {
      this.#space();
      const value = this.#value(depth);
      if (this.#keepsPlaces) items.push(value);
      this.#space();
    } while (this.#took(','));
    this.#expect(']');
    return items;
  }

  #string(): string {
    const from = this.#at;
    this.#at += 1;
    // One expression for all of it would overflow its stack at a few million escapes.
    do this.#skip(PLAIN);
    while (this.#skip(ESCAPE));
    if (!this.#took('"')) {
      this.#skip(ESCAPE_START);
      throw this.#fault('is no JSON here');
    }
    return JSON.parse(this.#text.slice(from, this.#at));
  }

  #space(): void {
    this.#skip(SPACE);
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #took(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    if (!this.#took(character)) throw this.#fault('is no JSON here');
  }

  /** At the end of the text where only the beginning of a word, or of a number, is there. */
  #fault(message: string): Fault {
    const rest = this.#text.slice(this.#at, this.#at + 8).trimEnd();
    const isEnd = this.#at + 8 >= this.#text.length;
    const isCut = isEnd && (NUMBER_START.test(rest) || WORDS.some((word) => word.startsWith(rest)));
    return new Fault(message, isCut ? this.#text.length : this.#at);
  }
}
