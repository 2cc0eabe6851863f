import { max } from 'simple-statistics';
import type { Interval, Timeline } from '../../model/timeline.ts';
import type { Manifest, ManifestPlan } from '../manifest.ts';
import { placeLabel } from './measuredPlans.ts';
import type { MeasuredRun } from './readMeasurement.ts';

/**
 * When each statement of one rank's step ran, as columns of the same length. `part` is the number of a chunk or piece within
 * its statement; seconds count from the start of the step.
 */
export interface MeasuredIntervals {
  rank: number;
  stepS: number;
  position: ArrayLike<number>;
  statement: ArrayLike<number>;
  part: ArrayLike<number>;
  startS: ArrayLike<number>;
  endS: ArrayLike<number>;
}

/**
 * A measured step in the form of a simulated one, so that both can be laid over each other.
 *
 * @param ranks of one plan, one entry a rank.
 * @param plan number of the plan in the program.
 * @param source where it was measured, for titles.
 * @throws Error where the manifest does not know a statement: it is of another program.
 */
export function timelineOf(
  ranks: readonly MeasuredIntervals[],
  manifest: Manifest,
  plan: number,
  source: string,
): Timeline {
  const described = manifest.plans[plan];
  if (described === undefined) throw new Error(`${manifest.id} has no plan ${plan}`);
  return {
    source,
    // The step ends when its last rank does.
    stepTimeS: max(ranks.map(({ stepS }) => stepS)),
    intervals: ranks.flatMap((rank) => intervalsOf(rank, described)),
    links: [],
    arrivals: [],
  };
}

/** The measured timelines of a run, one for each plan that has any. */
export function timelinesOf(run: MeasuredRun, manifest: Manifest): { plan: number; timeline: Timeline }[] {
  const plans = [...new Set(run.timelines.map(({ plan }) => plan))];
  const source = `measured, ${placeLabel(run.run)}`;
  return plans.map((plan) => {
    const ranks = run.timelines.filter((record) => record.plan === plan);
    return { plan, timeline: timelineOf(ranks, manifest, plan, source) };
  });
}

function intervalsOf(measured: MeasuredIntervals, plan: ManifestPlan): Interval[] {
  const parts = new Map<string, number>();
  const key = (index: number) => `${measured.position[index]}.${measured.statement[index]}`;
  for (let index = 0; index < measured.position.length; index += 1) {
    parts.set(key(index), (parts.get(key(index)) ?? 0) + 1);
  }
  return Array.from({ length: measured.position.length }, (_, index) => {
    const position = measured.position[index]!;
    const statement = measured.statement[index]!;
    const { routine, ops } = plan.positions[position] ?? { routine: '', ops: [] };
    const description = plan.statements[routine]?.[statement];
    const op = ops[statement];
    if (description === undefined || op === undefined) {
      throw new Error(`plan ${plan.name} has no statement ${statement} at position ${position}`);
    }
    const count = parts.get(key(index))!;
    return {
      rank: measured.rank,
      track: description.track,
      name: count > 1 ? `${description.name} ${measured.part[index]! + 1}/${count}` : description.name,
      category: description.category,
      startS: measured.startS[index]!,
      endS: measured.endS[index]!,
      op,
      position,
      // All parts but a short last one are of one size, which a share of the whole is close to.
      bytes: description.bytes / count,
    };
  });
}
