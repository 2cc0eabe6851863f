import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { copyRates, pairRates } from '../../../model/physics/rates.ts';
import { hostMemory } from '../../support/hostMemory.ts';
import { flow, roundMachine } from '../program/roundMachine.ts';

const test = suite('rates of copies and collectives, term by term');

test('the worst-placed rank sets the pace: x + y = 4, x = y on its link', () => {
  const base = roundMachine(2);
  const tree = base.tree.map((node) => (node.id === 'gpu0' ? { ...node, downBytesPerS: 4 } : node));
  // Rank 0 loads at 4 bytes/s, rank 1 at 8. By rank 0's rate the collective weighs (1/2 x 4) / (1/2 x 4) = 1; a byte of it
  // takes (1/2 x 4) / 2 = 1 of rank 0's link, 2 of rank 1's, whose 8 would do x + 2 y.
  assert.equal(pairRates({ ...base, tree }, 2, flow, 'all-to-all'), {
    ...{ h2dAlone: 4, collectiveAlone: 4, h2dShared: 2, collectiveShared: 2 },
  });
});

test('each direction has its own engine and link; both at once are as fast as the slower', () => {
  const base = roundMachine(2);
  const copyEngine = { ...base.gpu.copyEngine, d2hBytesPerS: 3 };
  assert.equal(copyRates({ ...base, gpu: { ...base.gpu, copyEngine } }, 2), {
    h2d: 8,
    d2h: 3,
    both: 3,
    bothD2h: 3,
  });
  const tree = base.tree.map((node) => ({ ...node, upBytesPerS: 5 }));
  assert.equal(copyRates({ ...base, tree }, 2), { h2d: 8, d2h: 5, both: 5, bothD2h: 5 });
});

test('both directions share what a link carries of both, and host memory', () => {
  const base = roundMachine(2);
  const duplex = base.tree.map((node) => ({ ...node, duplexBytesPerS: 10 }));
  assert.equal(copyRates({ ...base, tree: duplex }, 2), { h2d: 8, d2h: 8, both: 5, bothD2h: 5 });
  // Two ranks, two directions: 24 / 4.
  const memory = base.tree.map((node) => (node.memory === null ? node : { ...node, memory: hostMemory(24) }));
  assert.equal(copyRates({ ...base, tree: memory }, 2), { h2d: 8, d2h: 8, both: 6, bothD2h: 6 });
});

test('a soft limit of host memory serves less than all ranks ask of it', () => {
  const base = roundMachine(2);
  const under = (sharpness: number) => ({
    ...base,
    tree: base.tree.map((node) =>
      node.memory === null ? node : { ...node, memory: hostMemory(16, { sharpness }) },
    ),
  });
  // Two ranks ask for 8 each: 1 / (1/16 + 1/16) = 8 for both.
  assert.is(copyRates(under(1), 2).h2d, 4);
  assert.is(copyRates(under(Number.POSITIVE_INFINITY), 2).h2d, 8);
  // Copies read, a collective's byte is written and read: the demand of both classes is served in proportion.
  const wanted = pairRates(base, 2, flow, 'all-to-all');
  const demand = 2 * wanted.h2dShared + 4 * wanted.collectiveShared;
  const share = 16 / (demand + 16);
  const got = pairRates(under(1), 2, flow, 'all-to-all');
  for (const key of ['h2dShared', 'collectiveShared'] as const)
    assert.ok(Math.abs(got[key] - share * wanted[key]) < 1e-12, `${key}: ${got[key]}`);
});

test.run();
