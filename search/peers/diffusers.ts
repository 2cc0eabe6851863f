import { UserError } from '../../model/input/userError.ts';
import { topUp } from '../../model/plan/issueOrder.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import { type BoundWorkload, passWeightBytes } from '../../model/workload/workload.ts';
import type { Candidate, Wording } from './candidate.ts';
import { countUp } from './countUp.ts';
import { blockAloneS, roundTrip } from './serialCopies.ts';
import { wholeBlocks } from './wholeBlocks.ts';

/**
 * diffusers' group offloading by blocks: with a stream one block ahead and no further; without, block by block from
 * pageable memory and back.
 *
 * As of the sources of 2026: src/diffusers/hooks/group_offloading.py. What lies beyond a plan there:
 *
 * - the first block is not fetched in the pass before, so its copy is exposed in full;
 * - modules outside the blocks are copied in from pageable memory for every pass and out again, stream or not;
 * - without a stream, blocks are copied out again as well.
 *
 * @throws UserError for tensor parallelism, which diffusers does not have.
 */
export function diffusersCandidates(workload: BoundWorkload, system: System, transport: string): Candidate[] {
  if (workload.layout.tp > 1)
    throw new UserError(
      `diffusers: has no tensor parallelism for these models, the layout has ${workload.layout.tp} ranks of it; give --tp 1`,
    );
  const { blocks, passes, ranks } = workload;
  const all = countUp(blocks.length);
  const outside = roundTrip(system, ranks, workload.outsideBytes / workload.experts);
  const outsideS = passes * (outside.pageableInS + outside.pageableOutS);
  const firstInS =
    system.gpu.copyEngine.startUpS + roundTrip(system, ranks, blocks[0]!.weightBytes).pinnedInS;
  const hiddenS = Math.min(firstInS, blockAloneS(blocks.at(-1)!, workload, system, transport));
  const backS = passes * roundTrip(system, ranks, passWeightBytes(workload)).pageableOutS;
  const serial = { streamed: all, issueAt: all, slots: 1 };
  return [
    {
      plan: makePlan('none', workload, system, ranks > 1 ? transport : undefined),
      beyondPlanS: 0,
      wording: () => withoutOffload(workload),
    },
    {
      plan: wholeBlocks('diffusers group, stream', workload, transport, topUp(all, blocks.length, 1)),
      beyondPlanS: outsideS + passes * hiddenS,
      wording: () => withStream(workload, outsideS, passes * firstInS),
    },
    {
      plan: wholeBlocks('diffusers group, no stream', workload, transport, serial, { sequential: true }),
      beyondPlanS: outsideS + backS,
      hostPinnedBytes: 0,
      wording: () => withoutStream(workload, outsideS, backS),
    },
  ];
}

function withStream(workload: BoundWorkload, outsideS: number, firstInS: number): Wording {
  return offloaded(workload, true, [
    `the step includes ${milliseconds(firstInS)} for the first block of each pass, which is not fetched ahead, and ${milliseconds(outsideS)} for modules outside the blocks, copied in and out around each pass`,
    'left out: the host waits for the device at every block, so launches do not run ahead; short blocks take longer than predicted',
    'left out: weights are pinned tensor by tensor, and torch rounds each up to a power of two: up to twice the pinned memory said here',
    'record_stream=True spares a wait but lets copies run ahead of the blocks without a bound on GPU memory; low_cpu_mem_usage=True pins at every use, which takes several times as long: neither is considered',
  ]);
}

function withoutStream(workload: BoundWorkload, outsideS: number, backS: number): Wording {
  return offloaded(workload, false, [
    `the step includes ${milliseconds(backS)} for copying blocks back to the host, and ${milliseconds(outsideS)} for modules outside the blocks, in and out around each pass; copies out are taken as fast as copies in from pageable memory`,
    'more blocks in a group copy the same bytes one after the other and take more GPU memory: not considered',
  ]);
}

function offloaded(workload: BoundWorkload, useStream: boolean, notes: readonly string[]): Wording {
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
    notes: [...notes, ...shared(workload)],
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

function milliseconds(seconds: number): string {
  return `${(seconds * 1e3).toFixed(1)} ms`;
}
