import type { StepReport } from '../model/analytic/report.ts';
import type { Plan } from '../model/plan/plan.ts';
import type { Workload } from '../model/workload/workload.ts';
import { streamedBound } from './capBound.ts';
import { type Caps, fits } from './caps.ts';
import { countPlans, type Placing, placings, plansOf } from './everyPlan.ts';
import type { Search } from './search.ts';
import { type WeightRoom, weightRoom } from './streamProgram.ts';

/** What bounds and simulator may differ by: a clock that both round, and flows of several GPUs on one link. */
export const BOUND_ROUNDING = 2e-3;

/** What was found in a whole space. */
export interface Exhausted {
  /** The first of the fastest plans; null where none within the caps is faster than the incumbent. */
  best: { plan: Plan; report: StepReport } | null;
  /** Plans of the space, and those of them that had to be simulated. */
  plans: number;
  simulated: number;
}

/**
 * The fastest plan within caps of every one there is: branch and bound over `everyPlan`.
 *
 * Plans that stream as much over one backend share a lower bound on their step. Those of one placing are taken together, the lowest
 * bound first, until none is below the best step so far: whatever is not simulated is no faster.
 *
 * @param incumbentS seconds of the best step that is known; only faster plans are of interest.
 */
export function exhaust(
  search: Pick<Search, 'workload' | 'system' | 'space' | 'oracle'>,
  caps: Caps,
  incumbentS = Number.POSITIVE_INFINITY,
): Exhausted {
  const { workload, system, space, oracle } = search;
  const open = openPlacings(search, caps, incumbentS);
  let best: Exhausted['best'] = null;
  let bestS = incumbentS;
  let simulated = 0;
  for (const { placing, leastS } of open) {
    if (leastS >= bestS) break;
    for (const plan of plansOf(placing, workload, system, space)) {
      // All plans of a placing take the same memory.
      if (!fits(workload, system, plan, caps)) break;
      simulated += 1;
      const report = oracle(plan);
      if (report.stepTimeS >= bestS) continue;
      best = { plan, report };
      bestS = report.stepTimeS;
      if (leastS >= bestS) break;
    }
  }
  return { best, plans: countPlans(workload, space), simulated };
}

interface OpenPlacing {
  placing: Placing;
  leastS: number;
}

/** Placings within the caps whose bound is below a step, the lowest bound first. */
function openPlacings(
  { workload, system, space }: Pick<Search, 'workload' | 'system' | 'space'>,
  caps: Caps,
  incumbentS: number,
): OpenPlacing[] {
  const all = [...placings(workload, space)];
  const open = space.backends.flatMap((backend) => {
    const room = weightRoom(workload, system, caps, backend);
    const sized = all
      .filter((placing) => placing.backend === backend && isWithin(placing, workload, room))
      .map((placing) => ({ placing, bytes: sum(streamedOf(placing)) }))
      .sort((a, b) => a.bytes - b.bytes);
    const known = new Map<number, number>();
    const found: OpenPlacing[] = [];
    for (const { placing, bytes } of sized) {
      const leastS =
        known.get(bytes) ??
        streamedBound(workload, system, [backend], bytes).stepTimeS * (1 - BOUND_ROUNDING);
      known.set(bytes, leastS);
      // The more is streamed, the higher the bound.
      if (leastS >= incumbentS) break;
      found.push({ placing, leastS });
    }
    return found;
  });
  return open.sort((a, b) => a.leastS - b.leastS);
}

/** Whether a placing's residents and buffers have room, to a byte of rounding; whether its plans fit is asked of each. */
function isWithin(placing: Placing, { blocks, experts }: Workload, room: WeightRoom): boolean {
  const streamed = streamedOf(placing);
  const streamedBytes = sum(streamed);
  const stays = sum(blocks.map(({ weightBytes }) => weightBytes)) - streamedBytes;
  const buffers = placing.order.order.slots * Math.max(0, ...streamed);
  return experts * stays + buffers <= room.gpuBytes + 1 && experts * streamedBytes <= room.pinnedBytes + 1;
}

/** Bytes that each streamed block of a placing leaves to stream. */
function streamedOf({ order: { classes }, kept }: Placing): number[] {
  return classes.flatMap(({ weightBytes }, of) => kept[of]!.map((stays) => weightBytes - stays));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
