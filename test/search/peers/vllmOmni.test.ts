import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadSystem } from '../../../model/system/load.ts';
import { bestPeerSetting } from '../../../search/peers/peer.ts';
import { vllmOmniCandidates } from '../../../search/peers/vllmOmni.ts';
import { roomFor, shallow, simulated } from './bound.ts';

const test = suite('vLLM-Omni');
const system = loadSystem('h200-x2');
const wan = shallow('wan2.1-t2v-14b', '832x480x17', 2);
const issueAt = (name: string) =>
  vllmOmniCandidates(wan, system, 'shm')
    .find(({ plan }) => plan.name === name)!
    .plan.blocks.map((block) => block.issueAt);

test('the ring fetches one block ahead, and the first one at the end of the pass before', () =>
  assert.equal(issueAt('vllm-omni'), [-1, 0, 1, 2, 3, 4, 5, 6]));

test('residents lead; the first block behind them is fetched from the end of the pass before on', () =>
  assert.equal(issueAt('vllm-omni,resident=5'), [0, 1, 2, 3, 4, -1, 5, 6]));

test('there are two buffers, however few blocks are streamed', () => {
  for (const { plan } of vllmOmniCandidates(wan, system, 'shm').slice(1)) assert.is(plan.slots, 2);
});

const PASTED: [blocks: number, paste: string][] = [
  [2, `--omni --diffusion-offload-config '{"mode":"layer","components":["dit"]}' --usp 2`],
  [
    5,
    `--omni --diffusion-offload-config '{"mode":"layer","components":["dit"],"layer_options":{"dit":{"weight_transfer":"rank-local","resident_layers":3}}}' --usp 2`,
  ],
  [8, '--omni --usp 2'],
];
for (const [blocks, paste] of PASTED) {
  test(`room for ${blocks} blocks: ${paste}`, () => {
    const caps = roomFor(blocks, wan, system);
    assert.is(bestPeerSetting('vllm-omni', wan, system, caps, simulated(wan, system)).paste, paste);
  });
}

test('what it leaves out is said', () => {
  const { notes } = bestPeerSetting(
    'vllm-omni',
    wan,
    system,
    roomFor(2, wan, system),
    simulated(wan, system),
  );
  assert.ok(notes.some((note) => note.includes('allgather')));
});

test.run();
