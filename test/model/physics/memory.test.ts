import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDit } from '../../../model/dit/load.ts';
import { memoryNeed } from '../../../model/physics/memory.ts';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { Workload } from '../../../model/workload/workload.ts';

const MiB = 2 ** 20;
const base = loadSystem('h100-pcie-x2');
const system = { ...base, host: { ...base.host, deviceReserveBytes: 1000 * MiB } };
const dit = loadDit('dit-xl-2');

/** Ten blocks of 100 MiB, 30 MiB outside them, 500 MiB of activations, 64 MiB of collective buffers. */
const workload: Workload = {
  ...bindWorkload(dit, { size: dit.referenceSize }),
  ranks: 2,
  experts: 1,
  blocks: Array(10).fill({ name: 'block', weightBytes: 100 * MiB, segments: [] }),
  outsideBytes: 30 * MiB,
  activationBytes: 500 * MiB,
  collectiveBufferBytes: 64 * MiB,
};
// What every plan needs: 30 + 500 + 64 + 1000.
const ALWAYS = 1594;

const test = suite('memory of a plan');

const NEEDS: [plan: string, residentMiB: number, slotsMiB: number, pinnedMiB: number][] = [
  ['none', 1000, 0, 0],
  ['sequential', 0, 100, 1000],
  ['chunked', 0, 200, 1000],
  ['layerwise,prefetch=2', 0, 400, 1000],
  ['layerwise,prefetch=2,resident-layers=3', 300, 400, 700],
  ['layerwise-strided,prefetch=2,resident-layers=3', 300, 300, 700],
  // 16 MiB chunks: 7 a block, of which round(0.25 x 7) = 2 stay; 68 MiB are streamed, and a slot holds only those.
  ['chunked,resident=0.25', 320, 136, 680],
  // The staging buffers of a staged transport are pinned as well.
  ['chunked,transport=staged-copy', 0, 200, 1064],
  ['none,transport=staged-copy', 1000, 0, 64],
];
for (const [text, residentMiB, slotsMiB, pinnedMiB] of NEEDS) {
  test(`${text}: ${residentMiB} MiB resident, ${slotsMiB} MiB of slots, ${pinnedMiB} MiB pinned`, () => {
    const need = memoryNeed(workload, system, makePlan(text, workload, system));
    assert.is(need.residentBytes, residentMiB * MiB);
    assert.is(need.slotBytes, slotsMiB * MiB);
    assert.is(need.hostPinnedBytes, pinnedMiB * MiB);
    assert.is(need.gpuPeakBytes, (ALWAYS + residentMiB + slotsMiB) * MiB);
  });
}

test('every expert has residents and pinned weights of its own, and they share the slots', () => {
  const two = { ...workload, experts: 2 };
  const need = memoryNeed(two, system, makePlan('layerwise,resident-layers=4', two, system));
  // 2 x 400 MiB resident, 2 x 600 MiB pinned, two slots of 100 MiB.
  assert.is(need.residentBytes, 800 * MiB);
  assert.is(need.slotBytes, 200 * MiB);
  assert.is(need.hostPinnedBytes, 1200 * MiB);
});

test('a slot is as large as the largest streamed block, not as one that stays', () => {
  const uneven = {
    ...workload,
    blocks: [300, 100, 100, 120].map((mebibytes) => ({
      name: '',
      weightBytes: mebibytes * MiB,
      segments: [],
    })),
  };
  const slots = (text: string) => memoryNeed(uneven, system, makePlan(text, uneven, system)).slotBytes;
  assert.is(slots('layerwise'), 600 * MiB);
  assert.is(slots('layerwise,resident-layers=1'), 240 * MiB);
});

test('one rank needs no collective staging, whatever its transport is called', () => {
  const alone = { ...workload, ranks: 1, collectiveBufferBytes: 0 };
  assert.is(memoryNeed(alone, system, makePlan('chunked', alone, system)).hostPinnedBytes, 1000 * MiB);
});

test('the published curve: 60 blocks of 0.635 GB, 32 blocks held in two ways, against 2', () => {
  // SGLang on Qwen-Image: 16 ahead (32 blocks of slots) and 30 residents with one ahead (30 + 2) have the same peak; one
  // ahead alone has 2 blocks: 30 blocks less.
  const blocks = Array(60).fill({ name: 'block', weightBytes: 635e6, segments: [] });
  const qwen = { ...workload, ranks: 1, blocks };
  const peak = (text: string) => memoryNeed(qwen, system, makePlan(text, qwen, system)).gpuPeakBytes;
  assert.is(peak('layerwise,prefetch=16'), peak('layerwise,resident-layers=30'));
  assert.is(peak('layerwise,prefetch=16') - peak('layerwise'), 30 * 635e6);
});

test('one rank stages nothing, whatever the machine takes for its collectives', () => {
  const staged = { ...system, defaultTransport: 'staged-copy' };
  const one = { ...workload, ranks: 1 };
  assert.is(memoryNeed(one, staged, makePlan('none', one, staged)).hostPinnedBytes, 0);
});

test.run();
