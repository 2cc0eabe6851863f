import { type IssueOrder, leadingBursts, topUp } from '../../model/plan/issueOrder.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import { type BlockList, blockLists, joined } from './blockLists.ts';
import type { Candidate, Wording } from './candidate.ts';
import { countUp } from './countUp.ts';
import { wholeBlocks } from './wholeBlocks.ts';

type Policy = 'leading' | 'strided';

interface Setting {
  policy: Policy;
  prefetch: number;
  /** As the flag takes it: a count of blocks for every list, or a fraction of each. */
  residents: string;
}

/**
 * Blocks ahead that are tried. Each takes the memory of two blocks, so more compete with residents: with the catalogue's
 * models on two PCIe pairs, deeper ones were at most 0.2 % faster.
 */
const MAX_PREFETCH = 8;

/**
 * SGLang's layerwise offload of a DiT: blocks ahead, residents of every list of blocks, and where those stand.
 *
 * As of the sources of August to November 2026: multimodal_gen/runtime/managers/memory_managers/layerwise_offload.py
 * (hooks, residents, counts per list) and runtime/server_args (flags).
 */
export function sglangCandidates(workload: BoundWorkload, system: System, transport: string): Candidate[] {
  const lists = blockLists(workload);
  const none: Candidate = {
    plan: makePlan('none', workload, system, workload.ranks > 1 ? transport : undefined),
    beyondPlanS: 0,
    wording: () => withoutOffload(workload),
  };
  const deepest = Math.min(MAX_PREFETCH, Math.max(...lists.map(({ count }) => count)));
  const settings = (['leading', 'strided'] as const).flatMap((policy) =>
    countUp(deepest).flatMap((less) =>
      residentSettings(lists).map((residents) => ({ policy, prefetch: less + 1, residents })),
    ),
  );
  return [none, ...settings.flatMap((setting) => streaming(setting, lists, workload, transport) ?? [])];
}

function streaming(
  setting: Setting,
  lists: readonly BlockList[],
  workload: BoundWorkload,
  transport: string,
): Candidate | null {
  const { policy, prefetch, residents } = setting;
  if (!replayed(setting, lists)) return null;
  const orders = lists.map((list) => listOrder(list.count, residentCount(residents, list.count), setting));
  const order = joined(lists, orders, workload.blocks.length);
  if (order === null || order.streamed.length === 0) return null;
  const name = `sglang ${policy}, prefetch ${prefetch}, resident ${residents}`;
  return {
    plan: wholeBlocks(name, workload, transport, order, { drainAtPassStart: true }),
    beyondPlanS: 0,
    wording: () => withOffload(setting, lists, workload),
  };
}

function listOrder(count: number, residents: number, { policy, prefetch }: Setting): IssueOrder {
  const streamed = policy === 'leading' ? countUp(count).slice(residents) : spread(count, count - residents);
  if (streamed.length === 0) return { streamed, issueAt: [], slots: 0 };
  return policy === 'leading' ? leadingBursts(streamed, count, prefetch) : topUp(streamed, count, prefetch);
}

/**
 * Whether the bursts are those that SGLang's hooks issue: where a burst reaches around the end of a list without filling
 * it, they drop and reload blocks, which no plan says.
 */
function replayed({ policy, prefetch, residents }: Setting, lists: readonly BlockList[]): boolean {
  if (policy === 'strided' || prefetch === 1) return true;
  return lists.every(({ count }) => {
    const kept = residentCount(residents, count);
    return kept === count || (count % prefetch === 0 && (kept === 0 || kept >= prefetch));
  });
}

/** The streamed blocks of the strided policy, which rounds halves to even. */
function spread(count: number, streamed: number): number[] {
  return countUp(streamed).map((index) => roundHalfEven((index * count) / streamed));
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
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

function residentCount(text: string, count: number): number {
  const value = Number(text);
  if (value === 0) return 0;
  return value < 1 ? Math.max(1, roundHalfEven(value * count)) : Math.min(count, value);
}

function withOffload(
  { policy, prefetch, residents }: Setting,
  lists: readonly BlockList[],
  workload: BoundWorkload,
): Wording {
  const knobs = [
    { name: '--dit-layerwise-offload', value: 'true' },
    { name: '--dit-offload-prefetch-size', value: String(prefetch) },
    { name: '--dit-layerwise-resident-layers', value: residents },
    { name: '--dit-layerwise-residency-policy', value: policy },
    { name: '--pin-cpu-memory', value: 'true' },
    ...layoutFlags(workload),
  ];
  const notes = [
    'resident blocks keep their host copy too, pinned as far as --pin-cpu-memory finds room; the pinned memory said here is what is streamed',
    'buffers are allocated for every copy, so fragmentation can take more GPU memory than said here',
  ];
  if (lists.length > 1)
    notes.push(
      `both settings count in each of its ${lists.length} lists of blocks (${lists.map(({ count }) => count).join(', ')}), and each list fetches its own next start when it ends: the copies here are the same, their order at the change of lists is not, and every buffer is counted as large as the largest block`,
    );
  notes.push(...tuning());
  return { knobs, paste: pasted(knobs), notes };
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
