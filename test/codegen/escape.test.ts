import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  comment,
  constantName,
  cString,
  designated,
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
  ['QK norm and RoPE', 'qk_norm_and_rope'],
  ['SwiGLU', 'swiglu'],
  ['stepsAhead', 'steps_ahead'],
  ['14B; rm -rf /', 'n_14_b_rm_rf'],
  ['', 'n'],
  ['???', 'n'],
  ['class', 'class_'],
  ['step', 'step_'],
  ['"); system("reboot', 'system_reboot'],
  // 60 characters, and no underscore at the end: such names are the runtime's members.
  ['a'.repeat(80), 'a'.repeat(60)],
  [`${'a'.repeat(59)} b`, 'a'.repeat(59)],
];

for (const [text, expected] of IDENTIFIERS) {
  escaping(`identifier(${JSON.stringify(text)})`, () => assert.is(identifier(text), expected));
}

/** Names that would end a comment, or let the next line join it. */
const COMMENTS: [what: string, text: string, expected: string][] = [
  ['a line end', 'a\nint x;', 'a int x;'],
  ['a carriage return', 'a\rint x;', 'a int x;'],
  ['both', 'a\r\nint x;', 'a int x;'],
  ['a vertical tab and a form feed', 'a\v\fb', 'a b'],
  ['line ends of Unicode', 'a\u2028b\u2029c\u0085d', 'a b c d'],
  ['a zero and an escape', 'a\0b\x1b[2J', 'a b [2J'],
  ['a backslash at the end', 'C:\\', 'C:/'],
  ['the trigraph of a backslash at the end', 'what??/', 'what? ?/'],
  ['three question marks before it', 'what???/', 'what? ? ?/'],
  ['four', '????/', '? ? ? ?/'],
  ['the end of a comment of the other kind', '*/ int x; /*', '*/ int x; /*'],
  ['blanks around', ' a ', 'a'],
];

for (const [what, text, expected] of COMMENTS) {
  escaping(`a comment holds ${what}`, () => assert.is(comment(text), expected));
}

const LITERALS: [what: string, text: string, expected: string][] = [
  ['a quote', 'a"b', '"a\\042b"'],
  ['a backslash', 'a\\b', '"a\\134b"'],
  ['a trigraph', '??/', '"\\077\\077/"'],
  ['a line end with a digit behind it', '\n1', '"\\0121"'],
  ['a zero with a digit behind it', '\x007', '"\\0007"'],
  ['bytes of UTF-8', 'ä\u2028', '"\\303\\244\\342\\200\\250"'],
  ['the end of a comment', '*/ // /*', '"*/ // /*"'],
];

for (const [what, text, expected] of LITERALS) {
  escaping(`a literal holds ${what}`, () => assert.is(cString(text), expected));
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

escaping('designated names every field that is given', () => {
  assert.is(
    designated({ position: 'at.next', stepsAgo: undefined, slot: '1' }),
    '{.position = at.next, .slot = 1}',
  );
  assert.is(designated({}), '{}');
});

escaping.run();
