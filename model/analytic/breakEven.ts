import { rowsAt, tokensOfFrames } from '../dit/tokens.ts';
import type { Plan } from '../plan/plan.ts';
import { textOf } from '../plan/recipe.ts';
import { presetPlan } from '../presets/presets.ts';
import type { System } from '../system/system.ts';
import { chosenTransport } from '../system/transport.ts';
import { rebound } from '../workload/bind.ts';
import type { SampleRows } from '../workload/rows.ts';
import type { BoundWorkload, Workload } from '../workload/workload.ts';
import type { BreakEven } from './report.ts';
import { HIDDEN_SHARE, predictedStepS } from './stepReport.ts';

/** Range of sizes that is searched, and how fine: a quarter of a per cent of the answer. */
const MOST_TOKENS = 4e6;
const MOST_FRAMES = 4000;
const MOST_BATCH = 4096;
const STEPS = 24;

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
  const steps = stepsAt(workload, system, plan);
  const hidden = (rows: SampleRows, atBatch: number): boolean => {
    const { stepS, noneS } = steps(rows, atBatch);
    return stepS <= (1 + HIDDEN_SHARE) * noneS;
  };
  const at = (tokens: number, frames = size.frames) => rowsOf(workload, tokens, frames);
  return {
    tokens: smallest((tokens) => hidden(at(tokens), batch), 1, MOST_TOKENS),
    frames:
      model.vae.frames === 'none'
        ? null
        : smallest(
            (frames) => hidden(at(tokensOfFrames(model, size, frames), frames), batch),
            1,
            MOST_FRAMES,
          ),
    batch: smallest((value) => hidden(at(workload.tokens), value), 1 / 64, MOST_BATCH),
  };
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
  return stepsAt(workload, system, plan)(rowsOf(workload, tokens, workload.size.frames), workload.batch);
}

function rowsOf({ model, textRows }: BoundWorkload, tokens: number, frames: number): SampleRows {
  return { ...rowsAt(model, tokens, frames), t: textRows };
}

function stepsAt(
  workload: BoundWorkload,
  system: System,
  plan: Plan,
): (rows: SampleRows, batch: number) => StepAtSize {
  const sizes = sizesOf(workload, system, plan.transport);
  const text = textOf(plan.recipe);
  return (rows, batch) => {
    const { bound, made, noneS } = sizes(rows, batch);
    // Blocks weigh the same at any size, so a plan that no text made is the same plan there.
    return { stepS: predictedStepS(bound, system, text === null ? plan : made(text)), noneS };
  };
}

/** A workload at another size. */
interface AtSize {
  bound: BoundWorkload;
  /** The plan of a text for it. */
  made: (text: string) => Plan;
  /** Its step without offload. */
  noneS: number;
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
  return (rows, batch) => {
    const key = JSON.stringify([transport, rows, batch]);
    const before = sizes.get(key);
    if (before !== undefined) return before;
    const bound = rebound(workload, rows, { batch });
    const made = (text: string) => presetPlan(text, bound, system, chosenTransport({ transport }));
    const at = { bound, made, noneS: predictedStepS(bound, system, made('none')) };
    sizes.set(key, at);
    return at;
  };
}

/** Bisection on a logarithmic scale for the smallest value that satisfies; the lower end if even that does. */
export function smallest(satisfies: (value: number) => boolean, low: number, high: number): number | null {
  if (!satisfies(high)) return null;
  if (satisfies(low)) return low;
  let below = low;
  let above = high;
  for (let step = 0; step < STEPS && above / below > 1.0005; step += 1) {
    const middle = Math.sqrt(below * above);
    if (satisfies(middle)) above = middle;
    else below = middle;
  }
  return above;
}
