import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { callArguments } from '../../codegen/view/callArguments.ts';

const callArgs = suite('arguments of a call');

const CASES: [fn: string, args: string[], expected: string[]][] = [
  [
    'normRows',
    ['8', '64', 'in', '128', '{norm}', '{modulation}', 'out', '64'],
    ['{.rows = 8, .width = 64, .inStride = 128, .outStride = 64}', 'in', '{norm}', '{modulation}', 'out'],
  ],
  [
    'activate',
    ['Activation::Silu', '8', '64', 'in', '128', 'out', '64'],
    ['Activation::Silu', '{.rows = 8, .width = 64, .inStride = 128, .outStride = 64}', 'in', 'out'],
  ],
  ['gemm', ['{shape}', 'in', 'weight', 'nullptr', 'out'], ['{shape}', 'in', 'weight', 'nullptr', 'out']],
];

for (const [fn, args, expected] of CASES) {
  callArgs(`${fn} names its sizes`, () => assert.equal(callArguments(fn, args), expected));
}

callArgs('of another number are a bug', () =>
  assert.throws(() => callArguments('swiglu', ['8', '64', 'in', 'out']), /swiglu has 4 arguments, not 6/),
);

callArgs.run();
