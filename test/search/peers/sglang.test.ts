import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isNoOffload } from '../../../model/plan/recipe.ts';
import { presetPlan } from '../../../model/presets/presets.ts';
import { recipeOfText } from '../../../model/presets/recipeOfText.ts';
import { blockLists } from '../../../model/presets/tools/blockLists.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bestPeerSetting } from '../../../search/peers/peer.ts';
import { sglangCandidates } from '../../../search/peers/sglang.ts';
import { roomFor, shallow, simulated } from './bound.ts';

const test = suite('SGLang');
const system = loadSystem('h200-x2');
const wan = shallow('wan2.1-t2v-14b', '832x480x17', 2);
const flux = shallow('flux.1-dev', '1024x1024', 2, 9);
const setting = (policy: string, prefetch: number, resident: number | string) =>
  [
    'sglang',
    `prefetch=${prefetch}`,
    ...(resident === 0 ? [] : [`resident=${resident}`]),
    ...(policy === 'leading' ? [] : [`policy=${policy}`]),
  ].join(',');
const plans = (workload: typeof wan) =>
  new Map(sglangCandidates(workload, system, 'shm').map(({ plan }) => [plan.name, plan]));
const streamedBlocks = (name: string, workload: typeof wan) =>
  plans(workload)
    .get(name)!
    .blocks.flatMap(({ windowBytes }, index) => (windowBytes.length > 0 ? [index] : []));

// A model of one list streams as the presets say.
for (const prefetch of [1, 2, 4]) {
  for (const residents of [0, 4, 7]) {
    const text = `layerwise,prefetch=${prefetch},resident-layers=${residents}`;
    test(`leading is ${text}`, () => {
      const plan = plans(wan).get(setting('leading', prefetch, residents))!;
      assert.equal({ ...plan, name: text, recipe: recipeOfText(text) }, presetPlan(text, wan, system));
    });
  }
}

test('strided streams where the ramp rounds to, halves to even', () => {
  const SPREAD: [residents: number, streamed: number[]][] = [
    [0, [0, 1, 2, 3, 4, 5, 6, 7]],
    [4, [0, 2, 4, 6]],
    // 8/3 = 2.67 and 5.33.
    [5, [0, 3, 5]],
    // 8/5 = 1.6, 3.2, 4.8, 6.4.
    [3, [0, 2, 3, 5, 6]],
    [7, [0]],
  ];
  for (const [residents, streamed] of SPREAD)
    assert.equal(streamedBlocks(setting('strided', 1, residents), wan), streamed);
  // 20/8 = 2.5, which rounds to 2; 7.5 rounds to 8.
  const twenty = shallow('wan2.1-t2v-14b', '832x480x17', 2, 20);
  assert.equal(streamedBlocks(setting('strided', 1, 12), twenty), [0, 2, 5, 8, 10, 12, 15, 18]);
});

test('a setting counts in each list of blocks', () => {
  assert.equal(blockLists(flux), [
    { first: 0, count: 3 },
    { first: 3, count: 6 },
  ]);
  assert.equal(streamedBlocks(setting('leading', 1, 1), flux), [1, 2, 4, 5, 6, 7, 8]);
  assert.equal(streamedBlocks(setting('leading', 1, 4), flux), [7, 8]);
  // As a fraction: half of 6 is 3, half of 3 is 1.5, which rounds to 2.
  assert.equal(streamedBlocks(setting('leading', 1, '0.500'), flux), [2, 6, 7, 8]);
  // The list that does not run holds the block that it begins with.
  assert.is(plans(flux).get(setting('leading', 1, 0))!.slots, 3);
});

test('a last block without its text branch is in the list before it', () => {
  assert.is(blockLists(shallow('sd3.5-large', '1024x1024', 1, 8)).length, 1);
});

test('leading bursts are left out where SGLang would drop and reload blocks', () => {
  const tried = (policy: string, prefetch: number, residents: number) =>
    plans(wan).has(setting(policy, prefetch, residents));
  // 3 does not divide 8; a burst of 4 reaches beyond 2 residents.
  assert.equal(
    [tried('leading', 3, 0), tried('leading', 4, 2), tried('leading', 4, 4)],
    [false, false, true],
  );
  assert.ok(tried('strided', 3, 0));
});

test('flags to paste', () => {
  const best = bestPeerSetting('sglang', wan, system, roomFor(5, wan, system), simulated(wan, system));
  assert.is(
    best.paste,
    '--dit-layerwise-offload true --dit-offload-prefetch-size 1 --dit-layerwise-resident-layers 3 --dit-layerwise-residency-policy strided --pin-cpu-memory true --num-gpus 2 --ulysses-degree 2',
  );
  assert.equal(best.knobs[2], { name: '--dit-layerwise-resident-layers', value: '3' });
});

test('without offload where all fits and the link is slow', () => {
  const best = bestPeerSetting('sglang', wan, system, roomFor(8, wan, system), simulated(wan, system));
  assert.is(
    best.paste,
    '--dit-layerwise-offload false --dit-cpu-offload false --num-gpus 2 --ulysses-degree 2',
  );
  assert.ok(isNoOffload(best.plan.recipe));
});

test.run();
