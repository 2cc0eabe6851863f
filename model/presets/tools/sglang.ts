import { type IssueOrder, leadingBursts, topUp } from '../../plan/issueOrder.ts';
import { type BlockList, blockLists, joined } from './blockLists.ts';
import { countUp } from './countUp.ts';
import type { SettingsOf } from './knob.ts';
import { tool } from './tool.ts';

const knobs = {
  offload: {
    name: 'dit-layerwise-offload',
    kind: { of: 'switch' },
    usual: 'true',
    meaning: 'stream the DiT; the tool decides by model and memory, here it is on',
  },
  prefetch: {
    name: 'dit-offload-prefetch-size',
    short: 'prefetch',
    kind: { of: 'share' },
    usual: '0',
    meaning: 'blocks ahead, or below 1 a fraction of a list of blocks; 0 is one block',
  },
  resident: {
    name: 'dit-layerwise-resident-layers',
    short: 'resident',
    kind: { of: 'share' },
    usual: '0',
    meaning: 'blocks of each list that stay, or below 1 a fraction of it',
  },
  policy: {
    name: 'dit-layerwise-residency-policy',
    short: 'policy',
    kind: { of: 'choice', choices: ['leading', 'strided'] },
    usual: 'leading',
    meaning: 'which blocks stay, and with it whether blocks are fetched in bursts',
  },
  pinned: {
    name: 'pin-cpu-memory',
    kind: { of: 'switch' },
    usual: 'true',
    meaning: 'weights wait in page-locked memory',
  },
} as const;

type Settings = SettingsOf<typeof knobs>;

/** SGLang's layerwise offload of a DiT: blocks ahead, residents of every list of blocks, and where those stand. */
export const sglang = tool({
  summary: 'SGLang diffusion, layerwise offload: whole blocks ahead, residents in every list of blocks',
  read: 'sgl-project/sglang@007d0be python/sglang/multimodal_gen/runtime/managers/memory_managers/layerwise_offload.py; runtime/server_args.py of November 2026',
  knobs,
  refusal(settings, given, workload) {
    const { offload, pinned } = settings;
    if (!offload) {
      const idle = (['prefetch', 'resident', 'policy'] as const).find((key) => given.has(key));
      return idle === undefined
        ? null
        : {
            setting: idle,
            why: 'has no effect without dit-layerwise-offload',
            instead: 'leave one of them out',
          };
    }
    if (!pinned)
      return {
        setting: 'pinned',
        why: 'false copies through a thread of the host and two staging buffers, which no plan says',
        instead: 'leave it out',
      };
    const lists = blockLists(workload);
    const most = Math.max(...lists.map(({ count }) => count));
    if (Number(settings.resident) > most)
      return {
        setting: 'resident',
        why: `its longest list has ${most} blocks`,
        instead: `give at most ${most}`,
      };
    if (Number(settings.prefetch) > most)
      return {
        setting: 'prefetch',
        why: `its longest list has ${most} blocks`,
        instead: `give at most ${most}`,
      };
    if (lists.some((list) => reloads(settings, list)))
      return {
        setting: 'prefetch',
        why: 'bursts that do not divide the blocks, or are longer than what stays, make it drop blocks and load them again, which no plan says',
        instead: 'give policy=strided, or prefetch=1',
      };
    if (orderOf(settings, lists, workload.blocks.length) === null)
      return {
        setting: null,
        why: 'its lists of blocks do not fit one ring of buffers with these settings',
        instead: 'give prefetch=1',
      };
    return null;
  },
  streaming(settings, workload) {
    if (!settings.offload) return { order: null };
    return { order: orderOf(settings, blockLists(workload), workload.blocks.length), drainAtPassStart: true };
  },
  notes(settings, workload) {
    if (!settings.offload) return ['the DiT stays on the GPU; text encoder and VAE have flags of their own'];
    const lists = blockLists(workload);
    return [
      'resident blocks keep their host copy too, pinned as far as --pin-cpu-memory finds room; the pinned memory said here is what is streamed',
      'buffers are allocated for every copy, so fragmentation can take more GPU memory than said here',
      ...(lists.length > 1
        ? [
            `both settings count in each of its ${lists.length} lists of blocks (${lists.map(({ count }) => count).join(', ')}), and each list fetches its own next start when it ends: the copies here are the same, their order at the change of lists is not, and every buffer is counted as large as the largest block`,
          ]
        : []),
    ];
  },
});

/** Blocks of a list that a setting of residents keeps; Python's rounding, halves to even, and at least one of any fraction. */
export function residentCount(text: string, count: number): number {
  const value = Number(text);
  if (value === 0) return 0;
  return value < 1 ? Math.max(1, roundHalfEven(value * count)) : Math.min(count, value);
}

function prefetchCount(text: string, count: number): number {
  const value = Number(text);
  return Math.min(count, value < 1 ? 1 + roundHalfEven(value * (count - 1)) : value);
}

function orderOf(settings: Settings, lists: readonly BlockList[], blocks: number): IssueOrder | null {
  return joined(
    lists,
    lists.map(({ count }) => listOrder(count, settings)),
    blocks,
  );
}

function listOrder(count: number, { policy, prefetch, resident }: Settings): IssueOrder {
  const residents = residentCount(resident, count);
  const streamed = policy === 'leading' ? countUp(count).slice(residents) : spread(count, count - residents);
  if (streamed.length === 0) return { streamed, issueAt: [], slots: 0 };
  const ahead = prefetchCount(prefetch, count);
  return policy === 'leading' ? leadingBursts(streamed, count, ahead) : topUp(streamed, count, ahead);
}

/** Whether a burst reaches around the end of a list without filling it: the hooks then drop and reload blocks. */
function reloads({ policy, prefetch, resident }: Settings, { count }: BlockList): boolean {
  const ahead = prefetchCount(prefetch, count);
  if (policy === 'strided' || ahead === 1) return false;
  const kept = residentCount(resident, count);
  return kept !== count && (count % ahead !== 0 || (kept !== 0 && kept < ahead));
}

/** The streamed blocks of the strided policy. */
function spread(count: number, streamed: number): number[] {
  return countUp(streamed).map((index) => roundHalfEven((index * count) / streamed));
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
