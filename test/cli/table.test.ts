import { stripVTControlCharacters, styleText } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { layoutOf, PIPED } from '../../cli/text/layout.ts';
import { type Column, formatTable } from '../../cli/text/table.ts';
import { paragraph, widthOf, wrapped } from '../../cli/text/wrap.ts';

const test = suite('table');

test('text to the left, numbers to the right with their decimals, no answer as a dash', () => {
  const rows = [
    { name: 'none', ms: 1302 },
    { name: 'yield', ms: null },
    { name: 'paced', ms: 7.25 },
  ];
  const text = formatTable<(typeof rows)[number]>(
    [
      { header: 'plan', value: (row) => row.name },
      { header: 'step ms', value: (row) => row.ms, digits: 1 },
    ],
    rows,
  );
  assert.equal(text.split('\n'), [
    'plan   step ms',
    '-----  -------',
    'none   1,302.0',
    'yield        -',
    'paced      7.3',
    '',
  ]);
});

test('no rows leave the header', () => {
  assert.is(formatTable([{ header: 'a', value: () => '' }], []), 'a\n-\n');
});

interface Step {
  plan: string;
  ms: number;
  why: string;
}

const STEPS: readonly Step[] = [
  { plan: 'none', ms: 1302, why: 'all weights stay' },
  { plan: 'yield,chunk=16MiB', ms: 7.25, why: 'whole windows between collectives, nothing beside them' },
];
const COLUMNS: readonly Column<Step>[] = [
  { header: 'plan', value: ({ plan }) => plan },
  { header: 'step ms', value: ({ ms }) => ms, digits: 1 },
  { header: 'collective ms', value: ({ ms }) => ms / 2, digits: 1 },
  { header: 'why', value: ({ why }) => why },
];
const at = (width: number, columns = COLUMNS, rows = STEPS) =>
  formatTable(columns, rows, { ...PIPED, width });

test('headers wrap before sentences do', () => {
  const [head, , rule, ...rows] = at(70).split('\n');
  assert.is(head, '                            collective');
  assert.is(rule, `${'-'.repeat(17)}  -------  ----------  ${'-'.repeat(30)}`);
  assert.equal(rows, [
    'none               1,302.0       651.0  all weights stay',
    'yield,chunk=16MiB      7.3         3.6  whole windows between',
    '                                        collectives, nothing beside',
    '                                        them',
    '',
  ]);
});

test('of few rows columns go on in blocks, each with what names the rows', () => {
  const numbers = Array.from(
    { length: 6 },
    (_, index): Column<Step> => ({
      ...{ header: `part${index} ms`, value: ({ ms }: Step) => ms + index, digits: 1 },
    }),
  );
  assert.equal(at(40, [COLUMNS[0]!, ...numbers]).split('\n'), [
    '                     part0    part1',
    'plan                    ms       ms',
    '-----------------  -------  -------',
    'none               1,302.0  1,303.0',
    'yield,chunk=16MiB      7.3      8.3',
    '',
    '                     part2    part3',
    'plan                    ms       ms',
    '-----------------  -------  -------',
    'none               1,304.0  1,305.0',
    'yield,chunk=16MiB      9.3     10.3',
    '',
    '                     part4    part5',
    'plan                    ms       ms',
    '-----------------  -------  -------',
    'none               1,306.0  1,307.0',
    'yield,chunk=16MiB     11.3     12.3',
    '',
  ]);
});

test('where only sentences do not fit, they stand below their rows', () => {
  assert.equal(at(44).split('\n'), [
    '                            collective',
    'plan               step ms          ms',
    '  why',
    '--------------------------------------------',
    'none               1,302.0       651.0',
    '  all weights stay',
    'yield,chunk=16MiB      7.3         3.6',
    '  whole windows between collectives, nothing',
    '  beside them',
    '',
  ]);
});

test('no line is wider than the layout, whatever the names and however many rows, and nothing is lost', () => {
  const names = ['x'.repeat(200), '\u4e2d\u6587'.repeat(40), 'a,b=c/d:'.repeat(30), 'short', ''];
  const rows = Array.from({ length: 40 }, (_, index) => ({
    ...{ plan: names[index % names.length]!, ms: index ** 5, why: names[(index + 1) % names.length]! },
  }));
  for (const count of [4, 40])
    for (const width of [40, 60, 80, 120]) {
      const text = at(width, [...COLUMNS, ...COLUMNS], rows.slice(0, count));
      for (const line of text.split('\n')) assert.ok(widthOf(line) <= width, `${width}: ${line}`);
      const letters = (of: string) => of.match(/x/g)?.length ?? 0;
      assert.ok(letters(text) >= 2 * Math.ceil(count / names.length) * 200);
    }
});

test('text of others does nothing to a terminal', () => {
  const hostile = [{ plan: '\u001b[31mred\u001b]0;title\u0007', ms: 1, why: '\u202eabc' }];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.not.match(at(80, COLUMNS, hostile), /[\u001b\u0007\u202e]/);
});

test('colours are around the text alone, so that columns stay where they are', () => {
  const toned = COLUMNS.map((column) => ({ ...column, tone: () => 'best' as const }));
  const coloured = formatTable(toned, STEPS, { width: 100, colour: true });
  assert.ok(coloured.includes(styleText(['bold', 'green'], 'none')));
  assert.is(stripVTControlCharacters(coloured).replace(/ +$/gm, ''), at(100));
});

test('words wrap at blanks, wider ones behind their punctuation', () => {
  assert.equal(wrapped('stream all of it', 10), ['stream all', 'of it']);
  assert.equal(wrapped('none,transport=staged-copy', 16), ['none,transport=', 'staged-copy']);
  assert.equal(wrapped('abcdefghij', 4), ['abcd', 'efgh', 'ij']);
  assert.equal(wrapped('\u4e2d\u6587\u5b57', 4), ['\u4e2d\u6587', '\u5b57']);
  assert.is(paragraph('one two three', { ...PIPED, width: 8 }, 3), 'one two\n   three\n');
});

test("a layout is the terminal's, 80 columns elsewhere, and follows COLUMNS, NO_COLOR and FORCE_COLOR", () => {
  const terminal = { isTTY: true, columns: 120 };
  const env = { TERM: 'xterm-256color' };
  assert.equal(layoutOf(terminal, env), { width: 120, colour: true });
  assert.equal(layoutOf({}, env), { width: 80, colour: false });
  assert.equal(layoutOf({}, { ...env, COLUMNS: '200' }), { width: 200, colour: false });
  assert.equal(layoutOf({}, { ...env, COLUMNS: 'wide' }), { width: 80, colour: false });
  assert.equal(layoutOf({ isTTY: true, columns: 0 }, env), { width: 80, colour: true });
  assert.equal(layoutOf({ isTTY: true, columns: 7 }, env), { width: 40, colour: true });
  assert.equal(layoutOf(terminal, { ...env, NO_COLOR: '1' }), { width: 120, colour: false });
  assert.equal(layoutOf(terminal, { TERM: 'dumb' }), { width: 120, colour: false });
  assert.equal(layoutOf({}, { ...env, FORCE_COLOR: '1' }), { width: 80, colour: true });
  assert.equal(layoutOf(terminal, { ...env, FORCE_COLOR: '0' }), { width: 120, colour: false });
});

test.run();
