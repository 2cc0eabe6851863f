import { topUp } from '../../model/plan/issueOrder.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import { blockLists } from './blockLists.ts';
import type { Candidate, Wording } from './candidate.ts';
import { countUp } from './countUp.ts';
import { wholeBlocks } from './wholeBlocks.ts';

/** Device buffers that both backends have, however few blocks are streamed. */
const SLOTS = 2;

/**
 * vLLM-Omni's layer mode: a ring over all blocks, one ahead; or, with residents, the rank-local transfer of its
 * distributed backend, which keeps the first blocks and streams the rest through two fixed buffers.
 *
 * As of the sources of autumn 2026: vllm_omni/diffusion/offloader/ (layerwise_backend.py,
 * distributed_layerwise_backend.py, config.py) and its user guide on distributed layerwise offloading.
 */
export function vllmOmniCandidates(workload: BoundWorkload, system: System, transport: string): Candidate[] {
  const none: Candidate = {
    plan: makePlan('none', workload, system, workload.ranks > 1 ? transport : undefined),
    beyondPlanS: 0,
    wording: () => withoutOffload(workload),
  };
  const count = workload.blocks.length;
  const streaming = countUp(count).map((residents): Candidate => {
    const order = { ...topUp(countUp(count).slice(residents), count, 1), slots: SLOTS };
    const name = residents === 0 ? 'vllm-omni ring' : `vllm-omni rank-local, resident ${residents}`;
    return {
      plan: wholeBlocks(name, workload, transport, order),
      beyondPlanS: 0,
      wording: () => withOffload(residents, workload),
    };
  });
  // Both backends leave a model of one block where it is.
  return count > 1 ? [none, ...streaming] : [none];
}

function withOffload(residents: number, workload: BoundWorkload): Wording {
  const config = {
    mode: 'layer',
    components: ['dit'],
    ...(residents > 0
      ? { layer_options: { dit: { weight_transfer: 'rank-local', resident_layers: residents } } }
      : {}),
  };
  const knobs = [
    { name: '--diffusion-offload-config', value: `'${JSON.stringify(config)}'` },
    ...layoutFlags(workload),
  ];
  const notes = [
    ...(residents > 0
      ? [
          'resident_layers works only for models that declare it (resident_dit_paths); others are refused when the server starts',
          'with one rank per tensor-parallel group, weights may stay on the checkpoint mapping and pass through two pinned buffers: a host copy that is not predicted',
        ]
      : [
          'older releases know this as --enable-layerwise-offload, which also keeps encoders and VAE on the GPU',
        ]),
    ...(blockLists(workload).length > 1
      ? ['its lists of blocks are taken as one ring; whether the version you run joins them is not confirmed']
      : []),
    ...shared(workload),
  ];
  return { knobs, paste: pasted(knobs), notes };
}

function withoutOffload(workload: BoundWorkload): Wording {
  const knobs = layoutFlags(workload);
  return {
    knobs,
    paste: pasted(knobs),
    notes: ['no offload flag: the DiT stays on the GPU', ...shared(workload)],
  };
}

function shared({ ranks }: BoundWorkload): string[] {
  return [
    ...(ranks > 1
      ? [
          'weight_transfer allgather (each rank copies its share of a block, then they gather it) is not considered: a plan has no collectives of weights; over NVLink it can be faster than this, through host memory it moves more bytes',
        ]
      : []),
    'vLLM-Omni has no prefetch depth, no chunk or pace setting for rank-local copies, and nothing that yields to collectives',
  ];
}

function layoutFlags({ layout: { sp, tp, cfg } }: BoundWorkload): { name: string; value: string }[] {
  return [
    ...(sp > 1 ? [{ name: '--usp', value: String(sp) }] : []),
    ...(tp > 1 ? [{ name: '--tensor-parallel-size', value: String(tp) }] : []),
    ...(cfg === 'parallel' ? [{ name: '--cfg-parallel-size', value: '2' }] : []),
  ];
}

function pasted(knobs: readonly { name: string; value: string }[]): string {
  return ['--omni', ...knobs.map(({ name, value }) => `${name} ${value}`)].join(' ');
}
