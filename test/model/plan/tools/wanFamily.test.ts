import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogueIds, loadDit } from '../../../../model/dit/load.ts';
import { isWan } from '../../../../model/presets/tools/wanFamily.ts';

const test = suite('the Wan family by its blocks');

test('of the catalogue, those and no others', () => {
  const found = catalogueIds().filter((id) => isWan(loadDit(id)));
  const named = catalogueIds().filter((id) => id.startsWith('wan'));
  assert.ok(named.length >= 4);
  assert.equal(found, named);
});

test('a model that differs in one of its marks is none', () => {
  const wan = loadDit('wan2.1-t2v-14b');
  const [block] = wan.blocks;
  const others = [
    { ...wan, modality: 'image' as const },
    { ...wan, patch: { ...wan.patch, t: 2 } },
    {
      ...wan,
      blocks: [
        { ...block!, segments: block!.segments.filter((one) => one.kind !== 'attention' || one.kv === 'x') },
      ],
    },
    { ...wan, hidden: wan.hidden + 1 },
  ];
  for (const other of others) assert.not.ok(isWan(other));
});

test.run();
