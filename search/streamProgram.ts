import { memoryNeed } from '../model/physics/memory.ts';
import { copyRates } from '../model/physics/rates.ts';
import { DEVICE_PAGE_BYTES } from '../model/plan/devicePage.ts';
import { makePlan } from '../model/presets/presets.ts';
import type { System } from '../model/system/system.ts';
import { chosenTransport, NO_TRANSPORT, transportNamed } from '../model/system/transport.ts';
import type { Workload } from '../model/workload/workload.ts';
import type { Caps } from './caps.ts';
import { type Backend, hidingRooms } from './hidingRoom.ts';
import { LinearProgram, type Solved, solve } from './linearProgram.ts';
import { sharedPages, usualArrangement } from './sharedPages.ts';
import type { Highs } from './solver.ts';

/** Bytes that the caps leave to the blocks' weights. */
export interface WeightRoom {
  /** On each GPU: residents of all experts, and slots. */
  gpuBytes: number;
  /** Page-locked on the host: what is streamed, of all experts. */
  pinnedBytes: number;
}

/** What is left of the caps for weights once everything else has its memory; below nothing where that does not fit. */
export function weightRoom(
  workload: Workload,
  system: System,
  caps: Caps,
  { transport }: Backend,
): WeightRoom {
  const none = makePlan('none', workload, system, chosenTransport({ transport }));
  const need = memoryNeed(workload, system, none);
  return {
    gpuBytes: caps.gpuBytes - (need.gpuPeakBytes - need.residentBytes),
    pinnedBytes: pinnedRoom(workload, caps.pinnedBytes - need.hostPinnedBytes),
  };
}

/** Bytes that a cap leaves for streamed weights to be page-locked: where experts wait in host memory all weights are, whatever is streamed. */
export function pinnedRoom({ waitingExperts }: Workload, leftBytes: number): number {
  if (waitingExperts === 0) return leftBytes;
  return leftBytes < 0 ? leftBytes : Number.POSITIVE_INFINITY;
}

/** How copies go: what of them is not moving bytes, and the buffers that they go to. */
export interface StreamShape {
  /** Seconds that each byte takes, pauses between chunks spread over it. */
  secondsPerByte: number;
  /** Device buffers; null for a ring of bytes, which no plan has but which no plan does better than. */
  slots: number | null;
  /** Of a ring: buffers that it stands for at the least, so that it is as large as they are. */
  leastSlots?: number;
  /** Share of each block's free time that is left unused, against what a model does not know. */
  margin?: number;
}

/** What is looked for: the shortest pass, or the least memory of those that are no longer than so many seconds. */
export type Aim = { least: 'time' } | { least: 'memory'; passS: number };

/** What is asked of the program. */
export interface StreamQuestion {
  /** Fraction of the highest clock that the blocks run at. */
  clock: number;
  /** Whether residents are whole pages. */
  integer: boolean;
  /** Relative to the optimum, at which an integer program's answer is good enough. */
  gap: number;
  /** The shortest pass unless given. */
  aim?: Aim;
}

/** The least time of a pass and where the weights lie for it. */
export interface StreamOptimum {
  /** Seconds of a pass. */
  passS: number;
  /** Bytes of each block that stay. */
  residentBytes: number[];
  /** Seconds that a pass gets shorter by for one more byte of GPU memory; 0 where residents are whole pages. */
  secondsPerGpuByte: number;
}

/**
 * The steady pass as a linear program, the residents as its variables: what of each block stays, and how much of the rest is
 * copied for nothing, beside collectives or while nothing else runs, during each block.
 *
 *   minimise   sum of (cost beside x copied beside + copied while waiting) over blocks
 *   so that    stock(i + 1) = stock(i) - streamed(i) + copied during i
 *              stock(i) >= streamed(i)                 a block has landed before it starts
 *              stock(i) + copied during i <= buffers   and is in its buffer until it has run
 *              residents + buffers <= memory
 *
 * All in pages of 2 MiB and milliseconds. With `slots` and whole pages it says where to keep what (an integer program); without
 * either it is a lower bound, since no plan has more room beside compute, or smaller buffers, than it.
 *
 * @param backends one transport, with the sizes of pieces that a plan may have.
 * @returns null where the residents and buffers that the caps allow cannot hold the weights.
 */
export function solvedOptimum(
  highs: Highs,
  workload: Workload,
  system: System,
  backends: readonly Backend[],
  room: WeightRoom,
  shape: StreamShape,
  { clock, integer, gap, aim = { least: 'time' } }: StreamQuestion,
): StreamOptimum | null {
  const rooms = hidingRooms(workload, system, backends, clock);
  const pageMs = shape.secondsPerByte * DEVICE_PAGE_BYTES * 1e3;
  const pages = workload.blocks.map(({ weightBytes }) => weightBytes / DEVICE_PAGE_BYTES);
  const count = pages.length;
  const program = new LinearProgram();
  const aloneMs = rooms.reduce((sum, { aloneS }) => sum + aloneS, 0) * 1e3;
  const usable = 1 - (shape.margin ?? 0);
  const leastSlots = shape.slots ?? shape.leastSlots ?? 0;
  /** What time costs; weighed against memory only where memory is what is to be least. */
  const spent: [number, string][] = [[aloneMs, 'alone']];
  program.variable('alone', { low: 1, high: 1 });
  program.variable('buffer');
  program.variable('slot');
  const classes = integer ? classesOf(workload) : pages.map((_, index) => index);
  const resident = (index: number) => `r${classes[index]}`;
  // In the least memory all blocks of a class keep alike: with a page less in some of them, these may not quite hide.
  const membersOf = (of: number) => (aim.least === 'time' ? classes.filter((own) => own === of).length : 1);
  for (const of of new Set(classes)) {
    const weight = pages[classes.indexOf(of)]!;
    program.variable(`r${of}`, { high: weight });
    if (integer) wholePages(program, of, weight, membersOf(of));
  }
  for (const index of pages.keys()) {
    program.variable(`s${index}`);
    program.variable(`f${index}`, { high: (usable * rooms[index]!.freeS * 1e3) / pageMs });
    rooms[index]!.beside.forEach(({ roomS, costPerS }, kind) => {
      spent.push([
        costPerS * pageMs,
        program.variable(`g${index}k${kind}`, { high: (roomS * 1e3) / pageMs }),
      ]);
    });
    spent.push([pageMs, program.variable(`e${index}`)]);
  }
  for (const [index, weight] of pages.entries()) {
    const next = (index + 1) % count;
    const during = [`f${index}`, ...rooms[index]!.beside.map((_, kind) => `g${index}k${kind}`)];
    const copied = during.map((name) => [1, name] as const);
    // stock(next) - stock + streamed - copied = 0, with streamed = weight - resident.
    program.row(
      [
        ...([
          [1, `s${next}`],
          [-1, `s${index}`],
          [-1, resident(index)],
        ] as const),
        ...during.map((name) => [-1, name] as const),
        [-1, `e${index}`],
      ],
      '=',
      -weight,
    );
    program.row(
      [
        [1, `s${index}`],
        [1, resident(index)],
      ],
      '>=',
      weight,
    );
    program.row([[1, `s${index}`], ...copied, [-1, 'buffer']], '<=', 0);
    program.row(
      [
        [1, `s${next}`],
        [-1, 'buffer'],
      ],
      '<=',
      0,
    );
    // A buffer holds what blocks that keep no page more leave to stream.
    program.row(
      [
        [1, 'slot'],
        [1, resident(index)],
        ...(integer ? [[-1 / membersOf(classes[index]!), `m${classes[index]}`] as const] : []),
      ],
      '>=',
      weight,
    );
    if (shape.slots === null) continue;
    // The blocks that the buffers can hold: this one and those that come next.
    const sitting = Array.from(
      { length: Math.min(shape.slots, count) },
      (_, ahead) => (index + ahead) % count,
    );
    program.row(
      [[1, `s${index}`], ...copied, ...sitting.map((block) => [1, resident(block)] as const)],
      '<=',
      sitting.reduce((sum, block) => sum + pages[block]!, 0),
    );
    const ahead = Array.from({ length: Math.min(shape.slots, count) }, (_, place) => (next + place) % count);
    program.row(
      [[1, `s${next}`], ...ahead.map((block) => [1, resident(block)] as const)],
      '<=',
      ahead.reduce((sum, block) => sum + pages[block]!, 0),
    );
  }
  program.row(
    [
      [1, 'buffer'],
      [-leastSlots, 'slot'],
    ],
    shape.slots === null ? '>=' : '=',
    0,
  );
  const residents = pages.map((_, index) => [workload.experts, resident(index)] as const);
  const held = [...residents, [1, 'buffer'] as const];
  program.row(held, '<=', room.gpuBytes / DEVICE_PAGE_BYTES, 'memory');
  if (aim.least === 'time') for (const [cost, name] of spent) program.cost(cost, name);
  else {
    program.row(spent, '<=', aim.passS * 1e3);
    for (const [cost, name] of held) program.cost(cost, name);
  }
  const weights = workload.experts * pages.reduce((sum, weight) => sum + weight, 0);
  if (Number.isFinite(room.pinnedBytes))
    program.row(residents, '>=', weights - room.pinnedBytes / DEVICE_PAGE_BYTES, 'pinned');
  const solved = room.gpuBytes < 0 ? null : solve(highs, program, gap);
  if (solved === null) return null;
  const isPriced = !integer && aim.least === 'time';
  return {
    passS: aim.least === 'time' ? solved.cost / 1e3 : aim.passS,
    residentBytes: integer
      ? wholePagesOf(solved, workload, classes, shape.slots ?? leastSlots)
      : pages.map((_, index) => solved.valueOf(resident(index)) * DEVICE_PAGE_BYTES),
    secondsPerGpuByte: isPriced ? -solved.dualOf('memory') / 1e3 / DEVICE_PAGE_BYTES : 0,
  };
}

/**
 * Whole pages of a class's blocks stay, as long as each leaves one of them to stream, or all of them. Fewer blocks than there are
 * may keep one page more; rows that ask for what a block keeps see the mean.
 *
 * @param members blocks among which pages are shared; 1 where all keep alike.
 */
function wholePages(program: LinearProgram, of: number, weight: number, members: number): void {
  const most = Math.max(0, Math.floor(weight) - 1);
  const pages = program.variable(`n${of}`, { high: most, integer: true });
  const more = program.variable(`m${of}`, { high: members - 1, integer: true });
  const all = program.variable(`w${of}`, { high: 1, integer: true });
  program.row(
    [
      [1, `r${of}`],
      [-1, pages],
      [-1 / members, more],
      [most - weight, all],
    ],
    '=',
    0,
  );
  program.row(
    [
      [1, pages],
      [-most, all],
    ],
    '>=',
    0,
  );
  // None keeps a page more than the most, so that none does where all stays.
  program.row(
    [
      [members, pages],
      [1, more],
    ],
    '<=',
    members * most,
  );
}

/** Bytes that stay of each block by the integer program: the pages of its class, shared among the class's blocks. */
function wholePagesOf(
  solved: Solved,
  { blocks }: Workload,
  classes: readonly number[],
  slots: number,
): number[] {
  const seen = new Map<number, number>();
  return blocks.map(({ weightBytes }, index) => {
    const of = classes[index]!;
    const place = seen.get(of) ?? 0;
    seen.set(of, place + 1);
    if (Math.round(solved.valueOf(`w${of}`)) === 1) return weightBytes;
    const members = classes.filter((own) => own === of).length;
    const pages = members * Math.round(solved.valueOf(`n${of}`)) + Math.round(solved.valueOf(`m${of}`));
    const bytes = sharedPages(pages, members, usualArrangement(slots))[place]! * DEVICE_PAGE_BYTES;
    // A block whose last, broken page alone would be streamed stays whole.
    return weightBytes - bytes < DEVICE_PAGE_BYTES ? weightBytes : bytes;
  });
}

/**
 * The class of each block of a pass: blocks of one kind that are fetched while blocks of one kind run. Nothing tells them apart
 * but the pass's ends, so an integer program keeps as much of all of them, and a schedule treats them alike.
 */
export function classesOf({ blocks }: Workload): number[] {
  const known: (readonly [unknown, unknown])[] = [];
  return blocks.map((block, index) => {
    const before = blocks[(index + blocks.length - 1) % blocks.length]!;
    const found = known.findIndex(([kind, running]) => kind === block && running === before);
    return found >= 0 ? found : known.push([block, before]) - 1;
  });
}

/** Seconds that a byte of a copy takes in chunks of a size, the pauses between them included. */
export function secondsPerByte(workload: Workload, system: System, chunkBytes: number): number {
  const { gapS } = system.gpu.copyEngine;
  return 1 / copyRates(system, workload.ranks).h2d + gapS / chunkBytes;
}

/** Whether a transport of a machine is made of pieces. */
export function isStagedCopy(system: System, name: string): boolean {
  return name !== NO_TRANSPORT && transportNamed(system, name).kind === 'staged-copy';
}
