import { DEVICE_PAGE_BYTES } from '../model/plan/devicePage.ts';
import { fitsSlots } from '../model/plan/issueOrder.ts';
import type { BlockPlan, Plan } from '../model/plan/plan.ts';
import { FROM_SEARCH } from '../model/plan/recipe.ts';
import { issuerOf, windowsOf } from '../model/plan/windows.ts';
import type { System } from '../model/system/system.ts';
import type { Workload } from '../model/workload/workload.ts';
import { GRAIN_BYTES } from './dealWindows.ts';
import type { SearchSpace } from './searchSpace.ts';
import { ARRANGEMENTS, type Arrangement, sharedPages, usualArrangement } from './sharedPages.ts';
import { classesOf, isStagedCopy } from './streamProgram.ts';

/** Shares of what a class of blocks streams that are moved from one window to another, and between staying and being streamed. */
const SHIFTS = [1 / 2, 1 / 8, 1 / 32] as const;

/**
 * Plans that differ from a plan in one variable: chunk or piece size, buffers, the transport's CTAs, a share of one class's bytes
 * moved to another window, or kept instead of streamed (and the reverse, so that memory can go where it serves best), or which of a
 * class's blocks keep a page more.
 *
 * @param spareBytes of GPU memory that the caps leave beside the plan; where they hold a page, each class is also tried with all.
 */
export function neighbours(
  workload: Workload,
  system: System,
  plan: Plan,
  space: SearchSpace,
  spareBytes = 0,
): Plan[] {
  if (plan.slots === 0) return [];
  const classes = classesOf(workload);
  const sparePages = Math.floor(spareBytes / workload.experts / DEVICE_PAGE_BYTES);
  return [
    ...otherChunks(plan, space),
    ...otherBackends(plan, system, space),
    ...otherSlots(plan, workload, space),
    ...[...new Set(classes)].flatMap((of) => {
      const members = classes.flatMap((own, index) => (own === of ? [index] : []));
      return [
        ...otherWindows(plan, workload, members),
        ...otherResidents(plan, workload, members, classes),
        ...otherPages(plan, workload, members, sparePages),
      ];
    }),
  ];
}

function otherChunks(plan: Plan, { chunkBytes }: SearchSpace): Plan[] {
  const sizes = [...chunkBytes].sort((a, b) => a - b);
  const place = sizes.indexOf(plan.chunkBytes);
  return [sizes[place - 1], sizes[place + 1]].flatMap((size) =>
    place < 0 || size === undefined ? [] : [{ ...plan, recipe: FROM_SEARCH, chunkBytes: size }],
  );
}

function otherBackends(plan: Plan, system: System, { backends }: SearchSpace): Plan[] {
  return backends
    .filter(({ transport, pieceBytes }) => transport !== plan.transport || pieceBytes !== plan.pieceBytes)
    .map(({ transport, pieceBytes }) => ({
      ...{ ...plan, recipe: FROM_SEARCH, transport, pieceBytes },
      stagedInCopyStream: isStagedCopy(system, transport) && plan.yieldRule === 'wait',
    }));
}

function otherSlots(plan: Plan, { blocks }: Workload, { slots }: SearchSpace): Plan[] {
  return [plan.slots - 1, plan.slots + 1].flatMap((count) => {
    if (!slots.includes(count)) return [];
    const moved = plan.blocks.map((block, index) =>
      block.windowBytes.length === 0 ? block : { ...block, issueAt: index - (count - 1) },
    );
    const streamed = moved.flatMap(({ windowBytes }, index) => (windowBytes.length > 0 ? [index] : []));
    const issueAt = streamed.map((index) => moved[index]!.issueAt);
    const windowsFit = streamed.every((index) => {
      const { issueAt: at, windowBytes } = moved[index]!;
      return windowBytes.length <= windowsOf(blocks[issuerOf(at, blocks.length)]!);
    });
    const fits =
      count > 1 &&
      count <= streamed.length + 1 &&
      fitsSlots({ streamed, issueAt, slots: count }, blocks.length);
    return fits && windowsFit ? [{ ...plan, recipe: FROM_SEARCH, slots: count, blocks: moved }] : [];
  });
}

/** A share of the members' bytes in one window, moved to another. */
function otherWindows(plan: Plan, { blocks }: Workload, members: readonly number[]): Plan[] {
  const first = plan.blocks[members.find((index) => plan.blocks[index]!.windowBytes.length > 0) ?? -1];
  if (first === undefined || plan.yieldRule !== 'wait') return [];
  const windows = first.windowBytes.keys();
  return [...windows].flatMap((from) =>
    [...first.windowBytes.keys()].flatMap((to) => {
      if (from === to) return [];
      return SHIFTS.flatMap((share) =>
        changed(plan, members, ({ windowBytes, ...block }, index) => {
          const streamed = blocks[index]!.weightBytes - block.residentBytes;
          const bytes = Math.min(windowBytes[from] ?? 0, wholeGrains(share * streamed));
          if (bytes === 0 || windowBytes.length <= to) return null;
          return {
            ...block,
            windowBytes: windowBytes.map((held, window) =>
              window === from ? held - bytes : window === to ? held + bytes : held,
            ),
          };
        }),
      );
    }),
  );
}

/** More or less of the members' bytes kept, all of them alike; alone, and in exchange with the blocks of one other class. */
function otherResidents(
  plan: Plan,
  workload: Workload,
  members: readonly number[],
  classes: readonly number[],
): Plan[] {
  const own = classes[members[0]!]!;
  const others = [...new Set(classes)].filter((of) => of !== own);
  const { weightBytes } = workload.blocks[members[0]!]!;
  return SHIFTS.flatMap((share) =>
    [1, -1].flatMap((sign) => {
      const pages = sign * members.length * Math.round((share * weightBytes) / DEVICE_PAGE_BYTES);
      const kept = keptPages(plan, workload, members, pages);
      const exchanged = others.flatMap((other) => {
        const partners = classes.flatMap((of, index) => (of === other ? [index] : []));
        return kept.flatMap((one) => keptPages(one, workload, partners, -pages));
      });
      return [...kept, ...exchanged];
    }),
  );
}

/** A few pages more or less of the members in sum, all that the caps leave, and the same pages shared among them in the other arrangements. */
function otherPages(plan: Plan, workload: Workload, members: readonly number[], sparePages: number): Plan[] {
  const few = SHIFTS.map((share) => Math.max(1, Math.round(share * members.length)));
  const changes = new Set(
    [...few.flatMap((pages) => [pages, -pages]), sparePages].filter((pages) => pages !== 0),
  );
  return [
    ...[...changes].flatMap((pages) => keptPages(plan, workload, members, pages)),
    ...ARRANGEMENTS.flatMap((arrangement) => keptPages(plan, workload, members, 0, arrangement)),
  ];
}

/** The plan with so many pages more (or fewer) of its streamed members kept, shared anew; nothing where one of them cannot be. */
function keptPages(
  plan: Plan,
  workload: Workload,
  members: readonly number[],
  more: number,
  arrangement: Arrangement = usualArrangement(plan.slots),
): Plan[] {
  const streamed = members.filter((index) => plan.blocks[index]!.windowBytes.length > 0);
  if (streamed.length === 0) return [];
  const pages =
    more + streamed.reduce((sum, index) => sum + plan.blocks[index]!.residentBytes, 0) / DEVICE_PAGE_BYTES;
  const shared = sharedPages(pages, streamed.length, arrangement);
  return changed(plan, streamed, (block, index) => {
    const residentBytes = shared[streamed.indexOf(index)]! * DEVICE_PAGE_BYTES;
    return keptMore(block, residentBytes - block.residentBytes, workload, index);
  });
}

/** The block with more bytes resident (or fewer), taken from (or given to) its windows in proportion to what they hold. */
function keptMore(block: BlockPlan, more: number, { blocks }: Workload, index: number): BlockPlan | null {
  const { weightBytes } = blocks[index]!;
  const residentBytes = block.residentBytes + more;
  const before = weightBytes - block.residentBytes;
  const after = weightBytes - residentBytes;
  if (more === 0) return block;
  // Whole blocks that stay change the ring of buffers; that is another plan, not a neighbour.
  if (residentBytes < 0 || after < DEVICE_PAGE_BYTES) return null;
  const windowBytes = block.windowBytes.map((held) => Math.floor((held * after) / before));
  const largest = windowBytes.indexOf(Math.max(...windowBytes));
  windowBytes[largest]! += after - windowBytes.reduce((sum, held) => sum + held, 0);
  return { ...block, residentBytes, windowBytes };
}

/** The plan with some blocks changed; nothing where one of them cannot be. */
function changed(
  plan: Plan,
  members: readonly number[],
  change: (block: BlockPlan, index: number) => BlockPlan | null,
): Plan[] {
  const blocks = [...plan.blocks];
  for (const index of members) {
    if (blocks[index]!.windowBytes.length === 0) continue;
    const block = change(blocks[index]!, index);
    if (block === null) return [];
    blocks[index] = block;
  }
  return [{ ...plan, recipe: FROM_SEARCH, blocks }];
}

/** Windows hold any bytes; only what stays is in pages. */
function wholeGrains(bytes: number): number {
  return Math.round(bytes / GRAIN_BYTES) * GRAIN_BYTES;
}
