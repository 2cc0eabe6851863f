import { rowsAt, tokensOfFrames } from '../dit/tokens.ts';
import type { Plan } from '../plan/plan.ts';
import { textOf } from '../plan/recipe.ts';
import { presetPlan } from '../presets/presets.ts';
import type { System } from '../system/system.ts';
import { chosenTransport } from '../system/transport.ts';
import { rebound } from '../workload/bind.ts';
import type { SampleRows } from '../workload/rows.ts';
import type { BoundWorkload, Workload } from '../workload/workload.ts';
import { hidingExcess, type NoneStep, unroundedNoneStep } from './hidingExcess.ts';
import type { BreakEven } from './report.ts';
import { smallest } from './smallest.ts';
import { predictedStepS } from './stepReport.ts';

/** Range of sizes that is searched. */
const TOKENS = [1, 4e6] as const;
const FRAMES = [1, 4000] as const;
const BATCH = [1 / 64, 4096] as const;

const NO_BREAK_EVEN: BreakEven = { tokens: null, frames: null, batch: null };

/**
 * The sizes from which a plan costs less than 1 % of a step against no offload: more tokens at this batch, more
 * frames at this resolution, or a larger batch at this size. Between whole sizes, so that curves can be read.
 *
 * Null for a plan that streams nothing, for frames of an image model, and where even the largest size that is
 * looked at (4 M tokens, 4000 frames, batch 4096) does not hide the offload, as for plans that never overlap. A profile knows
 * no other size than the one that was measured.
 */
export function breakEven(workload: Workload, system: System, plan: Plan): BreakEven {
  if (plan.slots === 0 || workload.from === 'profile') return NO_BREAK_EVEN;
  const { model, size, batch } = workload;
  const sizes = sizesOf(workload, system, plan.transport);
  const text = textOf(plan.recipe);
  const excess = (rows: SampleRows, atBatch: number): number => {
    const { bound, made, none } = sizes(rows, atBatch);
    // Blocks weigh the same at any size, so a plan that no text made is the same plan there.
    return hidingExcess(bound, system, text === null ? plan : made(text), none.stepS);
  };
  const at = (tokens: number, frames = size.frames) => rowsOf(workload, tokens, frames);
  const noneS = (tokens: number) => sizes(at(tokens), batch).none.stepS;
  const atFrames = (frames: number) => at(tokensOfFrames(model, size, frames), frames);
  const tokens = smallest((value) => excess(at(value), batch), ...TOKENS, workload.tokens);
  // Copies take as long at any size, so that both hide them in steps of about the same length.
  const likelyBatch = tokens === null ? batch : (batch * noneS(tokens)) / noneS(workload.tokens);
  return {
    tokens,
    frames:
      model.vae.frames === 'none'
        ? null
        : smallest((value) => excess(atFrames(value), batch), ...FRAMES, framesOfTokens(workload, tokens)),
    batch: smallest((value) => excess(at(workload.tokens), value), ...BATCH, likelyBatch),
  };
}

/** Frames that have so many tokens at a workload's width and height; its own where the tokens are not known. */
function framesOfTokens({ model, size }: BoundWorkload, tokens: number | null): number {
  if (tokens === null) return size.frames;
  const [first, second] = [tokensOfFrames(model, size, 1), tokensOfFrames(model, size, 2)];
  return Math.max(1, 1 + (tokens - first) / (second - first));
}

/** A plan's step at one size, and the step without offload on its transport. Seconds. */
export interface StepAtSize {
  stepS: number;
  noneS: number;
}

/** A plan's step at so many tokens a sample, all else as it is: the curve that `breakEven` searches. */
export function stepAtTokens(
  workload: BoundWorkload,
  system: System,
  plan: Plan,
  tokens: number,
): StepAtSize {
  const { size, batch } = workload;
  const rows = rowsOf(workload, tokens, size.frames);
  const { bound, made } = sizesOf(workload, system, plan.transport)(rows, batch);
  const text = textOf(plan.recipe);
  return {
    stepS: predictedStepS(bound, system, text === null ? plan : made(text)),
    noneS: predictedStepS(bound, system, made('none')),
  };
}

function rowsOf({ model, textRows }: BoundWorkload, tokens: number, frames: number): SampleRows {
  return { ...rowsAt(model, tokens, frames), t: textRows };
}

/** A workload at another size. */
interface AtSize {
  bound: BoundWorkload;
  /** The plan of a text for it. */
  made: (text: string) => Plan;
  none: NoneStep;
}

const known = new WeakMap<BoundWorkload, { system: System; sizes: Map<string, AtSize> }>();

/** A workload at other sizes. Plans are compared one after another, and most of their searches pass through the same sizes. */
function sizesOf(
  workload: BoundWorkload,
  system: System,
  transport: string,
): (rows: SampleRows, batch: number) => AtSize {
  let found = known.get(workload);
  if (found?.system !== system) {
    found = { system, sizes: new Map() };
    known.set(workload, found);
  }
  const { sizes } = found;
  let likelyClock: number | undefined;
  return (rows, batch) => {
    const key = JSON.stringify([transport, rows, batch]);
    const before = sizes.get(key);
    if (before !== undefined) return before;
    const bound = rebound(workload, rows, { batch });
    const made = (text: string) => presetPlan(text, bound, system, chosenTransport({ transport }));
    const none = unroundedNoneStep(bound, system, made('none'), likelyClock);
    const at = { bound, made, none };
    likelyClock = none.clock;
    sizes.set(key, at);
    return at;
  };
}
