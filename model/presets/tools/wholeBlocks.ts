import type { Plan } from '../../plan/plan.ts';
import type { Recipe } from '../../plan/recipe.ts';
import type { Workload } from '../../workload/workload.ts';
import type { Streaming } from './tool.ts';

/** The plan of a tool: whole blocks, each in one copy, that yield to nothing. */
export function wholeBlocks(
  name: string,
  recipe: Recipe,
  { order, residentBytes = () => 0, ...rules }: Streaming,
  workload: Workload,
  transport: string,
): Plan {
  const places = new Map((order?.streamed ?? []).map((block, place) => [block, place]));
  const { source, serialCopies = [] } = rules;
  return {
    ...{ name, recipe },
    chunkBytes: Number.POSITIVE_INFINITY,
    slots: order === null || order.streamed.length === 0 ? 0 : order.slots,
    blocks: workload.blocks.map(({ weightBytes }, index) => {
      const place = places.get(index);
      const stays = place === undefined ? weightBytes : residentBytes(weightBytes);
      if (stays === weightBytes) return { residentBytes: weightBytes, issueAt: index, windowBytes: [] };
      return { residentBytes: stays, issueAt: order!.issueAt[place!]!, windowBytes: [weightBytes - stays] };
    }),
    yieldRule: 'none',
    paceS: 0,
    drainAtPassStart: rules.drainAtPassStart ?? false,
    sequential: rules.sequential ?? false,
    transport,
    pieceBytes: 0,
    stagedInCopyStream: false,
    ...(source !== undefined && { source }),
    ...(serialCopies.length > 0 && { serialCopies }),
  };
}
