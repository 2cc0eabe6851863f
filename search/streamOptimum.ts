import { DEVICE_PAGE_BYTES } from '../model/plan/devicePage.ts';
import type { System } from '../model/system/system.ts';
import type { Workload } from '../model/workload/workload.ts';
import { type Backend, type HidingRoom, hidingRooms } from './hidingRoom.ts';
import { asWritten } from './linearProgram.ts';
import type { Highs } from './solver.ts';
import {
  classesOf,
  type StreamOptimum,
  type StreamQuestion,
  type StreamShape,
  solvedOptimum,
  type WeightRoom,
} from './streamProgram.ts';

/** By what share a limit must be kept for it to hold whatever a solver's rounding and tolerances. */
const CLEARLY = 1e-6;

/** The optimum of the program of a steady pass: in closed form where that is known, else as `solvedOptimum` finds it. */
export function streamOptimum(
  highs: Highs,
  workload: Workload,
  system: System,
  backends: readonly Backend[],
  room: WeightRoom,
  shape: StreamShape,
  question: StreamQuestion,
): StreamOptimum | null {
  return (
    hiddenOptimum(workload, system, backends, room, shape, question) ??
    solvedOptimum(highs, workload, system, backends, room, shape, question)
  );
}

/**
 * The optimum of the same program where it follows without solving; null where it does not. With w the weights of a block in pages, two
 * points of the program copy nothing at a cost:
 *
 *   all stay:      resident = w, nothing is streamed; in memory for all of them
 *   none stay:     resident = 0, stock = w of the block, copied during a block for nothing = w of the next one;
 *                  in two or more buffers of the largest w, where that is free time enough for each of the blocks
 *
 * The shortest pass: all costs are of copies and none is below 0, so no pass is shorter than without copies, and each of the two points
 * is a shortest one. Both leave memory over here, whence one more byte of it is worth nothing: a price of memory in the dual program
 * belongs to a row that no optimum leaves slack.
 *
 * The least memory: resident pages and buffers of the largest rest, experts x sum(resident) + slots x max(w - resident), 0 resident
 * pages against any other number of them. Where the largest rest stays the largest w, a page that stays is one of each block of its
 * class, each of the experts; where it gets smaller by d, each of the m blocks of the largest w keeps at least d and at least a page, so
 * that memory grows by (experts x m - slots) x max(1, d) or more. So none stay in the only optimum, if experts x m > slots; and where
 * the lesser of the two differences is more than the gap, no solver may stop at any other point.
 */
export function hiddenOptimum(
  workload: Workload,
  system: System,
  backends: readonly Backend[],
  room: WeightRoom,
  shape: StreamShape,
  { clock, integer, gap, aim = { least: 'time' } }: StreamQuestion,
): StreamOptimum | null {
  const rooms = hidingRooms(workload, system, backends, clock);
  if (rooms.some(({ beside }) => beside.some(({ costPerS }) => costPerS < 0))) return null;
  const sizes = workload.blocks.map(({ weightBytes }) => weightBytes);
  const noneStay = canStreamAll(workload, rooms, room, shape);
  if (aim.least === 'memory') {
    const passS = rooms.reduce((sum, { aloneS }) => sum + aloneS, 0);
    const isWithin = passS * (1 + CLEARLY) <= aim.passS;
    if (!integer || !noneStay || !isWithin || !isLeastAlone(workload, shape, gap)) return null;
    return { passS: aim.passS, residentBytes: sizes.map(() => 0), secondsPerGpuByte: 0 };
  }
  if (!noneStay && !canKeepAll(workload, room)) return null;
  return {
    passS: leastPassS(rooms),
    residentBytes: noneStay ? sizes.map(() => 0) : sizes,
    secondsPerGpuByte: 0,
  };
}

/** Seconds of a pass without copies, in the digits that a solver's answer has them in. */
export function leastPassS(rooms: readonly HidingRoom[]): number {
  return asWritten(rooms.reduce((sum, { aloneS }) => sum + aloneS, 0) * 1e3) / 1e3;
}

function canKeepAll({ blocks, experts }: Workload, { gpuBytes, pinnedBytes }: WeightRoom): boolean {
  const bytes = blocks.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  return experts * bytes * (1 + CLEARLY) < gpuBytes && pinnedBytes >= DEVICE_PAGE_BYTES;
}

/** Whether nothing need stay: each block's weights are copied during the block before it, beside its compute. */
function canStreamAll(
  { blocks, experts }: Workload,
  rooms: readonly HidingRoom[],
  { gpuBytes, pinnedBytes }: WeightRoom,
  { secondsPerByte, slots, leastSlots = 0, margin = 0 }: StreamShape,
): boolean {
  const buffers = slots ?? leastSlots;
  if (buffers < 2 || blocks.length < 2) return false;
  const sizes = blocks.map(({ weightBytes }) => weightBytes);
  const largest = Math.max(...sizes);
  const streamed = experts * sizes.reduce((sum, size) => sum + size, 0);
  if (buffers * largest * (1 + CLEARLY) >= gpuBytes || streamed * (1 + CLEARLY) > pinnedBytes) return false;
  return rooms.every(({ freeS }, index) => {
    const next = sizes[(index + 1) % sizes.length]!;
    return next * secondsPerByte * (1 + CLEARLY) <= (1 - margin) * freeS;
  });
}

/** Whether any page that stays takes more memory than it saves of the buffers, by more than the gap at which a solver may stop. */
function isLeastAlone(workload: Workload, { slots }: StreamShape, gap: number): boolean {
  const { blocks, experts } = workload;
  const sizes = blocks.map(({ weightBytes }) => weightBytes);
  const largest = Math.max(...sizes);
  if (slots === null || Math.min(...sizes) < DEVICE_PAGE_BYTES) return false;
  const members = new Map<number, number>();
  for (const of of classesOf(workload)) members.set(of, (members.get(of) ?? 0) + 1);
  const ofLargest = sizes.filter((size) => size === largest).length;
  const morePages = Math.min(experts * Math.min(...members.values()), experts * ofLargest - slots);
  const pages = (slots * largest) / DEVICE_PAGE_BYTES;
  return morePages > (pages * gap * (1 + CLEARLY)) / (1 - gap);
}
