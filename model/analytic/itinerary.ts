import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { issueSchedule, type ScheduledRun } from './issueSchedule.ts';
import { launchesOf } from './launches.ts';

/** What one block of a pass issues, in the order of the copy stream. */
export interface BlockIssues {
  /** At its start, and it waits for them. */
  own: readonly ScheduledRun[];
  /** At its start, for later blocks. */
  early: readonly ScheduledRun[];
  /** At the end of its first, second, ... collective. */
  afterCollective: readonly (readonly ScheduledRun[])[];
}

/** What a walk finds in each block of a pass, whatever the clock. */
export interface Itinerary {
  workload: Workload;
  system: System;
  issues: readonly BlockIssues[];
  /** Per launch point of each block; null where launches hold no chunks. */
  launches: readonly (readonly number[])[] | null;
  /** How many of the next blocks do just what each does. */
  alike: readonly number[];
}

/** A plan is walked a dozen times, a clock each, and its itinerary is most of the work of a walk. */
const itineraries = new WeakMap<Plan, Itinerary>();

export function itineraryOf(workload: Workload, system: System, plan: Plan): Itinerary {
  const known = itineraries.get(plan);
  if (known !== undefined && known.workload === workload && known.system === system) return known;
  const isOwn = ({ ahead }: ScheduledRun) => plan.sequential || ahead === 0;
  const issues = issueSchedule(workload, system, plan).map(({ atStart, afterCollective }) => ({
    ...{ own: atStart.filter(isOwn), early: atStart.filter((run) => !isOwn(run)) },
    afterCollective,
  }));
  const launches = launchesOf(workload, system, plan);
  const alike = countAlike(workload, issues, launches);
  const itinerary = { workload, system, issues, launches, alike };
  itineraries.set(plan, itinerary);
  return itinerary;
}

function countAlike(
  { blocks }: Workload,
  issues: Itinerary['issues'],
  launches: Itinerary['launches'],
): number[] {
  const isLike = (one: number, other: number) =>
    blocks[one] === blocks[other] &&
    issueAlike(issues[one]!, issues[other]!) &&
    sameValues(launches?.[one] ?? [], launches?.[other] ?? [], 0);
  const alike = blocks.map(() => 0);
  // A pass's first block may have to wait for all copies.
  for (let block = blocks.length - 2; block > 0; block -= 1) {
    if (isLike(block, block + 1)) alike[block] = alike[block + 1]! + 1;
  }
  return alike;
}

/** Whether two blocks issue the same bytes for blocks equally far ahead, in the same order. */
function issueAlike(one: BlockIssues, other: BlockIssues): boolean {
  const alike = (some: readonly ScheduledRun[], others: readonly ScheduledRun[]) =>
    some.length === others.length &&
    some.every((run, index) => {
      const like = others[index]!;
      return (
        run.ahead === like.ahead &&
        run.issuerAhead === like.issuerAhead &&
        run.window === like.window &&
        run.bytes === like.bytes
      );
    });
  return (
    alike(one.own, other.own) &&
    alike(one.early, other.early) &&
    one.afterCollective.every((runs, index) => alike(runs, other.afterCollective[index]!))
  );
}

export function sameValues(some: readonly number[], others: readonly number[], slack: number): boolean {
  return (
    some.length === others.length && some.every((value, index) => Math.abs(value - others[index]!) <= slack)
  );
}
