import { countUp } from '../../model/presets/tools/countUp.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import { type Candidate, streamingCandidates, type Wording, withoutStreaming } from './candidate.ts';

/** Settings of vLLM-Omni's layer mode: how many of the first blocks stay. */
export function vllmOmniCandidates(workload: BoundWorkload, system: System, transport: string): Candidate[] {
  const tried = countUp(workload.blocks.length).map((resident) => ({ resident }));
  return [
    withoutStreaming(workload, system, transport, () => withoutOffload(workload)),
    ...streamingCandidates('vllm-omni', tried, { workload, system, transport }, ({ resident = 0 }) =>
      withOffload(resident, workload),
    ),
  ];
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
  return { knobs, paste: pasted(knobs), notes: shared(workload) };
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
