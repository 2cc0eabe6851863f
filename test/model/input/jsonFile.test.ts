import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseJson } from '../../../model/input/jsonFile.ts';
import { UserError } from '../../../model/input/userError.ts';

const REMEDY = 'run it again';
const messageOf = (text: string): string | null => {
  try {
    parseJson('x.json', text, REMEDY);
    return null;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
};

const places = suite('places in JSON');

const TEXT = `{
  "a": 1,
  "b": [10, {"c": "d"},
    [] ],
  "é\\n": null
}
`;
const PLACES: [path: (string | number)[], line: number, column: number][] = [
  [[], 1, 1],
  [['a'], 2, 8],
  [['b'], 3, 8],
  [['b', 0], 3, 9],
  [['b', 1, 'c'], 3, 19],
  [['b', 2], 4, 5],
  [['é\n'], 5, 10],
  // What is not there: the deepest part of the path that is.
  [['b', 7, 'x'], 3, 8],
  [['nothing'], 1, 1],
];
for (const [path, line, column] of PLACES) {
  places(`${path.join('.') || 'the file'} is at ${line}:${column}`, () => {
    assert.equal(parseJson('x.json', TEXT, REMEDY).place(path), { file: 'x.json', line, column });
  });
}
places.run();

const damaged = suite('damaged JSON');

const WRONG = 'is no JSON here';
const CUT = 'the JSON is cut short here';
const DAMAGED: [text: string, line: number, column: number, what: string][] = [
  ['', 1, 1, CUT],
  ['{', 1, 2, CUT],
  ['[1,\n 2', 2, 3, CUT],
  ['{"a":tr', 1, 8, CUT],
  ['{"a":"\\u12', 1, 11, CUT],
  ['[-', 1, 3, CUT],
  ['[1.', 1, 4, CUT],
  ['[1e+', 1, 5, CUT],
  ['{"a":tr}', 1, 6, WRONG],
  ['{"a":1,}', 1, 8, WRONG],
  ['[1,]', 1, 4, WRONG],
  ['[1 2]', 1, 4, WRONG],
  ['{"a" 1}', 1, 6, WRONG],
  ['{a:1}', 1, 2, WRONG],
  ['{"a":"b\n"}', 1, 8, WRONG],
  ['["\\x"]', 1, 4, WRONG],
  ['[01]', 1, 3, WRONG],
  ['[NaN]', 1, 2, WRONG],
  ['{} x', 1, 4, WRONG],
  ['{"a":1,\n"a":2}', 2, 1, 'the key "a" is there twice'],
  [`${'['.repeat(65)}${']'.repeat(65)}`, 1, 65, 'nested more than 64 levels deep'],
  ['{"a":'.repeat(1e5), 1, 321, 'nested more than 64 levels deep'],
];
for (const [text, line, column, what] of DAMAGED) {
  damaged(`${JSON.stringify(text.slice(0, 20))}: ${what}`, () =>
    assert.is(messageOf(text), `x.json:${line}:${column}: ${what}; ${REMEDY}`),
  );
}

damaged('a string of ten million escapes is read', () => {
  assert.is(messageOf(`["${'\\n'.repeat(1e7)}"]`), null);
});

damaged('64 levels are read', () => assert.is(messageOf(`${'['.repeat(64)}${']'.repeat(64)}`), null));

damaged(
  'law: whatever JSON.parse takes or refuses, so does this; a start of JSON is cut short at its end',
  () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.nat(), fc.string({ maxLength: 2 }), (text, at, piece) => {
        const cut = text.slice(0, at % (text.length + 1));
        const changed = `${cut}${piece}${text.slice(cut.length + 1)}`;
        for (const given of [text, cut, changed]) {
          const message = messageOf(given);
          let isJson = true;
          try {
            JSON.parse(given);
          } catch {
            isJson = false;
          }
          if (message?.includes('is there twice')) continue;
          assert.is(message === null, isJson, JSON.stringify(given));
        }
        const message = messageOf(cut);
        if (message !== null) assert.match(message, CUT);
      }),
      { numRuns: 2000 },
    );
  },
);

damaged.run();
