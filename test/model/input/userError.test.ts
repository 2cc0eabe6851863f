import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printable, shown, UserError } from '../../../model/input/userError.ts';

const test = suite('values in messages');

const CASES: [value: unknown, text: string][] = [
  ['a "b"', '"a \\"b\\""'],
  [{ a: [1, 'x', null], b: { c: true } }, '{"a":[1,"x",null],"b":{"c":true}}'],
  [[], '[]'],
  [{}, '{}'],
  [undefined, 'undefined'],
  [Number.NaN, 'NaN'],
  [10n, '10'],
  ['x'.repeat(78), `"${'x'.repeat(78)}"`],
  ['x'.repeat(79), `"${'x'.repeat(76)}...`],
  // What a terminal would act on, or show in another order.
  ['a\u009b31m\u202e\u2028', '"a\\u009b31m\\u202e\\u2028"'],
];
for (const [value, text] of CASES) test(text, () => assert.is(shown(value), text));

test('only as much is looked at as is shown', () => {
  let deep: unknown[] = [];
  for (let level = 0; level < 1e5; level += 1) deep = [deep];
  assert.is(shown(deep), `${'['.repeat(77)}...`);
  const many = new Proxy({ length: 0 } as Record<string, unknown>, {
    ownKeys: () => Array.from({ length: 1000 }, (_, index) => `k${index}`),
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_, key) => (Number(String(key).slice(1)) < 30 ? 1 : assert.unreachable(String(key))),
  });
  assert.is(shown(many).length, 80);
});

test('escapes of a terminal are written out', () => {
  assert.is(printable('\u001b[31mred\u0007'), '\\u001b[31mred\\u0007');
});

for (const [length, shownLength] of [
  [1000, 1000],
  [1001, 1003],
  [1e6, 1003],
] as const) {
  test(`the reason stands behind a path of ${length} characters`, () => {
    const { message } = new UserError('cannot be read', { file: 'p'.repeat(length), line: 3 });
    assert.is(
      message,
      `${'p'.repeat(Math.min(length, 1000))}${shownLength > 1000 ? '...' : ''}:3: cannot be read`,
    );
    assert.is(message.length, shownLength + ':3: cannot be read'.length);
  });
}

test.run();
