import { fitsSlots, type IssueOrder } from '../../plan/issueOrder.ts';
import type { Workload } from '../../workload/workload.ts';

/** Blocks in a row that an implementation holds in one list, and counts its settings in. */
export interface BlockList {
  first: number;
  count: number;
}

/**
 * The lists of a workload's blocks: dual and single blocks are lists of their own, a last block that lacks its text
 * branch (`dual, last`) is in the list of those before it.
 */
export function blockLists({ blocks }: Workload): BlockList[] {
  const lists: BlockList[] = [];
  let before: string | undefined;
  for (const [index, { name }] of blocks.entries()) {
    const list = name.replace(/, last$/, '');
    if (list === before) lists.at(-1)!.count += 1;
    else lists.push({ first: index, count: 1 });
    before = list;
  }
  return lists;
}

/**
 * One order for lists that are streamed by themselves, each wrapping around to its own start.
 *
 * What a list fetches at its end for its next pass is taken as fetched just before that pass begins, since a plan's
 * buffers are one ring; as many buffers are counted as the lists hold while they wait. Null where no ring has room.
 *
 * @param orders one for each list, its blocks counted from 0
 */
export function joined(
  lists: readonly BlockList[],
  orders: readonly IssueOrder[],
  blocks: number,
): IssueOrder | null {
  const shifted = (part: (order: IssueOrder) => readonly number[]) =>
    orders.flatMap((order, list) => part(order).map((block) => block + lists[list]!.first));
  const streamed = shifted((order) => order.streamed);
  const issueAt = shifted((order) => order.issueAt);
  const waiting = orders.map((order) => order.issueAt.filter((at) => at < 0).length);
  const allWaiting = waiting.reduce((sum, heads) => sum + heads, 0);
  const busiest = Math.max(...orders.map(({ slots }, list) => slots + allWaiting - waiting[list]!));
  for (let slots = Math.min(busiest, streamed.length); slots <= streamed.length; slots += 1) {
    if (fitsSlots({ streamed, issueAt, slots }, blocks)) return { streamed, issueAt, slots };
  }
  return null;
}
