import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bestPeerSetting } from '../../../search/peers/peer.ts';
import { roomFor, shallow, simulated } from './bound.ts';

const test = suite('ComfyUI');
const system = loadSystem('rtx5090-x1');
const wan = shallow('wan2.1-t2v-14b', '832x480x5', 1);
const flux = shallow('flux.1-dev', '1024x1024', 1);
const oracle = simulated(wan, system);
const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
const pageable = system.host.pageableBytesPerS;
const blockBytes = wan.blocks[0]!.weightBytes;
const noneS = oracle(makePlan('none', wan, system)).stepTimeS;

// Room for n blocks is n - 1 residents and the one that is swapped in.
const SERIAL: [blocks: number, pinnedBytes: number, swapped: number, secondsPerByte: number][] = [
  [3, Number.POSITIVE_INFINITY, 6, 1 / h2dBytesPerS + 1 / d2hBytesPerS],
  [3, 0, 6, 1 / Math.min(pageable, h2dBytesPerS) + 1 / Math.min(pageable, d2hBytesPerS)],
  [7, Number.POSITIVE_INFINITY, 2, 1 / h2dBytesPerS + 1 / d2hBytesPerS],
  [1, Number.POSITIVE_INFINITY, 8, 1 / h2dBytesPerS + 1 / d2hBytesPerS],
  [8, 0, 0, 0],
];
for (const [blocks, pinnedBytes, swapped, secondsPerByte] of SERIAL) {
  test(`room for ${blocks} blocks, pinned ${pinnedBytes}: ${swapped} are swapped, in and out, with nothing beside`, () => {
    const caps = { ...roomFor(blocks, wan, system), pinnedBytes };
    const { knobs, report } = bestPeerSetting('comfyui', wan, system, caps, oracle);
    assert.equal(knobs[0], { name: 'blocks_to_swap', value: String(swapped) });
    const expected = noneS + swapped * blockBytes * secondsPerByte;
    assert.ok(Math.abs(report.stepTimeS / expected - 1) < 2e-3, `${report.stepTimeS}, not ${expected}`);
    assert.is(report.hostPinnedBytes, pinnedBytes === 0 ? 0 : swapped * blockBytes);
  });
}

test('a node to paste', () => {
  const { paste } = bestPeerSetting('comfyui', wan, system, roomFor(5, wan, system), oracle);
  assert.is(
    paste,
    '{"class_type":"WanVideoBlockSwap","inputs":{"blocks_to_swap":4,"offload_img_emb":false,"offload_txt_emb":false,"use_non_blocking":true,"vace_blocks_to_swap":0,"prefetch_blocks":0,"block_swap_debug":false}}',
  );
});

test('models that no wrapper swaps take flags of ComfyUI itself, which leave the room that is asked for', () => {
  const caps = roomFor(5, flux, system);
  const { paste, plan, report, notes } = bestPeerSetting(
    'comfyui',
    flux,
    system,
    caps,
    simulated(flux, system),
  );
  const reserve = Number(/--reserve-vram ([\d.]+) /.exec(paste)![1]);
  assert.is(paste, `python main.py --disable-dynamic-vram --reserve-vram ${reserve} --async-offload 2`);
  const free = (system.gpu.memoryBytes - report.gpuPeakBytes) / 2 ** 30;
  assert.ok(reserve <= free && reserve > free - 0.11);
  assert.ok(plan.blocks.every(({ residentBytes }) => residentBytes > 0));
  assert.ok(notes.some((note) => note.startsWith('a lower bound')));
});

test.run();
