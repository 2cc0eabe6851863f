import type { Place } from '../../model/input/userError.ts';
import { atPlace } from '../../model/input/userError.ts';
import { planElsewhere } from '../../model/plan/planElsewhere.ts';
import { lower } from '../../model/program/lower.ts';
import { likeSimulated } from '../../model/program/measuredTimeline.ts';
import type { Timeline } from '../../model/program/timeline.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { simulate } from '../../sim/simulate.ts';
import type { TimelineRecord } from '../dataset/timelineRecord.ts';
import { cellScenario } from './cellScenario.ts';
import { cellOfRecord } from './recordedCell.ts';

/** One step as it was measured, and as it is simulated. */
export interface StepTimelines {
  measured: Timeline;
  simulated: Timeline;
  /** That the simulated step is of. */
  machine: System;
  /** Blocks of a step, all passes together. */
  blocks: number;
}

/**
 * Simulates the step that a record is of.
 *
 * @param place of the record and of its intervals, for messages.
 * @param machine that predicts, such as a fitted one; left out, the one that the plan was made for.
 * @throws UserError for a cell or plan that does not fit together, and for intervals of another program than the plan lowers to.
 */
export function stepTimelines(
  record: TimelineRecord,
  place: (index?: number) => Place,
  machine?: string,
): StepTimelines {
  const { workload, system, plans } = atPlace(place(), () => cellScenario(cellOfRecord(record)));
  const plan = plans[0]!;
  const by = machine === undefined ? system : loadSystem(machine);
  const planned = planElsewhere(plan, workload, system);
  return {
    measured: likeSimulated(record.timeline, lower(workload, system, plan), place),
    simulated: simulate(workload, by, planned, { breakEven: false, timeline: true }).timeline!,
    machine: by,
    blocks: workload.blocks.length * workload.passes,
  };
}
