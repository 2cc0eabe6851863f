import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { MiB } from '../model/input/byteUnits.ts';
import { UserError } from '../model/input/userError.ts';
import { copyRates } from '../model/physics/rates.ts';
import { DEVICE_PAGE_BYTES, wholePages } from '../model/plan/devicePage.ts';
import type { BlockPlan, Plan, YieldRule } from '../model/plan/plan.ts';
import { FROM_SEARCH } from '../model/plan/recipe.ts';
import { dealChunks, windowsOf } from '../model/plan/windows.ts';
import type { System } from '../model/system/system.ts';
import { distinctName, distinctTransports, joins, transportNamed } from '../model/system/transport.ts';
import type { Workload } from '../model/workload/workload.ts';
import { type Caps, fits } from './caps.ts';

/** Blocks that are planned alike lie in so many runs at the most: what differs is code of its own in the generated program. */
const MOST_RUNS = 4;
const MOST_AHEAD = 3;
/** Shapes that are tried before the leanest of each transport, page by page. */
const SHAPES = 64;
/** Degrees of residency that are tried of each, from nothing to everything. */
const LEVELS = 64;

export interface RandomPlanOptions {
  /** A whole number: the same seed gives the same plan, bit by bit. */
  seed: number;
  caps: Caps;
  /** Drawn from; by default all of the machine's, each once. */
  transports?: readonly string[];
}

/** What is drawn of neighbouring blocks of one kind. */
interface Run {
  /** Index of its first block and of the one behind its last. */
  from: number;
  to: number;
  /** Levels of residency, from 0 to 1, between which its blocks go from streamed to resident. */
  staysFrom: number;
  staysAt: number;
  /** Blocks before its own at which a copy is issued. */
  ahead: number;
  /** Weights of the windows that its bytes are dealt to. */
  shares: readonly number[];
}

/** Everything that is drawn of a plan but how much of it stays on the GPU. */
interface Shape {
  transport: string;
  pieceBytes: number;
  chunkBytes: number;
  yieldRule: YieldRule;
  paceS: number;
  spareSlots: number;
  runs: readonly Run[];
}

/**
 * A random plan that is valid and keeps within the caps: any transport, chunk size, yield rule, pace, number of slots and
 * depth of prefetch, and for each of up to four runs of blocks what stays, when it is issued and in which windows.
 *
 * @throws UserError where none of thousands that were drawn keeps within the caps, the leanest included.
 * @example randomPlan(workload, system, { seed: 7, caps: machineCaps(workload, system) }).name // 'random-7'
 */
export function randomPlan(workload: Workload, system: System, options: RandomPlanOptions): Plan {
  // Neighbouring seeds start out alike: as they are, two in six transports would never be drawn.
  const random = xoroshiro128plus(Math.imul(options.seed + 1, 0x9e3779b1));
  const transports =
    options.transports?.map((name) => (workload.ranks > 1 ? distinctName(system, name) : name)) ??
    distinctTransports(system)
      .filter((one) => joins(system, one, workload.ranks))
      .map(({ name }) => name);
  const fitting = (shape: Shape, levels: number) =>
    Array.from({ length: levels + 1 }, (_, level) =>
      planOfShape(shape, level / levels, workload, options.seed),
    ).filter((plan) => fits(workload, system, plan, options.caps));
  for (let tried = 0; tried < SHAPES; tried += 1) {
    const plans = fitting(drawShape(random, workload, system, transports), LEVELS);
    if (plans.length > 0) return pick(random, plans);
  }
  const pages = Math.max(...workload.blocks.map(({ weightBytes }) => weightBytes / DEVICE_PAGE_BYTES));
  const lean = transports.flatMap((transport) =>
    fitting(leanest(drawShape(random, workload, system, [transport]), workload), Math.ceil(pages)),
  );
  if (lean.length > 0) return pick(random, lean);
  const { gpuBytes, pinnedBytes } = options.caps;
  throw new UserError(
    `no random plan of ${workload.model.id} keeps within ${gpuBytes} bytes of GPU memory and ${pinnedBytes} pinned; raise one of them`,
  );
}

function drawShape(
  random: RandomGenerator,
  workload: Workload,
  system: System,
  transports: readonly string[],
): Shape {
  const chunkBytes = pick(random, [1, 2, 4, 8, 16, 32, 64, Number.POSITIVE_INFINITY]) * MiB;
  const transport = workload.ranks > 1 ? transportNamed(system, pick(random, transports)) : null;
  return {
    transport: transport?.name ?? 'none',
    pieceBytes: transport?.kind === 'staged-copy' ? pick(random, [1, 2, 4, 8]) * MiB : 0,
    chunkBytes,
    yieldRule: transport === null ? 'none' : pick(random, ['none', 'wait', 'drain']),
    paceS: drawPaceS(random, chunkBytes / copyRates(system, workload.ranks).h2d),
    spareSlots: pick(random, [0, 0, 1]),
    runs: drawRuns(random, workload),
  };
}

/** Mostly none; else up to the copy of a chunk itself, so that copies take twice as long at the most. Whole microseconds. */
function drawPaceS(random: RandomGenerator, chunkS: number): number {
  const share = pick(random, [0, 0, 0, 1]) * fraction(random);
  return Number.isFinite(chunkS) ? Math.round(share * chunkS * 1e6) / 1e6 : 0;
}

function drawRuns(random: RandomGenerator, { blocks }: Workload): Run[] {
  const windows = Math.min(...blocks.map(windowsOf));
  const starts = blocks.flatMap((kind, index) => (kind === blocks[index - 1] ? [] : [index]));
  for (let more = uniformInt(random, 0, MOST_RUNS - 1); more > 0 && starts.length < MOST_RUNS; more -= 1) {
    const start = uniformInt(random, 0, blocks.length - 1);
    if (!starts.includes(start)) starts.push(start);
  }
  starts.sort((a, b) => a - b);
  return starts.map((from, index) => {
    const [low, high] = [fraction(random), fraction(random)].sort((a, b) => a - b) as [number, number];
    return {
      ...{ from, to: starts[index + 1] ?? blocks.length },
      ...{ staysFrom: pick(random, [0, low]), staysAt: pick(random, [1, high]) },
      ahead: uniformInt(random, 1, MOST_AHEAD),
      shares: drawShares(random, windows),
    };
  });
}

/** All in the first window, or any weights, some of them nothing. */
function drawShares(random: RandomGenerator, windows: number): number[] {
  const open = pick(random, [true, false, false]);
  const shares = Array.from({ length: windows }, () => pick(random, [0, 1, 1]) * fraction(random));
  return open || shares.every((share) => share === 0) ? [1] : shares;
}

/** The same with the fewest slots, and all blocks as resident as each other: the least memory at every level. */
function leanest(shape: Shape, { blocks }: Workload): Shape {
  const alike = shape.runs.filter(({ from }) => from === 0 || blocks[from] !== blocks[from - 1]);
  const runs = alike.map((run, index) => ({
    ...run,
    ...{ to: alike[index + 1]?.from ?? blocks.length, staysFrom: 0, staysAt: 1, ahead: 1 },
  }));
  return { ...shape, spareSlots: 0, runs };
}

/** The plan of a shape with nothing resident at level 0 and everything at level 1. */
function planOfShape(shape: Shape, level: number, workload: Workload, seed: number): Plan {
  const { runs, spareSlots, ...rest } = shape;
  const kept = runs.flatMap((run) =>
    workload.blocks.slice(run.from, run.to).map(({ weightBytes }) => ({
      run,
      weightBytes,
      residentBytes: wholePages(staying(run, level) * weightBytes, weightBytes),
    })),
  );
  const streamed = kept.filter(({ residentBytes, weightBytes }) => residentBytes < weightBytes);
  // A block is issued after the one before it in its buffer has been read: one slot more than blocks ahead, where so many are.
  const aheadOf = ({ ahead }: Run) =>
    streamed.length === 1 ? Math.max(1, kept.length - 1) : Math.min(ahead, streamed.length - 1);
  const deepest = Math.max(0, ...streamed.map(({ run }) => aheadOf(run)));
  const blocks = kept.map(({ run, residentBytes, weightBytes }, index): BlockPlan => {
    const bytes = weightBytes - residentBytes;
    if (bytes === 0) return { residentBytes, issueAt: index, windowBytes: [] };
    const windowBytes = dealChunks(bytes, shape.chunkBytes, run.shares);
    return { residentBytes, issueAt: index - aheadOf(run), windowBytes };
  });
  return {
    ...rest,
    ...{ name: `random-${seed}`, recipe: FROM_SEARCH, blocks },
    slots: Math.min(deepest + 1 + spareSlots, streamed.length),
    ...{ drainAtPassStart: false, sequential: false },
    // Without waits the pieces keep a stream of their own, as in the presets.
    stagedInCopyStream: shape.pieceBytes > 0 && shape.yieldRule === 'wait',
  };
}

/** Share of a run's bytes that stays at a level. */
function staying({ staysFrom, staysAt }: Run, level: number): number {
  if (level >= staysAt) return 1;
  return level <= staysFrom ? 0 : (level - staysFrom) / (staysAt - staysFrom);
}

function pick<T>(random: RandomGenerator, values: readonly T[]): T {
  return values[uniformInt(random, 0, values.length - 1)]!;
}

/** From 0 to 1 in thousandths. */
function fraction(random: RandomGenerator): number {
  return uniformInt(random, 0, 1000) / 1000;
}
