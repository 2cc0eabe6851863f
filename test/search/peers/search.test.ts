import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makePlan } from '../../../model/presets/presets.ts';
import { lower } from '../../../model/program/lower.ts';
import { verify } from '../../../model/program/verify.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import { fits } from '../../../search/caps.ts';
import type { Candidate } from '../../../search/peers/candidate.ts';
import { comfyNativeOnly, comfyuiCandidates, wanVideoWrapperOnly } from '../../../search/peers/comfyui.ts';
import { diffusersCandidates } from '../../../search/peers/diffusers.ts';
import { bestPeerSetting } from '../../../search/peers/peer.ts';
import { PEER_NAMES, type PeerName } from '../../../search/peers/peerNames.ts';
import { TIE_SHARE } from '../../../search/peers/search.ts';
import { sglangCandidates } from '../../../search/peers/sglang.ts';
import { vllmOmniCandidates } from '../../../search/peers/vllmOmni.ts';
import { roomFor, shallow, simulated } from './bound.ts';

const test = suite('the best setting of a peer');

const CANDIDATES: Record<
  PeerName,
  (workload: BoundWorkload, system: System, transport: string) => Candidate[]
> = {
  sglang: sglangCandidates,
  diffusers: diffusersCandidates,
  'vllm-omni': vllmOmniCandidates,
  comfyui: comfyuiCandidates,
  'comfyui-native': (workload, system) => comfyNativeOnly(workload, system),
  'comfyui-wanvideowrapper': (workload, system) => wanVideoWrapperOnly(workload, system),
};

const CASES: [machine: string, model: string, size: string, sp: number][] = [
  ['h200-x2', 'wan2.1-t2v-14b', '832x480x17', 2],
  ['h200-x2', 'flux.1-dev', '1024x1024', 2],
  ['h200-x1-fitted', 'wan2.1-t2v-14b', '832x480x33', 1],
  ['rtx5090-x1', 'flux.1-dev', '512x512', 1],
];
/** ComfyUI runs on one GPU, and its wrapper runs Wan models. */
const runs = (name: PeerName, { ranks, model }: BoundWorkload) =>
  !name.startsWith('comfyui') ||
  (ranks === 1 && (name !== 'comfyui-wanvideowrapper' || model.id.startsWith('wan')));
// SGLang holds a third block where a model has two lists of them.
const ROOMS = [3, 4, 9];

for (const [machine, model, size, sp] of CASES) {
  const system = loadSystem(machine);
  const workload = shallow(model, size, sp);
  const oracle = simulated(workload, system);
  const transport = sp > 1 ? system.defaultTransport : 'none';
  for (const peer of PEER_NAMES.filter((name) => runs(name, workload))) {
    const all = CANDIDATES[peer](workload, system, transport);
    const costs = all.map((candidate) => oracle(candidate.plan).stepTimeS);
    const where = `${peer}, ${model} ${size} on ${machine}`;

    test(`${where}: every setting is a program that may run`, () => {
      for (const { plan } of all) assert.equal(verify(lower(workload, system, plan)), [], plan.name);
    });

    for (const blocks of ROOMS) {
      test(`${where}, room for ${blocks} blocks: none that fits is faster`, () => {
        const caps = roomFor(blocks, workload, system);
        const best = bestPeerSetting(peer, workload, system, caps, oracle);
        assert.ok(fits(workload, system, best.plan, caps));
        assert.ok(best.report.gpuPeakBytes <= caps.gpuBytes);
        const fitting = costs.filter((_, index) => fits(workload, system, all[index]!.plan, caps));
        assert.is(best.considered, fitting.length);
        // What the closed form calls equal, the simulator may tell apart by as much as a tie.
        const least = Math.min(...fitting);
        const { stepTimeS } = best.report;
        assert.ok(stepTimeS <= least * (1 + 3 * TIE_SHARE), `${best.plan.name}: ${stepTimeS}, not ${least}`);
        assert.ok(stepTimeS >= least);
      });
    }

    test(`${where}: its answer is a plan that --plan takes`, () => {
      const caps = roomFor(4, workload, system);
      const { plan, report } = bestPeerSetting(peer, workload, system, caps, oracle);
      const typed = makePlan(plan.name, workload, system, sp > 1 ? plan.transport : undefined);
      assert.equal(typed, plan);
      assert.equal(oracle(typed), report);
    });

    test(`${where}: more memory never makes it slower`, () => {
      let before = Number.POSITIVE_INFINITY;
      for (const blocks of [3, 4, 5, 6, 8, 9, 12]) {
        const caps = roomFor(blocks, workload, system);
        const { stepTimeS } = bestPeerSetting(peer, workload, system, caps, oracle).report;
        assert.ok(stepTimeS <= before * (1 + 2 * TIE_SHARE), `${blocks} blocks: ${stepTimeS} > ${before}`);
        before = stepTimeS;
      }
    });
  }
}

const h200 = loadSystem('h200-x2');
const wan = shallow('wan2.1-t2v-14b', '832x480x17', 2);
const oracle = simulated(wan, h200);

test('the oracle is asked a few times only', () => {
  let asked = 0;
  bestPeerSetting('sglang', wan, h200, roomFor(6, wan, h200), (plan) => {
    asked += 1;
    return oracle(plan);
  });
  assert.ok(asked > 1 && asked <= 6, `${asked} times`);
});

test('settings that are equally good are told apart by memory', () => {
  // 81 frames hide every copy: all of them take as long as no offload does.
  const long = shallow('wan2.1-t2v-14b', '1280x720x81', 1);
  const one = loadSystem('h200-x1-fitted');
  const best = bestPeerSetting('sglang', long, one, roomFor(9, long, one), simulated(long, one));
  assert.is(best.plan.slots, 2);
  assert.ok(best.plan.blocks.every(({ residentBytes }) => residentBytes === 0));
});

const ALONE: [peer: PeerName, gpu: RegExp][] = [
  ['sglang', /^sglang: no setting of it keeps within .* GiB of GPU memory; sglang,prefetch=1 comes nearest/],
  ['diffusers', /^diffusers: no setting .*; diffusers comes nearest/],
  ['vllm-omni', /^vllm-omni: no setting .*; vllm-omni comes nearest/],
];
for (const [peer, message] of ALONE) {
  test(`${peer} is refused where not even its least fits, in one line`, () => {
    const caps = roomFor(0.5, wan, h200);
    assert.throws(() => bestPeerSetting(peer, wan, h200, caps, oracle), message);
    assert.throws(
      () => bestPeerSetting(peer, wan, h200, caps, oracle),
      (error: Error) => error.name === 'UserError' && !error.message.includes('\n'),
    );
  });
}

test('the refusal says by how much', () => {
  const { gpuBytes } = roomFor(2, wan, h200);
  const caps = { gpuBytes: gpuBytes - 2 ** 30, pinnedBytes: Number.POSITIVE_INFINITY };
  assert.throws(
    () => bestPeerSetting('vllm-omni', wan, h200, caps, oracle),
    /it takes [\d.]+ GiB of GPU memory, 1\.00 GiB too much$/,
  );
});

test('pinned memory is a cap too: without any, what streams from pageable memory is left', () => {
  const caps = { ...roomFor(4, wan, h200), pinnedBytes: 0 };
  const { plan, report } = bestPeerSetting('diffusers', wan, h200, caps, oracle);
  assert.is(plan.sequential, true);
  assert.is(report.hostPinnedBytes, 0);
  assert.throws(
    () => bestPeerSetting('vllm-omni', wan, h200, caps, oracle),
    /keeps within [\d.]+ GiB of GPU memory and 0\.00 GiB of pinned host memory; none comes nearest/,
  );
});

const REFUSED: [peer: PeerName, workload: BoundWorkload, transport: string | undefined, message: RegExp][] = [
  ['comfyui', wan, undefined, /^comfyui: computes a step on one GPU, .* over 2 .*give --sp 1 --tp 1/],
  [
    'sglang',
    wan,
    'staged-copy',
    /^sglang: has no staged-copy, it runs on NCCL; give one of shm, nvlink, staged-sm/,
  ],
  ['sglang', wan, 'p2p', /"p2p" is not one of/],
  [
    'diffusers',
    { ...wan, layout: { ...wan.layout, sp: 1, tp: 2 } },
    undefined,
    /^diffusers: has no tensor parallelism/,
  ],
];
for (const [peer, workload, transport, message] of REFUSED) {
  test(`${peer} over ${transport}: ${message}`, () =>
    assert.throws(
      () => bestPeerSetting(peer, workload, h200, roomFor(9, wan, h200), oracle, transport),
      message,
    ));
}

test('peers run on the transport that is asked for, else on the machine own', () => {
  const caps = roomFor(4, wan, h200);
  assert.is(bestPeerSetting('sglang', wan, h200, caps, oracle).plan.transport, 'shm');
  assert.is(bestPeerSetting('sglang', wan, h200, caps, oracle, 'nvlink').report.transport, 'nvlink');
});

test.run();
