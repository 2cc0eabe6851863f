import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../../model/dit/load.ts';
import { parseSize } from '../../../model/dit/tokens.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import { mixedTransportGainS } from '../../../search/explain/mixedTransports.ts';
import { backendsOf } from '../../../search/searchSpace.ts';

const test = suite('a transport of its own for each collective');
const system = loadSystem('h200-x1-fitted');
const bound = (size: string, sp = 2) =>
  bindWorkload(loadDit('flux.1-dev'), { size: parseSize(size), sp, cfg: 'none' });

test('gains nothing among one, and nothing without collectives', () => {
  assert.is(
    mixedTransportGainS(bound('512x512'), system, backendsOf(bound('512x512'), system, 'staged-sm:2')),
    0,
  );
  assert.is(mixedTransportGainS(bound('512x512', 1), system, backendsOf(bound('512x512'), system)), 0);
});

test('gains the difference where one collective is faster over another transport', () => {
  // Of a small image the output's exchange is short enough for a kernel to win; Q, K and V go faster by copy engines.
  const small = mixedTransportGainS(bound('512x512'), system, backendsOf(bound('512x512'), system));
  assert.ok(small > 1e-4 && small < 1e-3, `${small} s`);
});

test('gains next to nothing where messages are long', () => {
  for (const size of ['1024x1024', '2048x2048']) {
    const gain = mixedTransportGainS(bound(size), system, backendsOf(bound(size), system));
    assert.ok(gain >= 0 && gain < 1e-3, `${size}: ${gain} s`);
  }
});

test.run();
