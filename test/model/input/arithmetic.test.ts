import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { arithmetic, mathjsValue, shape } from '../../../model/input/arithmetic.ts';
import { mathjs } from '../../../model/input/math.ts';
import { plainValues } from '../../../model/input/plainArithmetic.ts';
import { UserError } from '../../../model/input/userError.ts';

const names = { d: 4, H: 721, W: 1281 };
const test = suite('arithmetic in catalogue files');

const VALUES: [expression: string | number, value: number][] = [
  [17, 17],
  ['17', 17],
  ['1e3', 1000],
  ['1 + 2*3', 7],
  ['(1 + 2)*3', 9],
  ['7 - 2 - 1', 4],
  ['8/2/2', 2],
  ['3*d', 12],
  ['2 d', 8],
  ['-d', -4],
  // A minus binds less tightly than a power: -(4^2).
  ['-d^2', -16],
  // Powers associate to the right: 2^(3^2).
  ['2^3^2', 512],
  ['floor(7/2)', 3],
  ['ceil(7/2)', 4],
  ['round(7/3)', 2],
  ['min(d, 9, 2)', 2],
  ['max(d, 9, 2)', 9],
  // 721/16 = 45.06, 1281/16 = 80.06: 45 x 80.
  ['floor(H/16) * floor(W/16)', 3600],
];
for (const [expression, value] of VALUES) {
  test(`${expression} is ${value}`, () => assert.is(arithmetic(expression, names), value));
}

const REFUSED: [expression: string, message: RegExp][] = [
  ['', /undefined"? is not allowed/],
  ['(', /Unexpected end/],
  ['1 +', /Unexpected end/],
  ['e', /the name "e" is not allowed; use .* and d, H, W/],
  ['Infinity', /"Infinity" is not allowed/],
  ['NaN', /"NaN" is not allowed/],
  ['floor()', /floor with 0 arguments/],
  ['floor(1, 2)', /floor with 2 arguments/],
  ['min()', /min with 0 arguments/],
  ['constructor', /the name "constructor"/],
  ['__proto__', /the name "__proto__"/],
  ['hasOwnProperty', /the name "hasOwnProperty"/],
  ['toString(d)', /"toString\(d\)" is not allowed/],
  ['constructor("return 1")', /is not allowed/],
  ['floor.constructor(1)', /is not allowed/],
  ['d.constructor', /"d\.constructor" is not allowed/],
  ['d["constructor"]', /is not allowed/],
  ['{}.constructor', /is not allowed/],
  ['import("fs")', /is not allowed/],
  ['import({pi: 3})', /is not allowed/],
  ['eval("1")', /is not allowed/],
  ['evaluate("1")', /is not allowed/],
  ['parse("1")', /is not allowed/],
  ['createUnit("x")', /is not allowed/],
  ['cos(1)', /"cos\(1\)" is not allowed/],
  ['(floor)(2.5)', /is not allowed/],
  ['floor("2")', /2.* is not allowed/],
  ['d = 5', /"d = 5" is not allowed/],
  ['f(x) = x', /is not allowed/],
  ['d; d', /is not allowed/],
  ['d\nd', /is not allowed/],
  ['"text"', /text.* is not allowed/],
  ['true', /true.* is not allowed/],
  ['null', /null.* is not allowed/],
  ['[d]', /is not allowed/],
  ['{a: 1}', /is not allowed/],
  ['1:3', /is not allowed/],
  ['d ? 1 : 2', /is not allowed/],
  ['d > 1', /is not allowed/],
  ['d == 4', /the operator "=="/],
  ['d % 2', /the operator "%"/],
  ['d!', /the operator "!"/],
  ['+d', /the operator "\+"/],
  ['2 cm', /the name "cm"/],
  ['5 m to cm', /is not allowed/],
];
const oneLine = (message: RegExp) => (error: Error) =>
  error instanceof UserError && message.test(error.message) && !error.message.includes('\n');
for (const [expression, message] of REFUSED) {
  test(`refuses ${JSON.stringify(expression)}`, () =>
    assert.throws(() => arithmetic(expression, names), oneLine(message)));
}

test('a name must be given by the caller, not inherited', () => {
  assert.is(arithmetic('valueOf', { valueOf: 3 } as unknown as Record<string, number>), 3);
  assert.throws(() => arithmetic('valueOf', {}), oneLine(/the name "valueOf"/));
});

test('200 characters are read, 201 are not, and the message stays short', () => {
  // 1+1+...+1 with 100 ones has 199 characters; a space makes 200.
  const longest = `${Array(100).fill('1').join('+')} `;
  assert.is(arithmetic(longest, {}), 100);
  for (const long of [`${longest} `, '('.repeat(1e6), '9^'.repeat(1e5)]) {
    assert.throws(
      () => arithmetic(long, {}),
      (error: Error) => /longer than 200 characters/.test(error.message) && error.message.length < 150,
    );
  }
});

/** An expression written out with all its brackets, and what it comes to. */
interface Sum {
  text: string;
  value: number;
}

const { tree } = fc.letrec<{ leaf: Sum; node: Sum; tree: Sum }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('node')),
  leaf: fc.oneof(
    fc.integer({ min: 0, max: 99 }).map((value) => ({ text: String(value), value })),
    fc.constantFrom(...Object.entries(names)).map(([text, value]) => ({ text, value })),
  ),
  node: fc
    .tuple(tie('tree'), fc.constantFrom('+', '-', '*', '/', 'min', 'max', 'floor'), tie('tree'))
    .map(([a, operator, b]): Sum => {
      switch (operator) {
        case '+':
          return { text: `(${a.text} + ${b.text})`, value: a.value + b.value };
        case '-':
          return { text: `(${a.text} - ${b.text})`, value: a.value - b.value };
        case '*':
          return { text: `(${a.text} * ${b.text})`, value: a.value * b.value };
        case '/':
          return { text: `(${a.text} / ${b.text})`, value: a.value / b.value };
        case 'floor':
          return { text: `floor(${a.text})`, value: Math.floor(a.value) };
        default:
          return {
            text: `${operator}(${a.text}, ${b.text})`,
            value: Math[operator as 'min' | 'max'](a.value, b.value),
          };
      }
    }),
}));

test('any expression comes to what the same operations come to by hand', () => {
  fc.assert(
    fc.property(
      tree.filter(({ text }) => text.length <= 200),
      ({ text, value }) => assert.equal(arithmetic(text, names), value, text),
    ),
    { numRuns: 300 },
  );
});

/** Operands, plain ones and others, the signs between them, and what else may stand anywhere. */
const OPERANDS = [
  ...'0 2 007 1.5 1e3 2e-1 1e400 1. .5 0x10 d H x2 -d (d (2 d) 3)'.split(' '),
  ...'e mod in true NaN floor floor(d min(2 max(d) round(1.5) sin(d) [d 2]'.split(' '),
];
const SIGNS = ['+', '-', '*', '/', '^', ' * ', ', ', ' - -', '^-', '**', '%', ' '];
const STRAY = ['(', ')', '[', ']', ',', ';', '.', '!', '\t', '\n', '#', "'", '$', 'ceil('];
const given = { ...names, x2: 0.5, mod: 3, in: 5, true: 7, NaN: 11, floor: 13 };

/** Value or message. */
function outcome(value: () => number): number | string {
  try {
    return value();
  } catch (error) {
    return (error as Error).message;
  }
}

test('what is read without mathjs is what mathjs reads, to the last bit and in every message', () => {
  const operand = fc.constantFrom(...OPERANDS);
  const stray = fc.option(fc.constantFrom(...STRAY), { freq: 6, nil: '' });
  const text = fc
    .tuple(operand, fc.array(fc.tuple(fc.constantFrom(...SIGNS), operand, stray), { maxLength: 4 }))
    .map(([first, rest]) => [first, ...rest.flat()].join(''));
  let plain = 0;
  fc.assert(
    fc.property(text, (written) => {
      if (plainValues(written, given) !== undefined) plain += 1;
      const [got, byMathjs] = [arithmetic, mathjsValue].map((read) => outcome(() => read(written, given)));
      assert.ok(Object.is(got, byMathjs), `${JSON.stringify(written)}: ${got}, by mathjs ${byMathjs}`);
    }),
    { numRuns: 5000 },
  );
  assert.ok(plain > 300, `only ${plain} of the texts were plain`);
});

test('plain expressions come to what mathjs evaluates them to', () => {
  fc.assert(
    fc.property(
      tree.filter(({ text }) => text.length <= 200),
      ({ text }) => {
        const evaluated: unknown = mathjs().evaluate(text, { ...names });
        assert.equal(plainValues(text, names), { isArray: false, values: [evaluated] }, text);
      },
    ),
    { numRuns: 300 },
  );
});

test.run();

const shapes = suite('shapes');

const SHAPES: [expression: string, sides: number[]][] = [
  ['[3*d, d]', [12, 4]],
  ['[d]', [4]],
  ['[d/2, 1, floor(H/100)]', [2, 1, 7]],
];
for (const [expression, sides] of SHAPES) {
  shapes(`${expression} is ${sides.join(' x ')}`, () => assert.equal(shape(expression, names), sides));
}

const NO_SHAPES: [expression: string, message: RegExp][] = [
  ['d', /expected an array/],
  ['{a: 1}', /expected an array/],
  ['[0]', /is 0, expected a whole number of at least 1/],
  ['[d/3]', /is 1\.33.*, expected a whole number/],
  ['[-d]', /is -4/],
  ['[2^60]', /is 1152921504606847000/],
  ['[1/0]', /is Infinity/],
  ['[[1, 2], [3, 4]]', /is not allowed/],
  ['[1; 2]', /is not allowed/],
  ['[d.constructor]', /is not allowed/],
  ['[d, ', /expression/],
  // The first fault from the left.
  ['[0, sin(d)]', /is 0, expected/],
  ['[sin(d), 0]', /"sin\(d\)" is not allowed/],
  ['[d]\n', /expected an array/],
];
for (const [expression, message] of NO_SHAPES) {
  shapes(`refuses ${expression}`, () => assert.throws(() => shape(expression, names), oneLine(message)));
}

shapes.run();
