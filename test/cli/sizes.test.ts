import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sizesFormat } from '../../documents/sizes.ts';
import { runCli } from '../support/runCli.ts';

const FLUX = ['--model', 'flux.1-dev', '--machine', 'rtx-4090'];
const SIZES = ['--size', '1024x1024', '--size', '2048x2048'];
const PLANS = ['--plan', 'none', '--plan', 'layerwise'];

const test = suite('several sizes');

test('predict and simulate: a row for each, and every step is what its size alone has', async () => {
  for (const command of ['predict', 'simulate']) {
    const { code, stdout, stderr } = await runCli([command, ...FLUX, ...SIZES, ...PLANS, '--steps', '20']);
    assert.is(code, 0, stderr);
    assert.match(stdout, /^FLUX\.1-dev \(12B\) at 2 sizes, /);
    // Its 22 GiB and activations do not fit the card.
    assert.match(stdout, /^size .* fastest that fits .* request s$/m);
    assert.match(stdout, /^1024x1024 +4,096 +layerwise /m);
    assert.match(stdout, /^2048x2048 +[\d.,]+\* +[\d.,]+$/m);
    assert.match(stdout, /^\* does not fit$/m);
    const { sizes } = sizesFormat.parse(
      JSON.parse((await runCli([command, ...FLUX, ...SIZES, ...PLANS, '--json'])).stdout),
    );
    assert.is(sizes.length, 2);
    const alone = await runCli([command, ...FLUX, '--size', '2048x2048', ...PLANS, '--json']);
    assert.equal(sizes[1], JSON.parse(alone.stdout));
  }
});

test('plan: a choice for each', async () => {
  const { code, stdout, stderr } = await runCli(['plan', ...FLUX, ...SIZES, '--nominal']);
  assert.is(code, 0, stderr);
  assert.match(stdout, /^1024x1024 +4,096 .* keep [\d.]+ of 22\.0 GiB, stream the rest in /m);
  assert.match(stdout, /^2048x2048 +16,384 .* stream all 22\.0 GiB in /m);
});

const MISTAKES: [args: string[], says: RegExp][] = [
  [['predict', '--size', '1024x1024'], /^error: --size 1024x1024: is given twice; leave one out\n$/],
  [['predict', '--save-plan', 'x.json'], /^error: --save-plan x\.json: is of one size, and 2 are given; /],
  [['simulate', '--trace', 'x.json'], /^error: --trace x\.json: is of one size, and 2 are given; /],
  [['plan', '--front'], /^error: --front: is of one size, and 2 are given; /],
  [
    ['predict', '--measured', 'none=1s'],
    /^error: --measured none=1s: at which of the 2 sizes\? give --measured-size\n$/,
  ],
  [
    ['generate'],
    /^error: option '--size <WxH\[xF\]>' is given twice, "1024x1024" and "2048x2048"; leave one out\n$/,
  ],
];

for (const [[command, ...flags], says] of MISTAKES)
  test(`${command} ${flags.join(' ')} of two sizes is refused in a line`, async () => {
    const { code, stdout, stderr } = await runCli([command!, ...FLUX, ...SIZES, ...flags]);
    assert.is(code, 2);
    assert.is(stdout, '');
    assert.match(stderr, says);
  });

test.run();
