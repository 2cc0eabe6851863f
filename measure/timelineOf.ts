import { max, median } from 'simple-statistics';
import type { Manifest, ManifestPlan } from '../codegen/manifest.ts';
import { type Place, UserError } from '../model/input/userError.ts';
import { phaseOf } from '../model/program/labels.ts';
import type { Interval, Timeline } from '../model/program/timeline.ts';
import { placeLabel } from './measuredPlans.ts';
import { type MeasuredRun, placeOfRecord } from './readMeasurement.ts';

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
  /** Of the record, for messages; left out for what is in no file. */
  place?: Place;
}

/**
 * A measured step in the form of a simulated one, so that both can be laid over each other.
 *
 * @param ranks of one plan, one entry a rank.
 * @param plan number of the plan in the program.
 * @param source where it was measured, for titles.
 * @throws UserError with the record's place where the manifest does not know a plan or a statement, which is then of another
 * program, and where something ends before it begins.
 */
export function timelineOf(
  ranks: readonly MeasuredIntervals[],
  manifest: Manifest,
  plan: number,
  source: string,
): Timeline {
  const described = manifest.plans[plan];
  if (described === undefined)
    throw new UserError(
      `timeline.plan: ${manifest.id} has no plan ${plan}; give the manifest of the program that ran`,
      ranks[0]?.place,
    );
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
    return { plan, timeline: timelineOf(ranksOf(run, plan), manifest, plan, source) };
  });
}

/** The timelines of a plan in a run, rank by rank, with their places. */
export function ranksOf(run: MeasuredRun, plan: number): MeasuredIntervals[] {
  return run.timelines
    .filter((record) => record.plan === plan)
    .map((record) => ({ ...record, place: placeOfRecord(run, record) }));
}

function intervalsOf(measured: MeasuredIntervals, plan: ManifestPlan): Interval[] {
  const parts = new Map<string, number[]>();
  const key = (index: number) => `${measured.position[index]}.${measured.statement[index]}`;
  for (let index = 0; index < measured.position.length; index += 1) {
    const known = parts.get(key(index));
    if (known === undefined) parts.set(key(index), [index]);
    else known.push(index);
  }
  const shares = sharesOf(measured, [...parts.values()]);
  return Array.from({ length: measured.position.length }, (_, index) => {
    const position = measured.position[index]!;
    const statement = measured.statement[index]!;
    const { routine, ops } = plan.positions[position] ?? { routine: '', ops: [] };
    const description = plan.statements[routine]?.[statement];
    const op = ops[statement];
    if (description === undefined || op === undefined) {
      throw new UserError(
        `timeline: plan ${plan.name} has no statement ${statement} at position ${position}; give the manifest of the program that ran`,
        measured.place,
      );
    }
    const [startS, endS] = [measured.startS[index]!, measured.endS[index]!];
    if (startS < 0 || endS < startS)
      throw new UserError(
        `timeline: statement ${statement} at position ${position} runs from ${startS} to ${endS} s; measure it anew`,
        measured.place,
      );
    const count = parts.get(key(index))!.length;
    const phase = description.category === 'collective' ? phaseOf(description.name) : null;
    return {
      rank: measured.rank,
      track: description.track,
      name: count > 1 ? `${description.name} ${measured.part[index]! + 1}/${count}` : description.name,
      category: description.category,
      ...(phase !== null && { phase }),
      startS,
      endS,
      op,
      position,
      bytes: description.bytes * shares[index]!,
    };
  });
}

/**
 * Each interval's share of its statement's bytes. All parts but the last one are of one size, which a manifest does not say: the last one
 * is as much shorter as its time is than the others' median.
 *
 * @param statements the intervals of each statement.
 */
function sharesOf({ part, startS, endS }: MeasuredIntervals, statements: readonly number[][]): number[] {
  const shares: number[] = [];
  for (const parts of statements) {
    const last = parts.reduce((most, index) => (part[index]! > part[most]! ? index : most));
    const others = parts.filter((index) => index !== last);
    const seconds = (index: number) => endS[index]! - startS[index]!;
    const usualS = others.length === 0 ? 0 : median(others.map(seconds));
    const lastPart = usualS > 0 ? Math.max(0, Math.min(1, seconds(last) / usualS)) : 1;
    for (const index of parts) shares[index] = (index === last ? lastPart : 1) / (others.length + lastPart);
  }
  return shares;
}
