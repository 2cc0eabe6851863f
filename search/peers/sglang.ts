import { type BlockList, blockLists } from '../../model/presets/tools/blockLists.ts';
import { countUp } from '../../model/presets/tools/countUp.ts';
import { residentCount } from '../../model/presets/tools/sglang.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import { type Candidate, streamingCandidates, type Wording, withoutStreaming } from './candidate.ts';

/**
 * Blocks ahead that are tried. Each takes the memory of two blocks, so more compete with residents: with the catalogue's
 * models on two PCIe pairs, deeper ones were at most 0.2 % faster.
 */
const MAX_PREFETCH = 8;

/** Settings of SGLang's layerwise offload: blocks ahead, residents of every list of blocks, and where those stand. */
export function sglangCandidates(workload: BoundWorkload, system: System, transport: string): Candidate[] {
  const lists = blockLists(workload);
  const deepest = Math.min(MAX_PREFETCH, Math.max(...lists.map(({ count }) => count)));
  const tried = (['leading', 'strided'] as const).flatMap((policy) =>
    countUp(deepest).flatMap((less) =>
      residentSettings(lists).map((resident) => ({ policy, prefetch: String(less + 1), resident })),
    ),
  );
  return [
    withoutStreaming(workload, system, transport, () => withoutOffload(workload)),
    ...streamingCandidates('sglang', tried, { workload, system, transport }, (settings) =>
      withOffload(settings, workload),
    ),
  ];
}

/** Values of the flag that keep different blocks: counts, and where there are several lists also fractions. */
function residentSettings(lists: readonly BlockList[]): string[] {
  const most = Math.max(...lists.map(({ count }) => count));
  const counts = countUp(most).map(String);
  const fractions =
    lists.length === 1
      ? []
      : countUp(most)
          .slice(1)
          .map((part) => (part / most).toFixed(3));
  const kept = new Map<string, string>();
  for (const text of [...counts, ...fractions]) {
    const key = lists.map(({ count }) => residentCount(text, count)).join();
    if (!kept.has(key)) kept.set(key, text);
  }
  return [...kept.values()];
}

function withOffload(
  { policy = '', prefetch = '', resident = '' }: { policy?: string; prefetch?: string; resident?: string },
  workload: BoundWorkload,
): Wording {
  const knobs = [
    { name: '--dit-layerwise-offload', value: 'true' },
    { name: '--dit-offload-prefetch-size', value: prefetch },
    { name: '--dit-layerwise-resident-layers', value: resident },
    { name: '--dit-layerwise-residency-policy', value: policy },
    { name: '--pin-cpu-memory', value: 'true' },
    ...layoutFlags(workload),
  ];
  return { knobs, paste: pasted(knobs), notes: tuning() };
}

function withoutOffload(workload: BoundWorkload): Wording {
  const knobs = [
    { name: '--dit-layerwise-offload', value: 'false' },
    { name: '--dit-cpu-offload', value: 'false' },
    ...layoutFlags(workload),
  ];
  return {
    knobs,
    paste: pasted(knobs),
    notes: ['the DiT stays on the GPU; text encoder and VAE have flags of their own', ...tuning()],
  };
}

function tuning(): string[] {
  return [
    'leading bursts are tried only where they divide the blocks: otherwise SGLang drops and reloads some, which is not predicted',
    'SGLang has no chunks, no pace and nothing that yields to collectives; --dit-layerwise-residency-policy came in August 2026',
  ];
}

function layoutFlags({ layout: { sp, tp, cfg } }: BoundWorkload): { name: string; value: string }[] {
  const gpus = sp * tp * (cfg === 'parallel' ? 2 : 1);
  return [
    { name: '--num-gpus', value: String(gpus) },
    ...(sp > 1 ? [{ name: '--ulysses-degree', value: String(sp) }] : []),
    ...(tp > 1 ? [{ name: '--tp-size', value: String(tp) }] : []),
    ...(cfg === 'parallel' ? [{ name: '--enable-cfg-parallel', value: 'true' }] : []),
  ];
}

function pasted(knobs: readonly { name: string; value: string }[]): string {
  return knobs.map(({ name, value }) => `${name} ${value}`).join(' ');
}
