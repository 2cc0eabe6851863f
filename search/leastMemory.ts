import { memoryNeed } from '../model/physics/memory.ts';
import { DEVICE_PAGE_BYTES } from '../model/plan/devicePage.ts';
import type { Plan } from '../model/plan/plan.ts';
import { makePlan } from '../model/presets/presets.ts';
import type { System } from '../model/system/system.ts';
import { chosenTransport } from '../model/system/transport.ts';
import type { BlockKind, Workload } from '../model/workload/workload.ts';
import type { Caps } from './caps.ts';
import { everyChoice } from './divisions.ts';
import type { Backend } from './hidingRoom.ts';
import type { Search } from './search.ts';
import { PlanMaker } from './streamedPlan.ts';
import { pinnedRoom } from './streamProgram.ts';

/** A plan that takes the least memory of one kind, with what it takes of both. */
export interface LeanPlan {
  plan: Plan;
  gpuBytes: number;
  pinnedBytes: number;
}

/** What a lean plan is looked for in. */
type Room = Pick<Search, 'workload' | 'system' | 'space'>;

/**
 * The plan that needs the least GPU memory, and of several the one that pins least on the host: exact, to the byte, over any whole
 * pages that stay of any block.
 *
 * @param pinnedBytes most that may be page-locked on the host for each rank.
 * @returns null where even all weights on the GPU leave more on the host.
 */
export function smallestPlan(room: Room, pinnedBytes = Number.POSITIVE_INFINITY): LeanPlan | null {
  return leanest(room, { gpuBytes: Number.POSITIVE_INFINITY, pinnedBytes }, 'gpu');
}

/**
 * The plan that pins the least host memory, and of several the one in the least GPU memory.
 *
 * @param gpuBytes most that may be taken of each GPU.
 * @returns null where nothing fits it.
 */
export function leastPinnedPlan(room: Room, gpuBytes: number): LeanPlan | null {
  return leanest(room, { gpuBytes, pinnedBytes: Number.POSITIVE_INFINITY }, 'host');
}

/** How much stays: buffers of so many bytes, so many whole blocks of each kind, and pages of the others in sum. */
interface Keeping {
  bufferBytes: number;
  whole: readonly number[];
  pages: number;
  gpuBytes: number;
  pinnedBytes: number;
}

interface Kind {
  block: BlockKind;
  count: number;
}

function leanest({ workload, system, space }: Room, caps: Caps, least: 'gpu' | 'host'): LeanPlan | null {
  const slots = Math.min(...space.slots);
  let best: LeanPlan | null = null;
  // Sizes of pieces make no difference to memory.
  const transports = new Map(space.backends.map((backend) => [backend.transport, backend] as const));
  for (const backend of transports.values()) {
    const { transport } = backend;
    const none = makePlan('none', workload, system, chosenTransport({ transport }));
    const need = memoryNeed(workload, system, none);
    const others = { gpuBytes: need.gpuPeakBytes - need.residentBytes, pinnedBytes: need.hostPinnedBytes };
    const left = {
      gpuBytes: caps.gpuBytes - others.gpuBytes,
      pinnedBytes: pinnedRoom(workload, caps.pinnedBytes - others.pinnedBytes),
    };
    const keeping = leanestKeeping(workload, slots, left, least);
    if (keeping === null) continue;
    const found = {
      gpuBytes: others.gpuBytes + keeping.gpuBytes,
      pinnedBytes: others.pinnedBytes + keeping.pinnedBytes,
    };
    if (best !== null && !isLeaner(found, best, least)) continue;
    best = { plan: planOf(keeping, workload, system, backend, slots), ...found };
  }
  return best;
}

/**
 * For every size of buffers and number of blocks that stay whole: as many pages of the others as the caps ask for or allow. What a
 * block leaves to stream is never less than a page.
 */
function leanestKeeping(
  workload: Workload,
  slots: number,
  left: Caps,
  least: 'gpu' | 'host',
): Keeping | null {
  const { experts, waitingExperts, blocks } = workload;
  const kinds = kindsOf(workload);
  const all = blocks.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  const buffersFor = rememberedBuffers(kinds);
  let best: Keeping | null = null;
  for (const whole of everyChoice(
    kinds.map(({ count }) => Array.from({ length: count + 1 }, (_, kept) => kept)),
  )) {
    const streamed = kinds.map(({ count }, kind) => count - whole[kind]!);
    const buffers = Math.min(slots, sum(streamed));
    const wholeBytes = sum(kinds.map(({ block }, kind) => whole[kind]! * block.weightBytes));
    const most = sum(kinds.map(({ block }, kind) => streamed[kind]! * mostPages(block)));
    for (const { bufferBytes, fewestPagesOf } of buffersFor(streamed)) {
      const fewest = streamed.reduce((pages, of, kind) => pages + of * fewestPagesOf[kind]!, 0);
      // What streams less than it could has more pages, down to the cap on what is pinned or up to that on the GPU.
      const asked = Math.ceil((all - left.pinnedBytes / experts - wholeBytes) / DEVICE_PAGE_BYTES);
      const allowed = Math.floor(
        ((left.gpuBytes - buffers * bufferBytes) / experts - wholeBytes) / DEVICE_PAGE_BYTES,
      );
      const pages = least === 'gpu' ? Math.max(fewest, asked) : Math.min(most, allowed);
      if (pages < fewest || pages > most || pages > allowed) continue;
      const stays = experts * (wholeBytes + pages * DEVICE_PAGE_BYTES);
      const need = {
        gpuBytes: stays + buffers * bufferBytes,
        pinnedBytes: waitingExperts > 0 ? 0 : experts * all - stays,
      };
      if (best === null || isLeaner(need, best, least)) best = { bufferBytes, whole, pages, ...need };
    }
  }
  return best;
}

function isLeaner(one: Caps, other: Caps, least: 'gpu' | 'host'): boolean {
  const gpu = one.gpuBytes - other.gpuBytes;
  const pinned = one.pinnedBytes - other.pinnedBytes;
  return least === 'gpu' ? gpu < 0 || (gpu === 0 && pinned < 0) : pinned < 0 || (pinned === 0 && gpu < 0);
}

function kindsOf({ blocks }: Workload): Kind[] {
  return [...new Set(blocks)].map((block) => ({
    block,
    count: blocks.filter((other) => other === block).length,
  }));
}

/** A size of buffers, and of each kind the fewest pages that must stay for the rest to fit one. */
interface Buffers {
  bufferBytes: number;
  fewestPagesOf: readonly number[];
}

/** Sizes of buffers by how many blocks of each kind are streamed; they depend on which are at all. */
function rememberedBuffers(kinds: readonly Kind[]): (streamed: readonly number[]) => Buffers[] {
  const known = new Map<string, Buffers[]>();
  return (streamed) => {
    const key = streamed.map((of) => (of > 0 ? 1 : 0)).join('');
    const found =
      known.get(key) ??
      bufferSizes(kinds.filter((_, kind) => streamed[kind]! > 0)).map((bufferBytes) => ({
        bufferBytes,
        fewestPagesOf: kinds.map(({ block }) => fewestPages(block, bufferBytes)),
      }));
    known.set(key, found);
    return found;
  };
}

/** Buffers that just hold what some kind of block leaves to stream after so many pages; none where nothing is streamed. */
function bufferSizes(kinds: readonly Kind[]): number[] {
  if (kinds.length === 0) return [0];
  const sizes = kinds.flatMap(({ block }) =>
    Array.from({ length: mostPages(block) + 1 }, (_, pages) => block.weightBytes - pages * DEVICE_PAGE_BYTES),
  );
  // Every kind leaves at least a page and what is broken of one.
  const least = Math.max(
    ...kinds.map(({ block }) => block.weightBytes - mostPages(block) * DEVICE_PAGE_BYTES),
  );
  return [...new Set(sizes)].filter((size) => size >= least);
}

function mostPages({ weightBytes }: BlockKind): number {
  return Math.max(0, Math.floor(weightBytes / DEVICE_PAGE_BYTES) - 1);
}

function fewestPages({ weightBytes }: BlockKind, bufferBytes: number): number {
  return Math.max(0, Math.ceil((weightBytes - bufferBytes) / DEVICE_PAGE_BYTES));
}

function planOf(
  { bufferBytes, whole, pages }: Keeping,
  workload: Workload,
  system: System,
  backend: Backend,
  slots: number,
): Plan {
  const { blocks } = workload;
  const kinds = kindsOf(workload);
  const wholeLeft = new Map(kinds.map(({ block }, kind) => [block, whole[kind]!] as const));
  const pagesOf = blocks.map((block) => {
    const left = wholeLeft.get(block)!;
    wholeLeft.set(block, left - 1);
    return left > 0 ? null : fewestPages(block, bufferBytes);
  });
  let more = pages - sum(pagesOf.map((kept) => kept ?? 0));
  for (const [index, kept] of pagesOf.entries()) {
    if (kept === null) continue;
    const added = Math.min(more, mostPages(blocks[index]!) - kept);
    pagesOf[index] = kept + added;
    more -= added;
  }
  const residentBytes = pagesOf.map((kept, index) =>
    kept === null ? blocks[index]!.weightBytes : kept * DEVICE_PAGE_BYTES,
  );
  return new PlanMaker(workload, system, 1).make({
    ...{ backend, slots, residentBytes, windows: 'open', issue: 'near', paceS: 0 },
    chunkBytes: Number.POSITIVE_INFINITY,
  })!;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
