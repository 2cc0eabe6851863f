import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { UserError } from '../../../model/input/userError.ts';
import { checked, parseYaml, placed, readYamlFile } from '../../../model/input/yamlFile.ts';

// Line and column are counted from 1.
const TEXT = `# comment
id: small
gpu:
  copyEngine:
    h2d: {is: 55 GB/s, from: measured}
gpus: [gpu0, gpu1]
blocks:
  - name: first
    count: 2
  -   name: second
      segments:
        - {gemm: a}
        - gemm: b
          x: [1, 2]
link: &link {down: 3}
other: *link
"quoted key": 5
`;

const places = suite('places in YAML');

// A map stands where its key does, anything else where its value begins.
const PLACES: [path: (string | number)[], line: number, column: number][] = [
  [[], 2, 1],
  [['id'], 2, 5],
  [['gpu'], 3, 1],
  [['gpu', 'copyEngine'], 4, 3],
  [['gpu', 'copyEngine', 'h2d'], 5, 5],
  [['gpu', 'copyEngine', 'h2d', 'is'], 5, 15],
  [['gpu', 'copyEngine', 'h2d', 'from'], 5, 30],
  [['gpus'], 6, 7],
  [['gpus', 0], 6, 8],
  [['gpus', 1], 6, 14],
  // An item that is a map stands where its first key does, behind the dash.
  [['blocks', 0], 8, 5],
  [['blocks', 0, 'name'], 8, 11],
  [['blocks', 0, 'count'], 9, 12],
  [['blocks', 1], 10, 7],
  [['blocks', 1, 'name'], 10, 13],
  [['blocks', 1, 'segments', 0], 12, 11],
  [['blocks', 1, 'segments', 0, 'gemm'], 12, 18],
  [['blocks', 1, 'segments', 1, 'x'], 14, 14],
  [['blocks', 1, 'segments', 1, 'x', 1], 14, 18],
  [['quoted key'], 17, 15],
  // What is not there: the deepest part of the path that is.
  [['nothing'], 2, 1],
  [['gpu', 'copyEngine', 'turn'], 4, 3],
  [['blocks', 5], 8, 3],
  // An alias stands where it is written, what is in it where that is.
  [['other'], 16, 8],
  [['other', 'down'], 15, 20],
];
for (const [path, line, column] of PLACES) {
  places(`${path.join('.') || 'the file'} is at ${line}:${column}`, () => {
    assert.equal(parseYaml('m.yaml', TEXT).place(path), { file: 'm.yaml', line, column });
  });
}

places('values are those of the file', () => {
  assert.equal(parseYaml('m.yaml', TEXT).value, {
    id: 'small',
    gpu: { copyEngine: { h2d: { is: '55 GB/s', from: 'measured' } } },
    gpus: ['gpu0', 'gpu1'],
    blocks: [
      { name: 'first', count: 2 },
      { name: 'second', segments: [{ gemm: 'a' }, { gemm: 'b', x: [1, 2] }] },
    ],
    link: { down: 3 },
    other: { down: 3 },
    'quoted key': 5,
  });
});

places.run();

const schema = z.strictObject({
  id: z.string(),
  lanes: z.literal([1, 2, 4, 8, 16]).optional(),
  blocks: z
    .array(
      z.strictObject({
        count: z.int(),
        stage: z
          .union([z.strictObject({ gemm: z.string() }), z.strictObject({ wait: z.number() })])
          .optional(),
      }),
    )
    .default([]),
});

const check = suite('checked YAML');

const MISTAKES: [text: string, message: RegExp][] = [
  ['id: a\nlanes: 12\n', /^m\.yaml:2:8: lanes: .*expected one of 1\|2\|4\|8\|16, got 12$/],
  ['lanes: 4\n', /^m\.yaml:1:1: id: .*expected string/],
  ['id: 5\n', /^m\.yaml:1:5: id: .*expected string, got 5$/],
  ['id: a\nlane: 4\n', /^m\.yaml:2:7: lane: unknown key; check the spelling/],
  ['id: a\nblocks:\n  - count: 2\n    cuont: 3\n', /^m\.yaml:4:12: blocks\.0\.cuont: unknown key/],
  [
    'id: a\nblocks:\n  - count: 1\n  - {count: 2.5}\n',
    /^m\.yaml:4:13: blocks\.1\.count: .*expected int.*, got 2\.5$/,
  ],
  // Of a union, the alternative that got furthest: `gemm` was meant, and its value is wrong.
  [
    'id: a\nblocks:\n  - count: 1\n    stage: {gemm: 3}\n',
    /^m\.yaml:4:19: blocks\.0\.stage\.gemm: .*expected string, got 3$/,
  ],
  ['', /^m\.yaml:1:1: the file: .*expected object, got null$/],
  ['- a\n', /^m\.yaml:1:1: the file: .*expected object/],
];
for (const [text, message] of MISTAKES) {
  check(`${JSON.stringify(text)} is refused in its place`, () =>
    assert.throws(
      () => checked(parseYaml('m.yaml', text), schema),
      (error: Error) => error instanceof UserError && (message.test(error.message) || fail(error.message)),
    ),
  );
}

function fail(message: string): never {
  throw new Error(`the message is ${message}`);
}

check('what fits comes back with its defaults', () => {
  assert.equal(checked(parseYaml('m.yaml', 'id: a\nlanes: 16\n'), schema), {
    id: 'a',
    lanes: 16,
    blocks: [],
  });
});

check('placed() puts the place before a mistake, once, and leaves other errors alone', () => {
  const source = parseYaml('m.yaml', TEXT);
  const path = ['gpu', 'copyEngine'];
  const mistake = (place?: { file: string }) => () =>
    placed(source, path, () => {
      throw new UserError('wrong', place);
    });
  assert.throws(mistake(), (error: Error) => error.message === 'm.yaml:4:3: gpu.copyEngine: wrong');
  assert.throws(mistake({ file: 'n.yaml' }), (error: Error) => error.message === 'n.yaml: wrong');
  const bug = new TypeError('a bug');
  assert.throws(
    () =>
      placed(source, path, () => {
        throw bug;
      }),
    (error: Error) => error === bug,
  );
  assert.is(
    placed(source, path, () => 3),
    3,
  );
});

check.run();

const damage = suite('damaged YAML');

/** Each level repeats the one before ten times: 10^9 values from nine lines. */
const bomb = Array.from({ length: 9 }, (_, level) => {
  const item = level === 0 ? 'x' : `*a${level - 1}`;
  return `a${level}: &a${level} [${Array(10).fill(item).join(', ')}]`;
}).join('\n');

const DAMAGED: [what: string, text: string, message: RegExp][] = [
  ['a duplicate key', 'a: 1\nb:\n  c: 1\n  c: 2\n', /^m\.yaml:4:3: Map keys must be unique$/],
  ['a tab as indentation', 'a:\n\tb: 1\n', /^m\.yaml:2:1: Tabs are not allowed/],
  ['an open bracket', 'a: [1\n', /^m\.yaml:2:1: Flow sequence/],
  ['an unknown alias', 'a: *b\n', /^m\.yaml:1:/],
  ['a key that is a number and a text', '{1: a, "1": b}', /^m\.yaml:1:8: Map keys must be unique$/],
  [
    'a map as a key',
    'a: 1\n{b: 2}: 3\n',
    /^m\.yaml:2:1: a map, a list or an alias is a key here; give a name$/,
  ],
  ['a second document', 'a: 1\n---\nb: 2\n', /^m\.yaml:2:1: a second document begins/],
  ['a list in itself', 'a: &a [*a]\n', /^m\.yaml:1:/],
  [
    'lists 100,000 deep',
    '['.repeat(1e5),
    /^m\.yaml:1:6\d: nested more than 64 levels deep; write it flatter$/,
  ],
  [
    'maps 1,000 deep by indentation',
    Array.from({ length: 1000 }, (_, level) => `${' '.repeat(level)}a:`).join('\n'),
    /^m\.yaml:6\d:6\d: nested more than 64 levels deep/,
  ],
  [
    'an alias bomb',
    bomb,
    /^m\.yaml:1:1: aliases expand to more than a hundred copies; write the values out$/,
  ],
  [
    'eight thousand aliases, each of which is looked for in the whole document,',
    `b: &b {x: 1}\n${Array.from({ length: 8_000 }, (_, index) => `c${index}: *b\n`).join('')}`,
    /^m\.yaml:\d+:\d+: more than 200 aliases; write the values out$/,
  ],
];
for (const [what, text, message] of DAMAGED) {
  damage(`${what} is refused in one line`, () =>
    assert.throws(
      () => parseYaml('m.yaml', text),
      (error: Error) => error instanceof UserError && (message.test(error.message) || fail(error.message)),
    ),
  );
}

damage('60 levels are no bomb', () => {
  assert.ok(parseYaml('m.yaml', `${'['.repeat(60)}${']'.repeat(60)}`).value);
});

damage('a hundred thousand keys take time with their number, not its square', () => {
  const text = Array.from({ length: 100_000 }, (_, index) => `k${index}: ${index % 10}\n`).join('');
  const startedMs = performance.now();
  const { value } = parseYaml('m.yaml', text);
  assert.is(Object.keys(value as object).length, 100_000);
  // Comparing each with all others took over three minutes.
  assert.ok(performance.now() - startedMs < 60_000);
});

damage('a few aliases are no bomb', () => {
  const text = `a: &a [1, 2]\nb: [${Array(20).fill('*a').join(', ')}]\n`;
  assert.equal((parseYaml('m.yaml', text).value as { b: number[][] }).b, Array(20).fill([1, 2]));
});

damage('a key named __proto__ is a key like any other', () => {
  const { value } = parseYaml('m.yaml', '__proto__: {polluted: 1}\nid: a\n');
  assert.is(({} as Record<string, unknown>).polluted, undefined);
  assert.is(Object.getPrototypeOf(value), Object.prototype);
});

damage.run();

const files = suite('YAML files');
const folder = mkdtempSync(join(tmpdir(), 'chunkflow-yaml-'));
files.after(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

files('1 MiB is read, a byte more is not', () => {
  const head = 'id: a\n#';
  const limit = 1_048_576;
  const fits = write('fits.yaml', head + 'x'.repeat(limit - head.length));
  assert.equal(readYamlFile(fits).value, { id: 'a' });
  const large = write('large.yaml', head + 'x'.repeat(limit - head.length + 1));
  assert.throws(
    () => readYamlFile(large),
    (error: Error) =>
      error instanceof UserError &&
      error.message.startsWith(`${large}:1:1: the file has 1048577 bytes, expected at most 1048576;`),
  );
});

files('a missing file names itself, the reason and the way out', () => {
  assert.throws(
    () => readYamlFile('missing.yaml'),
    (error: Error) =>
      error instanceof UserError &&
      /^missing\.yaml: cannot be read \(ENOENT\); give a name from the catalogue or .*path/.test(
        error.message,
      ),
  );
});

files('a folder is refused like a file that cannot be read', () => {
  assert.throws(
    () => readYamlFile(folder),
    (error: Error) => error instanceof UserError && /cannot be read \(EISDIR\)/.test(error.message),
  );
});

files.run();
