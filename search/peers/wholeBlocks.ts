import type { IssueOrder } from '../../model/plan/issueOrder.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { FROM_FILE } from '../../model/plan/recipe.ts';
import type { Workload } from '../../model/workload/workload.ts';

/**
 * A plan that copies whole blocks, each in one go and with no regard to collectives, as every peer does.
 *
 * @param name what tables call it
 * @param order the streamed blocks; all others stay
 * @param residentBytes bytes that stay of each streamed block, 0 by default; whole pages of 2 MiB
 */
export function wholeBlocks(
  name: string,
  workload: Workload,
  transport: string,
  order: IssueOrder,
  rules: Partial<Pick<Plan, 'drainAtPassStart' | 'sequential'>> = {},
  residentBytes: (weightBytes: number) => number = () => 0,
): Plan {
  const places = new Map(order.streamed.map((block, place) => [block, place]));
  return {
    name,
    recipe: FROM_FILE,
    chunkBytes: Number.POSITIVE_INFINITY,
    slots: order.slots,
    blocks: workload.blocks.map(({ weightBytes }, index) => {
      const place = places.get(index);
      if (place === undefined) return { residentBytes: weightBytes, issueAt: index, windowBytes: [] };
      const stays = residentBytes(weightBytes);
      return { residentBytes: stays, issueAt: order.issueAt[place]!, windowBytes: [weightBytes - stays] };
    }),
    yieldRule: 'none',
    paceS: 0,
    drainAtPassStart: rules.drainAtPassStart ?? false,
    sequential: rules.sequential ?? false,
    transport,
    pieceBytes: 0,
    stagedInCopyStream: false,
  };
}
