import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  comment,
  constantName,
  cString,
  identifier,
  Names,
  real,
  unsigned64,
  whole,
} from '../../codegen/escape.ts';

const escaping = suite('escaping');

const IDENTIFIERS: [text: string, expected: string][] = [
  ['QKV all-to-all', 'qkv_all_to_all'],
  ['norm and modulate', 'norm_and_modulate'],
  ['14B; rm -rf /', 'n_14_b_rm_rf'],
  ['', 'n'],
  ['???', 'n'],
  ['class', 'class_'],
  ['step', 'step_'],
  ['"); system("reboot', 'system_reboot'],
];

for (const [text, expected] of IDENTIFIERS) {
  escaping(`identifier(${JSON.stringify(text)})`, () => assert.is(identifier(text), expected));
}

escaping(
  'any text becomes an identifier, a literal that ends where it should, and a one-line comment',
  () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        assert.match(identifier(text), /^[a-z][a-z0-9_]*$/);
        assert.match(constantName(text), /^[A-Z][A-Z0-9_]*$/);
        // Between the quotes: printable ASCII but quote, backslash and question mark, or octal escapes.
        assert.match(cString(text), /^"(?:[ !#->@-[\]-~]|\\[0-7]{3})*"$/);
        assert.not.match(comment(text), /[\r\n\\]|\?\?/);
      }),
    );
  },
);

escaping('a literal says the same bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
      const bytes = cString(text)
        .slice(1, -1)
        .replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
      assert.is(Buffer.from(bytes, 'latin1').toString('utf8'), Buffer.from(text, 'utf8').toString('utf8'));
    }),
  );
});

escaping('names are handed out once', () => {
  const names = new Names();
  assert.equal(
    ['a', 'b', 'a', 'a', 'a_2'].map((name) => names.unique(name)),
    ['a', 'b', 'a_2', 'a_3', 'a_2_2'],
  );
});

escaping('numbers print as C++ reads them, and what is none is refused', () => {
  assert.is(real(3), '3.0');
  assert.is(real(1e21), '1e+21');
  assert.is(unsigned64(2 ** 50), '1125899906842624ull');
  for (const bad of [Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 60]) {
    assert.throws(() => whole(bad), /no whole number/);
    assert.throws(() => unsigned64(bad), /no size/);
  }
  assert.throws(() => real(Number.NaN), /no finite number/);
  assert.throws(() => unsigned64(-1), /no size/);
});

escaping.run();
