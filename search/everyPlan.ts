import { DEVICE_PAGE_BYTES } from '../model/plan/devicePage.ts';
import { fitsSlots, type IssueOrder } from '../model/plan/issueOrder.ts';
import type { Plan } from '../model/plan/plan.ts';
import { issuerOf, windowsOf } from '../model/plan/windows.ts';
import { evenPaceS } from '../model/presets/presets.ts';
import type { System } from '../model/system/system.ts';
import type { Workload } from '../model/workload/workload.ts';
import { countDivisions, divisions, everyChoice, withoutLast } from './divisions.ts';
import type { Backend } from './hidingRoom.ts';
import type { SearchSpace } from './searchSpace.ts';
import { ARRANGEMENTS, sharedPages } from './sharedPages.ts';
import { issueOrder, planOf } from './streamedPlan.ts';
import { classesOf } from './streamProgram.ts';

/** Blocks that are planned alike, and how many windows all blocks have that run while they are fetched. */
interface StreamedClass {
  members: readonly number[];
  weightBytes: number;
  windows: number;
}

/** Which classes are streamed, and when: what does not depend on the backend, the chunks or how much of them stays. */
interface StreamedOrder {
  order: IssueOrder;
  classes: readonly StreamedClass[];
}

/** All plans that differ only in how bytes are dealt to windows, and in pauses: they stream as much, in the same memory. */
export interface Placing {
  backend: Backend;
  chunkBytes: number;
  order: StreamedOrder;
  /** Of each streamed class: bytes that stay of each of its blocks, which differ by a page at the most. */
  kept: readonly (readonly number[])[];
}

/**
 * Number of plans that `everyPlan` yields, without making them; more where pauses come out as nothing.
 *
 * The discrete space of a search: backends x chunk sizes x buffers, which say how far ahead copies are issued (each block so many
 * before its own, or as early as its buffer is free) x what stays of each class of blocks, so many chunks, of none or some of its blocks
 * a page more, or all of it x either all at once, with or without a pause, or whole chunks in each window, in every way they can be
 * divided. The page more is taken from the end of what is copied.
 */
export function countPlans(workload: Workload, space: SearchSpace): number {
  const plansOfOrder = ({ classes }: StreamedOrder, chunkBytes: number) => {
    const dealt = (waysOf: (bytes: number, windows: number) => number) =>
      classes.reduce((ways, of) => {
        const kept = leastKeptOf(of, chunkBytes);
        return (
          ways *
          kept.reduce(
            (sum, stays) => sum + waysOf(of.weightBytes - stays, of.windows) * pagesMoreOf(of, stays).length,
            0,
          )
        );
      }, 1);
    const open = space.windows.includes('open') ? dealt(() => 1) : 0;
    const waiting = waits(space) ? dealt((bytes, windows) => countDivisions(bytes, chunkBytes, windows)) : 0;
    return open * (space.paced && Number.isFinite(chunkBytes) ? 2 : 1) + waiting;
  };
  const chunks = chunkSizes(workload, space);
  const streamed = ordersOf(workload, space).flatMap((order) =>
    chunks.map((chunkBytes) => plansOfOrder(order, chunkBytes)),
  );
  // And one that streams nothing.
  return space.backends.length * streamed.reduce((sum, plans) => sum + plans, 1);
}

/** Every plan of the discrete space, in an order that is always the same; whether it fits any memory is not asked. */
export function* everyPlan(workload: Workload, system: System, space: SearchSpace): Generator<Plan> {
  for (const placing of placings(workload, space)) yield* plansOf(placing, workload, system, space);
}

/** Everything of a plan but its windows and pauses, in the order of the plans. */
export function* placings(workload: Workload, space: SearchSpace): Generator<Placing> {
  const orders = ordersOf(workload, space);
  const chunks = chunkSizes(workload, space);
  for (const backend of space.backends) {
    const nothing = { order: { streamed: [], issueAt: [], slots: 0 }, classes: [] };
    yield { backend, chunkBytes: Number.POSITIVE_INFINITY, order: nothing, kept: [] };
    for (const order of orders) {
      for (const chunkBytes of chunks) {
        for (const kept of everyChoice(order.classes.map((of) => keptOf(of, chunkBytes)))) {
          yield { backend, chunkBytes, order, kept };
        }
      }
    }
  }
}

/** The plans of a placing: open, open with a pause, and all divisions of the chunks among windows that wait. */
export function* plansOf(
  placing: Placing,
  workload: Workload,
  system: System,
  space: SearchSpace,
): Generator<Plan> {
  const { backend, chunkBytes, order, kept } = placing;
  const { classes } = order;
  const residentBytes = workload.blocks.map(({ weightBytes }) => weightBytes);
  for (const [of, { members }] of classes.entries()) {
    for (const [place, index] of members.entries()) residentBytes[index] = kept[of]![place]!;
  }
  const make = (windows: 'open' | 'dealt', paceS: number, dealt: readonly (readonly number[])[]): Plan => {
    const windowBytes = order.order.streamed.map((index) => {
      const of = classes.findIndex(({ members }) => members.includes(index));
      const more = residentBytes[index]! - Math.min(...kept[of]!);
      return more === 0 ? dealt[of]! : withoutLast(dealt[of]!, more);
    });
    const head = { backend, chunkBytes, windows, paceS, residentBytes };
    return planOf(workload, system, head, { ...order.order, windowBytes });
  };
  const atOnce = classes.map((own, of) => [mostStreamed(own, kept[of]!)]);
  if (space.windows.includes('open') || classes.length === 0) {
    const open = make('open', 0, atOnce);
    yield open;
    const paceS =
      space.paced && Number.isFinite(chunkBytes) ? evenPaceS(workload, system, open.blocks, chunkBytes) : 0;
    if (paceS > 0) yield make('open', paceS, atOnce);
  }
  if (!waits(space) || classes.length === 0) return;
  const dealings = classes.map((own, of) => divisions(mostStreamed(own, kept[of]!), chunkBytes, own.windows));
  for (const dealt of everyChoice(dealings)) yield make('dealt', 0, dealt);
}

function waits({ windows }: SearchSpace): boolean {
  return windows.some((rule) => rule !== 'open');
}

/** Chunk sizes that differ for this workload: of those that hold any block, the first. */
function chunkSizes({ blocks }: Workload, { chunkBytes }: SearchSpace): number[] {
  const largest = Math.max(...blocks.map(({ weightBytes }) => weightBytes));
  const whole = chunkBytes.findIndex((size) => size >= largest);
  return chunkBytes.filter((size, index) => size < largest || index === whole);
}

/** Which classes can be streamed while the others stay whole, in how many buffers and how early, each way once. */
function ordersOf(workload: Workload, space: SearchSpace): StreamedOrder[] {
  const { blocks } = workload;
  const classes = classesOf(workload);
  const kinds = [...new Set(classes)];
  const known = new Set<string>();
  return Array.from({ length: 2 ** kinds.length - 1 }, (_, bits) =>
    kinds.filter((_, place) => ((bits + 1) >> place) % 2 === 1),
  ).flatMap((streamedKinds) => {
    const streamed = [...blocks.keys()].filter((index) => streamedKinds.includes(classes[index]!));
    return space.slots.flatMap((slots) =>
      (['near', 'early'] as const).flatMap((issue) => {
        const order = issueOrder(streamed, blocks.length, { slots, issue });
        const key = JSON.stringify(order);
        if (known.has(key) || !fitsSlots(order, blocks.length)) return [];
        known.add(key);
        const windowsAt = (index: number) =>
          windowsOf(blocks[issuerOf(order.issueAt[streamed.indexOf(index)]!, blocks.length)]!);
        const parts = streamedKinds.map((kind) => {
          const members = streamed.filter((index) => classes[index] === kind);
          return {
            ...{ members, weightBytes: blocks[members[0]!]!.weightBytes },
            windows: Math.min(...members.map(windowsAt)),
          };
        });
        return [{ order, classes: parts }];
      }),
    );
  });
}

/** Bytes that a class's blocks leave to stream where they keep no page more. */
function mostStreamed({ weightBytes }: StreamedClass, kept: readonly number[]): number {
  return weightBytes - Math.min(...kept);
}

/**
 * Bytes that can stay of each of a streamed class's blocks: whole chunks, as far as a page is left to stream, and with them a page
 * more of some blocks, the first ones or spread ones.
 */
function keptOf(of: StreamedClass, chunkBytes: number): number[][] {
  return leastKeptOf(of, chunkBytes).flatMap((least) =>
    pagesMoreOf(of, least).map((pages) => pages.map((more) => least + more * DEVICE_PAGE_BYTES)),
  );
}

/** Bytes that each of a streamed class's blocks keeps at the least. */
function leastKeptOf({ weightBytes }: StreamedClass, chunkBytes: number): number[] {
  if (chunkBytes >= weightBytes) return [0];
  const unit = Math.ceil(chunkBytes / DEVICE_PAGE_BYTES) * DEVICE_PAGE_BYTES;
  return Array.from(
    { length: Math.floor((weightBytes - DEVICE_PAGE_BYTES) / unit) + 1 },
    (_, units) => units * unit,
  );
}

/** Which blocks of a class can keep a page more than so many bytes, in every way: none, or some where each leaves a page to stream. */
function pagesMoreOf({ weightBytes, members }: StreamedClass, least: number): readonly number[][] {
  const ways = arrangementsOf(members.length);
  return weightBytes - least < 2 * DEVICE_PAGE_BYTES ? ways.slice(0, 1) : ways;
}

const knownArrangements = new Map<number, readonly number[][]>();

/** The ways in which fewer than all of some blocks keep a page more, each once; that none does is the first. */
function arrangementsOf(blocks: number): readonly number[][] {
  let ways = knownArrangements.get(blocks);
  if (ways === undefined) {
    const all = Array.from({ length: blocks }, (_, more) =>
      ARRANGEMENTS.map((arrangement) => sharedPages(more, blocks, arrangement)),
    ).flat();
    ways = [...new Map(all.map((way) => [way.join(), way])).values()];
    knownArrangements.set(blocks, ways);
  }
  return ways;
}
