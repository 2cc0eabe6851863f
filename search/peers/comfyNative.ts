import { memoryNeed } from '../../model/physics/memory.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { countUp } from '../../model/presets/tools/countUp.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import { type Candidate, streamingCandidates, type Wording, withoutStreaming } from './candidate.ts';

/** Values of `--reserve-vram` that are tried between the least that makes ComfyUI stream and what leaves nothing resident. */
const RESERVES = 64;

/** Streams that weights are copied on by default. */
const STREAMS = 2;

/** Settings of ComfyUI's own loader: how much GPU memory stays free. */
export function comfyNativeCandidates(workload: BoundWorkload, system: System): Candidate[] {
  const need = memoryNeed(workload, system, makePlan('none', workload, system));
  const gpuBytes = system.gpu.memoryBytes;
  const least = Math.max(0, gpuBytes - need.gpuPeakBytes) / 2 ** 30;
  const most = Math.max(0, gpuBytes - need.gpuPeakBytes + need.residentBytes) / 2 ** 30;
  const tenths = countUp(RESERVES + 1).map((step) =>
    (Math.floor((least + ((most - least) * step) / RESERVES) * 10) / 10).toFixed(1),
  );
  const tried = [...new Set(tenths)].map((reserve) => ({ reserve: Number(reserve) }));
  return [
    withoutStreaming(workload, system, 'none', () => flags(Math.floor(least * 10) / 10)),
    ...streamingCandidates(
      'comfyui-native',
      tried,
      { workload, system, transport: 'none' },
      ({ reserve = 0 }) => flags(reserve),
    ),
  ];
}

function flags(reserveGiB: number): Wording {
  const knobs = [
    { name: '--disable-dynamic-vram', value: '' },
    { name: '--reserve-vram', value: reserveGiB.toFixed(1) },
    { name: '--async-offload', value: String(STREAMS) },
  ];
  return {
    knobs,
    paste: `python main.py ${knobs.map(({ name, value }) => (value === '' ? name : `${name} ${value}`)).join(' ')}`,
    notes: [
      'ComfyUI has no prefetch depth, no chunks and no parallel ranks; pins come out of a budget of its own',
    ],
  };
}
