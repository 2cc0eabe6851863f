import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  blockLabel,
  collectiveOf,
  flagLabel,
  kindOf,
  launchLabel,
  phaseLabel,
  phaseOf,
  pieceLabel,
  prefetchLabel,
  segmentLabel,
  withoutBlock,
  withoutPiece,
} from '../../../model/program/labels.ts';
import { PHASES } from '../../../model/program/timeline.ts';

const test = suite('labels of operations');

for (const pass of [null, 0, 1]) {
  const block = blockLabel(12, pass);
  const collective = segmentLabel(block, 'QKV all-to-all');

  test(`${block}: what is written is taken apart again`, () => {
    assert.is(withoutBlock(collective), 'QKV all-to-all');
    assert.is(withoutBlock(launchLabel(collective)), 'launch QKV all-to-all');
    const piece = pieceLabel(collective, 'out', 3, 0);
    assert.is(withoutPiece(piece), `${collective} out`);
    assert.is(withoutPiece(flagLabel(piece)), `${collective} out`);
    assert.is(kindOf(piece), 'QKV all-to-all out');
    assert.is(kindOf(prefetchLabel(block)), 'prefetch');
    for (const phase of PHASES) {
      const label = phaseLabel(collective, phase);
      assert.is(phaseOf(label), phase);
      assert.is(collectiveOf(label, phase), collective);
    }
  });
}

test('a whole collective has no phase, whatever it is called', () => {
  for (const name of ['QKV all-to-all', 'sum', 'all-reduce of ends sums', 'begins again'])
    assert.is(phaseOf(name), null, name);
});

test.run();
