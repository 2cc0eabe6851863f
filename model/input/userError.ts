/** Where in a file a value stands; line and column count from 1. */
export interface Place {
  file: string;
  line?: number;
  column?: number;
}

/** What an error of this kind is called, wherever its class was loaded. */
export const USER_ERROR = 'UserError';

/**
 * A mistake in what the user gave us: it prints as one line and never as a stack.
 *
 * The message names the thing, the value and the way out; `place` is put in front in the form editors
 * make clickable (`machine.yaml:7:17: links.0.lanes: expected one of 1|2|4|8|16, got 12`).
 */
export class UserError extends Error {
  override readonly name = USER_ERROR;
  readonly place: Place | undefined;

  constructor(message: string, place?: Place) {
    super(place === undefined ? message : `${formatPlace(place)}: ${message}`);
    this.place = place;
  }
}

/** Puts a place before a mistake that has none: of what a file names, such as a model, and not of the file itself. */
export function atPlace<T>(place: Place | undefined, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof UserError) || error.place !== undefined || place === undefined) throw error;
    throw new UserError(error.message, place);
  }
}

/** Characters of a path in a message at the most: no file has such a path, and the reason must stand behind it. */
const MOST_OF_PATH = 1000;

function formatPlace({ file, line, column }: Place): string {
  const path = file.length > MOST_OF_PATH ? `${file.slice(0, MOST_OF_PATH)}...` : file;
  return [path, line, column].filter((part) => part !== undefined).join(':');
}

/** Characters of a value that a message shows at the most. */
const MOST_SHOWN = 80;

/**
 * A value as it should appear in a message: short, quoted if text, never more than a line. Only as much of the value is
 * looked at as is shown, so a value of any size and depth can be given.
 */
export function shown(value: unknown): string {
  const text = jsonStart(value, MOST_SHOWN + 1);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 3)}...` : text;
}

/** JSON of a value; exact up to `room` characters, and cut somewhere behind them. */
function jsonStart(value: unknown, room: number): string {
  if (typeof value === 'string') return printable(JSON.stringify(value.slice(0, room)));
  if (typeof value !== 'object' || value === null) return String(value);
  const isList = Array.isArray(value);
  let text = isList ? '[' : '{';
  let separator = '';
  for (const key in value) {
    if (text.length >= room) return text;
    const inner = (value as Record<string, unknown>)[key];
    const name = isList ? '' : `${jsonStart(key, room - text.length)}:`;
    text += `${separator}${name}${jsonStart(inner, room - text.length - name.length)}`;
    separator = ',';
  }
  return `${text}${isList ? ']' : '}'}`;
}

/** Text whose control characters and line separators are written as escapes, so that no terminal acts on them. */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
