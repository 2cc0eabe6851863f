import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { copyingBeside, retained } from '../../../model/physics/besideCollective.ts';

const test = suite('copying beside a collective');

test('what both retain of their rates alone', () => {
  const rates = { h2dAlone: 50, collectiveAlone: 20, h2dShared: 30, collectiveShared: 15 };
  assert.equal(retained(rates), { h2d: 0.6, collective: 0.75 });
});

const CASES: [what: string, h2d: number, collective: number, roomS: number, costPerS: number][] = [
  ['links of their own: as much as it moves, for nothing', 1, 1, 8, 0],
  ['equal shares of one link: as much as it moves, a second a second', 0.5, 0.5, 8, 1],
  // 8 s of moving take 16 s beside copies, which do 12 s of copying in them: 8 s more for 12.
  ['a collective that loses more than copies', 0.75, 0.5, 12, 2 / 3],
  ['copies that lose more than the collective', 0.25, 0.8, 2.5, 0.8],
];

for (const [what, h2d, collective, roomS, costPerS] of CASES)
  test(what, () => {
    const beside = copyingBeside(8, { h2d, collective });
    assert.ok(Math.abs(beside.roomS - roomS) < 1e-12, `${beside.roomS} s of room`);
    assert.ok(Math.abs(beside.costPerS - costPerS) < 1e-12, `${beside.costPerS} a second`);
  });

test.run();
