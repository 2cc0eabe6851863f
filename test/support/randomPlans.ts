import fc from 'fast-check';
import { DEVICE_PAGE_BYTES } from '../../model/plan/devicePage.ts';
import { fitsSlots } from '../../model/plan/issueOrder.ts';
import type { BlockPlan, Plan, YieldRule } from '../../model/plan/plan.ts';
import { FROM_FILE } from '../../model/plan/recipe.ts';
import { dealChunks, issuerOf, windowsOf } from '../../model/plan/windows.ts';
import { presetHelp, presetPlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import { transportNamed } from '../../model/system/transport.ts';
import type { Workload } from '../../model/workload/workload.ts';

const MiB = 2 ** 20;

/** From min to max in thousandths, uniform or uniform in the logarithm. */
export const share = (min: number, max: number) =>
  fc.integer({ min: 0, max: 1000 }).map((step) => round(min + ((max - min) * step) / 1000));
export const logarithmic = (min: number, max: number) =>
  fc.integer({ min: 0, max: 1000 }).map((step) => round(min * (max / min) ** (step / 1000)));

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** A preset with settings as text, or everything that a plan file may say. */
export type DrawnPlan = string | FreePlan;

/** All that a plan may say, in numbers that fit any workload; `planOf` makes the plan. */
export interface FreePlan {
  yieldRule: YieldRule;
  /** null: whole blocks, or whole windows where they hold less. */
  chunkMiB: number | null;
  paceUs: number;
  spareSlots: number;
  drainAtPassStart: boolean;
  sequential: boolean;
  stagedInCopyStream: boolean;
  pieceMiB: number;
  /** Neighbouring blocks that are planned alike, equally many in each run. */
  runs: readonly FreeRun[];
}

interface FreeRun {
  /** Share of each block that stays. */
  resident: number;
  /** Blocks before its own at which a copy is issued. */
  ahead: number;
  /** Weights of the windows that the bytes go to; those that the running block does not have are left out. */
  shares: readonly number[];
}

const presetText = fc
  .record({
    preset: fc.constantFrom(...presetHelp.map(({ name }) => name)),
    chunk: fc.option(logarithmic(1, 256), { freq: 1 }),
    prefetch: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 1 }),
    resident: fc.option(share(0, 0.9), { freq: 2, nil: null }),
    residentLayers: fc.option(share(0, 0.8), { freq: 2, nil: null }),
    windows: fc.option(fc.array(share(0, 0.5), { minLength: 1, maxLength: 2 }), { freq: 1 }),
    paceUs: fc.option(logarithmic(5, 500), { freq: 1 }),
    keep: fc.array(fc.constantFrom('chunk', 'prefetch', 'resident', 'residentLayers', 'windows', 'paceUs'), {
      maxLength: 3,
    }),
  })
  .map(({ preset, keep, ...settings }) => {
    const { chunk, prefetch, resident, residentLayers, windows, paceUs } = settings;
    const texts: Record<string, string | undefined> = {
      chunk: chunk === null ? undefined : `chunk=${chunk}MiB`,
      prefetch: prefetch === null ? undefined : `prefetch=${prefetch}`,
      resident: resident === null ? undefined : `resident=${resident}`,
      residentLayers: residentLayers === null ? undefined : `resident-layers=${residentLayers}`,
      windows: windows === null || preset !== 'yield' ? undefined : `windows=${windows.join('/')}`,
      paceUs: paceUs === null || preset !== 'paced' ? undefined : `pace=${paceUs}us`,
    };
    return [preset, ...new Set(keep.map((key) => texts[key]))].filter((text) => text !== undefined).join(',');
  });

const runOfBlocks: fc.Arbitrary<FreeRun> = fc.record({
  resident: fc.oneof(
    { weight: 4, arbitrary: share(0, 0.95) },
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constant(1) },
  ),
  ahead: fc.constantFrom(1, 1, 1, 2, 3),
  shares: fc.array(fc.constantFrom(0, 0, 1, 1, 2, 5), { minLength: 1, maxLength: 6 }),
});

const freePlan: fc.Arbitrary<FreePlan> = fc.record({
  yieldRule: fc.constantFrom<YieldRule[]>('none', 'drain', 'wait', 'launch-window'),
  chunkMiB: fc.option(logarithmic(1, 256), { freq: 4 }),
  paceUs: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: logarithmic(5, 500) }),
  spareSlots: fc.constantFrom(0, 0, 1, 2),
  drainAtPassStart: fc.constantFrom(false, false, true),
  sequential: fc.constantFrom(false, false, false, false, false, false, false, true),
  stagedInCopyStream: fc.boolean(),
  pieceMiB: logarithmic(0.5, 16),
  runs: fc.array(runOfBlocks, { minLength: 1, maxLength: 3 }),
});

/** Plans of presets, one in three, and of every rule with every distribution over windows. */
export const drawnPlan: fc.Arbitrary<DrawnPlan> = fc.oneof(
  { weight: 1, arbitrary: presetText },
  { weight: 2, arbitrary: freePlan },
);

/** The plan for a workload: valid, as a plan file must be. */
export function planOf(drawn: DrawnPlan, workload: Workload, system: System, transport: string): Plan {
  if (typeof drawn === 'string') return presetPlan(drawn, workload, system, transport);
  const { blocks } = workload;
  const chunkBytes = Math.round((drawn.chunkMiB ?? Number.POSITIVE_INFINITY) * MiB);
  const runOf = (index: number) => drawn.runs[Math.floor((index * drawn.runs.length) / blocks.length)]!;
  const resident = blocks.map(({ weightBytes }, index) => {
    const share = runOf(index).resident;
    return share === 1
      ? weightBytes
      : Math.floor((share * weightBytes) / DEVICE_PAGE_BYTES) * DEVICE_PAGE_BYTES;
  });
  const streamed = blocks.flatMap(({ weightBytes }, index) =>
    resident[index]! < weightBytes ? [index] : [],
  );
  // A block is not fetched before it has been read itself, and a lone one has only its own buffer.
  const aheadOf = (index: number) =>
    streamed.length === 1 ? blocks.length - 1 : Math.min(runOf(index).ahead, streamed.length - 1);
  const ofBlocks = blocks.map(({ weightBytes }, index): BlockPlan => {
    const residentBytes = resident[index]!;
    if (residentBytes === weightBytes) return { residentBytes, issueAt: index, windowBytes: [] };
    const issueAt = index - aheadOf(index);
    const running = blocks[issuerOf(issueAt, blocks.length)]!;
    const windows = windowsOf(running);
    const shares = runOf(index).shares.slice(0, windows);
    return {
      residentBytes,
      issueAt,
      windowBytes: dealChunks(weightBytes - residentBytes, chunkBytes, shares),
    };
  });
  const issueAt = streamed.map((index) => ofBlocks[index]!.issueAt);
  const least = streamed.findIndex((_, count) =>
    fitsSlots({ streamed, issueAt, slots: count + 1 }, blocks.length),
  );
  if (streamed.length > 0 && least < 0) throw new Error(`no number of slots fits ${JSON.stringify(drawn)}`);
  const staged = workload.ranks > 1 && transportNamed(system, transport).kind === 'staged-copy';
  return {
    name: 'drawn',
    recipe: FROM_FILE,
    chunkBytes,
    slots: Math.min(streamed.length, least + 1 + drawn.spareSlots),
    blocks: ofBlocks,
    yieldRule: workload.ranks > 1 ? drawn.yieldRule : 'none',
    paceS: drawn.paceUs * 1e-6,
    drainAtPassStart: drawn.drainAtPassStart,
    sequential: drawn.sequential,
    transport: workload.ranks > 1 ? transport : 'none',
    pieceBytes: staged ? Math.round(drawn.pieceMiB * MiB) : 0,
    stagedInCopyStream: staged && drawn.stagedInCopyStream,
  };
}
