import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { collectiveErrors } from '../../studies/published/collectives/collectiveErrors.ts';
import { compareCollectives } from '../../studies/published/collectives/compareCollectives.ts';
import { readCollectives } from '../../studies/published/collectives/readCollectives.ts';
import { runCli } from '../support/runCli.ts';

const test = suite('published nccl-tests between hosts');
const compared = compareCollectives(readCollectives());

test('figures are of many sources, each with a link or the words to find it by', () => {
  assert.ok(compared.length >= 15);
  assert.ok(new Set(compared.map(({ figure }) => figure.source)).size >= 5);
});

test('no figure beats what its NICs carry by more than their own payload leaves open', () => {
  for (const { figure, publishedS, intervalS } of compared)
    assert.ok(publishedS > 0.9 * intervalS[0], `${figure.source}, ${figure.kind}`);
});

test('simulation and closed form say the same of a collective by itself', () => {
  for (const { simulatedError, closedFormError, figure } of compared)
    assert.ok(Math.abs(simulatedError - closedFormError) < 1e-6, `${figure.source}, ${figure.kind}`);
});

test('long messages are predicted as the documentation says', () => {
  const { classes } = collectiveErrors(compared);
  const long = classes.find(({ name }) => name === '1 GiB or more')!.simulated;
  assert.ok(long.mape < 0.1, `MAPE ${long.mape}`);
  assert.ok(Math.abs(long.bias) < 0.1, `bias ${long.bias}`);
});

test('the command prints them, and takes no machine', async () => {
  const { stdout, code } = await runCli(['validate', 'published-collectives']);
  assert.is(code, 0);
  assert.match(stdout, /all-to-all, 1 GiB or more/);
  const refused = await runCli(['validate', 'published-collectives', '--machine', 'h200-x2']);
  assert.is(refused.code, 2);
  assert.match(refused.stderr, /^error: [^\n]*machine[^\n]*\n$/m);
});

test.run();
