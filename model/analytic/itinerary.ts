import type { Plan } from '../plan/plan.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { collectivesHoldChunks, issueSchedule, type ScheduledRun } from './issueSchedule.ts';
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

/** What blocks issue, whatever the machine but for what holds chunks back. */
interface Schedule {
  workload: Workload;
  isHeld: boolean;
  issues: readonly BlockIssues[];
  /** Whether the next block is of the same kind and issues the same. */
  isLikeNext: readonly boolean[];
}

/** A plan is walked a dozen times, a clock each, and its itinerary is most of the work of a walk. */
const itineraries = new WeakMap<Plan, Itinerary>();
/** Plans are also held against many machines, on which they issue the same. */
const schedules = new WeakMap<Plan, Schedule>();

export function itineraryOf(workload: Workload, system: System, plan: Plan): Itinerary {
  const known = itineraries.get(plan);
  if (known !== undefined && known.workload === workload && known.system === system) return known;
  const { issues, isLikeNext } = scheduleOf(workload, system, plan);
  const launches = launchesOf(workload, system, plan);
  const alike = countAlike(isLikeNext, launches);
  const itinerary = { workload, system, issues, launches, alike };
  itineraries.set(plan, itinerary);
  return itinerary;
}

function scheduleOf(workload: Workload, system: System, plan: Plan): Schedule {
  const known = schedules.get(plan);
  const isHeld = collectivesHoldChunks(workload, system, plan);
  if (known !== undefined && known.workload === workload && known.isHeld === isHeld) return known;
  const isOwn = ({ ahead }: ScheduledRun) => plan.sequential || ahead === 0;
  const issues = issueSchedule(workload, system, plan).map(({ atStart, afterCollective }) => ({
    ...{ own: atStart.filter(isOwn), early: atStart.filter((run) => !isOwn(run)) },
    afterCollective,
  }));
  const { blocks } = workload;
  const isLikeNext = blocks.map(
    (block, index) =>
      index + 1 < blocks.length &&
      block === blocks[index + 1] &&
      issueAlike(issues[index]!, issues[index + 1]!),
  );
  const schedule = { workload, isHeld, issues, isLikeNext };
  schedules.set(plan, schedule);
  return schedule;
}

function countAlike(isLikeNext: readonly boolean[], launches: Itinerary['launches']): number[] {
  const alike = isLikeNext.map(() => 0);
  // A pass's first block may have to wait for all copies.
  for (let block = alike.length - 2; block > 0; block -= 1) {
    const isLike = isLikeNext[block]! && sameValues(launches?.[block] ?? [], launches?.[block + 1] ?? [], 0);
    if (isLike) alike[block] = alike[block + 1]! + 1;
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
