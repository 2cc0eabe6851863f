import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePlan } from '../../../model/presets/presets.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { bestPeerSetting } from '../../../search/peers/peer.ts';
import { roomFor, shallow, simulated } from './bound.ts';

const test = suite('diffusers');
const system = loadSystem('rtx5090-x1');
const wan = shallow('wan2.1-t2v-14b', '832x480x5', 1);
const oracle = simulated(wan, system);
const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
const pageable = system.host.pageableBytesPerS;
const blockBytes = wan.blocks[0]!.weightBytes;
const near = (value: number, expected: number, share: number) =>
  assert.ok(Math.abs(value / expected - 1) < share, `${value}, not ${expected}`);

const computeS = oracle(makePlan('none', wan, system)).stepTimeS;
const outsideS = wan.outsideBytes / Math.min(pageable, h2dBytesPerS) + wan.outsideBytes / pageable;

test('with a stream, of 8 blocks whose copy takes longer than they do, 8 copies and the last block count', () => {
  const { report, beyondPlanS } = bestPeerSetting('diffusers', wan, system, roomFor(2, wan, system), oracle);
  near(report.stepTimeS, (8 * blockBytes) / h2dBytesPerS + computeS / 8 + outsideS, 2e-3);
  near(beyondPlanS, outsideS, 1e-9);
});

test('without one, copies in and out and compute add up', () => {
  const caps = { ...roomFor(2, wan, system), pinnedBytes: 0 };
  const { report } = bestPeerSetting('diffusers', wan, system, caps, oracle);
  const bothS =
    (8 * blockBytes) / Math.min(pageable, h2dBytesPerS) + (8 * blockBytes) / Math.min(pageable, d2hBytesPerS);
  near(report.stepTimeS, computeS + bothS + outsideS, 2e-3);
});

test('Python to paste', () => {
  assert.is(
    bestPeerSetting('diffusers', wan, system, roomFor(2, wan, system), oracle).paste,
    `pipe.transformer.enable_group_offload(
    onload_device=torch.device('cuda'),
    offload_device=torch.device('cpu'),
    offload_type='block_level',
    num_blocks_per_group=1,
    use_stream=True,
    record_stream=False,
    low_cpu_mem_usage=False,
    non_blocking=True,
)`,
  );
  assert.is(
    bestPeerSetting('diffusers', wan, system, roomFor(8, wan, system), oracle).paste,
    "pipe.transformer.to('cuda')",
  );
});

test('each expert is a transformer of its own, each rank runs under torchrun', () => {
  const pair = loadSystem('h200-x2');
  const two = shallow('wan2.2-t2v-a14b', '832x480x5', 2);
  const { paste, notes } = bestPeerSetting(
    'diffusers',
    two,
    pair,
    roomFor(2, two, pair),
    simulated(two, pair),
  );
  assert.match(
    paste,
    /^pipe\.transformer\.enable_parallelism\(config=ContextParallelConfig\(ulysses_degree=2\)\)/,
  );
  assert.match(paste, /\npipe\.transformer_2\.enable_group_offload\(/);
  assert.ok(notes.some((note) => note.includes('not confirmed')));
});

test.run();
