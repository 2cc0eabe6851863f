import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { StoredTensor } from '../../../../model/dit/checkpoint/safetensors.ts';
import { unpackWeights } from '../../../../model/dit/checkpoint/weights.ts';

const test = suite('weights as they are stored');

test('a hundred and fifty thousand tensors of one module take time with their number, not its square', () => {
  const stored = Array.from({ length: 150_000 }, (_, index): StoredTensor => {
    return { name: `t${index}`, dtype: 'BF16', shape: [4, 4], bytes: 32 };
  });
  const startedMs = performance.now();
  assert.is(unpackWeights('many.safetensors', stored).length, stored.length);
  // With a copy of the module's list for each of them it took minutes.
  assert.ok(performance.now() - startedMs < 60_000);
});

test.run();
