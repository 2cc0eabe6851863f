import { quantity } from '../input/quantity.ts';
import { shown, UserError } from '../input/userError.ts';

/** Settings of a plan that a user may give after the preset's name. */
export interface PlanKeys {
  resident?: number;
  residentLayers?: number;
  prefetch?: number;
  slots?: number;
  chunkBytes?: number;
  windows?: number[];
  paceS?: number;
  transport?: string;
  pieceBytes?: number;
}

type Setter = (keys: PlanKeys, text: string) => void;

const SETTERS: Record<string, { set: Setter; expected: string }> = {
  resident: { set: (keys, text) => (keys.resident = number(text, 0, 1)), expected: 'a fraction from 0 to 1' },
  'resident-layers': {
    set: (keys, text) => (keys.residentLayers = residentLayers(text)),
    expected: 'a count of blocks, or a fraction below 1',
  },
  prefetch: { set: (keys, text) => (keys.prefetch = whole(text)), expected: 'a whole number of at least 1' },
  slots: { set: (keys, text) => (keys.slots = whole(text)), expected: 'a whole number of at least 1' },
  chunk: {
    set: (keys, text) => (keys.chunkBytes = size(text)),
    expected: 'a size of at least 64 KiB such as 16MiB',
  },
  windows: {
    set: (keys, text) => (keys.windows = fractions(text)),
    expected: 'fractions such as 0.3/0.3 that add up to at most 1',
  },
  pace: { set: (keys, text) => (keys.paceS = quantity(text, 'time')), expected: 'a time such as 40us' },
  transport: { set: (keys, text) => (keys.transport = text), expected: 'a name' },
  piece: {
    set: (keys, text) => (keys.pieceBytes = size(text)),
    expected: 'a size of at least 64 KiB such as 4MiB',
  },
};

/** The keys that a plan takes, with what each expects, for help texts. */
export const planKeyHelp: readonly { name: string; expected: string }[] = Object.entries(SETTERS).map(
  ([name, { expected }]) => ({ name, expected }),
);

/**
 * Takes `preset,key=value,...` apart.
 *
 * @throws UserError that names the plan, the key, the value and what was expected.
 */
export function parsePlanText(text: string): { preset: string; keys: PlanKeys } {
  const [preset = '', ...settings] = text.split(',').map((part) => part.trim());
  const keys: PlanKeys = {};
  const given = new Set<string>();
  for (const setting of settings) {
    const [key = '', value, ...more] = setting.split('=');
    const known = Object.hasOwn(SETTERS, key) ? SETTERS[key] : undefined;
    if (known === undefined || value === undefined || more.length > 0) {
      throw new UserError(
        `--plan ${text}: ${shown(setting)}: expected key=value with one of ${Object.keys(SETTERS).join(', ')}`,
      );
    }
    if (given.has(key)) throw new UserError(`--plan ${text}: ${key}: is given twice; leave one out`);
    given.add(key);
    try {
      known.set(keys, value);
    } catch {
      throw new UserError(`--plan ${text}: ${key}: expected ${known.expected}, got ${shown(value)}`);
    }
  }
  return { preset, keys };
}

/** The names of a text's settings, as they are written; whether anything knows them is not looked at. */
export function settingsOf(text: string): string[] {
  return text
    .split(',')
    .slice(1)
    .map((setting) => setting.split('=', 1)[0]!.trim());
}

/**
 * The same text over a transport.
 *
 * @example overTransport('yield,resident=0.5', 'shm') // 'yield,resident=0.5,transport=shm'
 */
export function overTransport(text: string, transport: string): string {
  return `${text},transport=${transport}`;
}

/** The text that `overTransport` made of another, or any other text as it is. */
export function withoutTransport(text: string, transport: string): string {
  const end = overTransport('', transport);
  return text.endsWith(end) ? text.slice(0, -end.length) : text;
}

const MIN_CHUNK_BYTES = 64 * 1024;

function size(text: string): number {
  const bytes = quantity(text, 'bytes');
  if (bytes < MIN_CHUNK_BYTES) throw new UserError(text);
  return Math.round(bytes);
}

function number(text: string, low: number, high: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= low && value <= high)) throw new UserError(text);
  return value;
}

function whole(text: string): number {
  const value = number(text, 1, 1000);
  if (!Number.isInteger(value)) throw new UserError(text);
  return value;
}

/** The last window takes what the fractions leave, so more than all of a block would count for nothing. */
function fractions(text: string): number[] {
  const values = text.split('/').map((part) => number(part, 0, 1));
  if (values.reduce((sum, value) => sum + value, 0) > 1 + 1e-9) throw new UserError(text);
  return values;
}

function residentLayers(text: string): number {
  const value = number(text, 0, 10_000);
  if (value >= 1 && !Number.isInteger(value)) throw new UserError(text);
  return value;
}
