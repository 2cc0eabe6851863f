import { UserError } from '../../model/input/userError.ts';
import { countUp } from '../../model/presets/tools/countUp.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import { type Candidate, streamingCandidates, type Wording, withoutStreaming } from './candidate.ts';

/**
 * Settings of diffusers' group offloading: with a stream, or without. More blocks in a group copy the same bytes one after the other
 * and take more GPU memory, so that one is tried alone.
 *
 * @throws UserError for tensor parallelism, which diffusers does not have.
 */
export function diffusersCandidates(workload: BoundWorkload, system: System, transport: string): Candidate[] {
  if (workload.layout.tp > 1)
    throw new UserError(
      `diffusers: has no tensor parallelism for these models, the layout has ${workload.layout.tp} ranks of it; give --tp 1`,
    );
  return [
    withoutStreaming(workload, system, transport, () => withoutOffload(workload)),
    ...streamingCandidates(
      'diffusers',
      [{ stream: true }, { stream: false }],
      { workload, system, transport },
      ({ stream = false }) => offloaded(workload, stream),
    ),
  ];
}

function offloaded(workload: BoundWorkload, useStream: boolean): Wording {
  const knobs = [
    { name: 'onload_device', value: "torch.device('cuda')" },
    { name: 'offload_device', value: "torch.device('cpu')" },
    { name: 'offload_type', value: "'block_level'" },
    { name: 'num_blocks_per_group', value: '1' },
    { name: 'use_stream', value: python(useStream) },
    { name: 'record_stream', value: 'False' },
    { name: 'low_cpu_mem_usage', value: 'False' },
    { name: 'non_blocking', value: python(useStream) },
  ];
  const call = `.enable_group_offload(\n${knobs.map(({ name, value }) => `    ${name}=${value},\n`).join('')})`;
  return {
    knobs,
    paste: [...parallel(workload), ...transformers(workload).map((name) => name + call)].join('\n'),
    notes: shared(workload),
  };
}

function withoutOffload(workload: BoundWorkload): Wording {
  return {
    knobs: [{ name: 'device', value: "'cuda'" }],
    paste: [...parallel(workload), ...transformers(workload).map((name) => `${name}.to('cuda')`)].join('\n'),
    notes: ['no group offload: the transformer stays on the GPU', ...shared(workload)],
  };
}

function parallel({ layout: { sp } }: BoundWorkload): string[] {
  return sp === 1
    ? []
    : [
        `pipe.transformer.enable_parallelism(config=ContextParallelConfig(ulysses_degree=${sp}))  # under torchrun`,
      ];
}

function transformers({ experts }: BoundWorkload): string[] {
  return countUp(experts).map((expert) => `pipe.transformer${expert === 0 ? '' : `_${expert + 1}`}`);
}

function shared({ layout: { sp } }: BoundWorkload): string[] {
  return [
    'diffusers releases have no resident blocks, no prefetch depth, no chunks and nothing that yields to collectives',
    ...(sp > 1 ? ['context parallelism together with group offload is not confirmed to work'] : []),
  ];
}

function python(value: boolean): string {
  return value ? 'True' : 'False';
}
