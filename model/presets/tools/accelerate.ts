import type { Workload } from '../../workload/workload.ts';
import { countUp } from './countUp.ts';
import { type Streaming, tool } from './tool.ts';

const knobs = {
  memory: {
    name: 'max_memory',
    kind: { of: 'GiB' },
    usual: '0',
    meaning:
      'weights that a device map (dispatch_model) keeps on the GPU, whole blocks from the first on; without it cpu_offload',
  },
} as const;

/** accelerate's hooks: weights are copied in when a layer needs them and dropped behind it; nothing overlaps. */
export const accelerate = tool({
  summary: 'Hugging Face accelerate: cpu_offload, or a device map within max_memory; nothing overlaps',
  read: 'huggingface/accelerate, src/accelerate/hooks.py (AlignDevicesHook) and src/accelerate/big_modeling.py of 2026',
  knobs,
  refusal({ memory }, given, workload) {
    const { ranks } = workload;
    if (ranks > 1)
      return {
        setting: null,
        why: `runs a model in one process, the layout has ${ranks} ranks`,
        instead: 'give --sp 1 --tp 1',
      };
    const outsideGiB = Math.ceil((outsideOf(workload) / 2 ** 30) * 100) / 100;
    if (given.has('memory') && memory < outsideGiB)
      return {
        setting: 'memory',
        why: `the modules before and behind the blocks take ${outsideGiB} GiB, which would not stay`,
        instead: `give at least ${outsideGiB}, or leave it out`,
      };
    return null;
  },
  streaming({ memory }, workload) {
    if (memory === 0) return everyBlockAlone(workload);
    let left = memory * 2 ** 30 - outsideOf(workload);
    const offloaded = workload.blocks.findIndex(({ weightBytes }) => {
      left -= weightBytes;
      return left < 0;
    });
    if (offloaded < 0) return { order: null };
    const streamed = countUp(workload.blocks.length).slice(offloaded);
    return { order: { streamed, issueAt: streamed, slots: 1 }, sequential: true, source: 'pageable' };
  },
  notes: () => LEAF_NOTES,
});

/** What accelerate's hooks on single layers leave out. */
export const LEAF_NOTES: readonly string[] = [
  'weights come layer by layer: GPU memory is at most what is said here, by up to a block less',
  'left out: the host waits for every copy, so each kernel is launched late; short blocks take longer than predicted',
];

/** Every weight, also outside the blocks, is copied in when it is needed, from pageable memory, and dropped. */
export function everyBlockAlone(workload: Workload): Streaming {
  const all = countUp(workload.blocks.length);
  return {
    order: { streamed: all, issueAt: all, slots: 1 },
    sequential: true,
    source: 'pageable',
    serialCopies: [{ bytes: outsideOf(workload), direction: 'h2d', memory: 'pageable' }],
  };
}

/** Bytes of the modules outside the blocks of one expert. */
export function outsideOf({ outsideBytes, experts }: Workload): number {
  return outsideBytes / experts;
}
