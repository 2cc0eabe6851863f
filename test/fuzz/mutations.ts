import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Whole numbers that a seed decides. */
export interface Draws {
  /** From 0 to below `count`. */
  below(count: number): number;
  one<T>(of: readonly T[]): T;
}

export function drawsOf(seed: number): Draws {
  const generator = xoroshiro128plus(Math.imul(seed + 1, 0x9e3779b1));
  for (let draw = 0; draw < 16; draw += 1) uniformInt(generator, 0, 1);
  const below = (count: number) => (count <= 1 ? 0 : uniformInt(generator, 0, count - 1));
  return { below, one: (of) => of[below(of.length)]! };
}

/** Numbers that readers forget: beyond 32, 53 and 63 bits, parts, negative, none, huge and tiny. */
const NUMBERS = [
  ...[
    '0',
    '-0',
    '-1',
    '1',
    '0.5',
    '-2.5',
    '1e-300',
    '1e300',
    '1e999',
    '-1e999',
    'NaN',
    '.nan',
    '.inf',
    'null',
  ],
  ...['2147483648', '4294967296', '9007199254740993', '9223372036854775808', '1e9', '1000000', '99999', '""'],
];
const PIECES = [
  '\u0000',
  '\u001b[31m',
  '\u202e',
  '\ud800',
  '\ufeff',
  '\r\n',
  '\t',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  ':',
];
const MORE_PIECES = [
  ',',
  '#',
  '&a',
  '*a',
  '<<: ',
  '---\n',
  '!!binary x',
  '<',
  '>',
  '&amp;',
  'é漢🙂',
  '../..',
  '$(x)',
];
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

type Mutation = (text: string, draws: Draws, others: readonly string[]) => string;

function around(text: string, draws: Draws, most: number): [from: number, to: number] {
  const from = draws.below(text.length + 1);
  return [from, Math.min(text.length, from + draws.below(most) + 1)];
}

function withMatch(text: string, pattern: RegExp, draws: Draws, by: (match: string) => string): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const { index, 0: match } = draws.one(matches);
  return text.slice(0, index) + by(match) + text.slice(index + match.length);
}

function withLines(text: string, change: (lines: string[]) => void): string {
  const lines = text.split('\n');
  change(lines);
  return lines.join('\n');
}

/** Ways to damage a text, by name. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  cut: (text, draws) => text.slice(0, draws.below(text.length)),
  'bit flip': (text, draws) => {
    const bytes = Buffer.from(text);
    if (bytes.length > 0) bytes[draws.below(bytes.length)]! ^= 1 << draws.below(8);
    return bytes.toString('utf8');
  },
  'piece lost': (text, draws) => {
    const [from, to] = around(text, draws, 200);
    return text.slice(0, from) + text.slice(to);
  },
  'piece twice': (text, draws) => {
    const [from, to] = around(text, draws, 200);
    return text.slice(0, to) + text.slice(from);
  },
  'line lost': (text, draws) =>
    withLines(text, (lines) => void lines.splice(draws.below(lines.length), 1 + draws.below(3))),
  'line twice': (text, draws) =>
    withLines(text, (lines) => {
      const at = draws.below(lines.length);
      lines.splice(draws.below(lines.length), 0, lines[at]!);
    }),
  'lines changed places': (text, draws) =>
    withLines(text, (lines) => {
      const [a, b] = [draws.below(lines.length), draws.below(lines.length)];
      [lines[a], lines[b]] = [lines[b]!, lines[a]!];
    }),
  'other number': (text, draws) => withMatch(text, NUMBER, draws, () => draws.one(NUMBERS)),
  'number a little off': (text, draws) =>
    withMatch(text, NUMBER, draws, (match) => String(Number(match) + draws.one([-1, 1, 0.5, 1e6]))),
  'words changed places': (text, draws) => {
    const words = [...text.matchAll(/[A-Za-z_][\w.-]*/g)].map(([word]) => word);
    return words.length === 0 ? text : withMatch(text, /[A-Za-z_][\w.-]*/g, draws, () => draws.one(words));
  },
  'word of many': (text, draws) =>
    withMatch(text, /[A-Za-z_][\w.-]*/g, draws, () =>
      draws.one(['constructor', '__proto__', 'toString', 'x'.repeat(5000), 'true', 'null', '']),
    ),
  'strange piece': (text, draws) => {
    const at = draws.below(text.length + 1);
    return text.slice(0, at) + draws.one([...PIECES, ...MORE_PIECES]) + text.slice(at);
  },
  'deep nesting': (text, draws) => {
    const at = draws.below(text.length + 1);
    const deep = draws.one(['[', '{"a":', '{a: ', '- ', '(', '<pci busid="a">', '-']).repeat(20_000);
    return draws.below(2) === 0
      ? withMatch(text, NUMBER, draws, () => deep)
      : text.slice(0, at) + deep + text.slice(at);
  },
  'long line': (text, draws) => {
    const at = draws.below(text.length + 1);
    return text.slice(0, at) + draws.one(['x', '9', ' ', '"', '1,', 'a: ']).repeat(200_000) + text.slice(at);
  },
  'many lines': (text, draws) =>
    withLines(text, (lines) => {
      const at = draws.below(lines.length);
      lines.splice(at, 0, ...Array.from({ length: 20_000 }, () => lines[at]!.slice(0, 40)));
    }),
  'other format': (_, draws, others) => draws.one(others),
  'two formats': (text, draws, others) => {
    const at = draws.below(text.length + 1);
    return text.slice(0, at) + draws.one(others).slice(0, 5000) + text.slice(at);
  },
  'ends of lines of Windows': (text) => text.replaceAll('\n', '\r\n'),
  nothing: () => '',
};
