import { max } from 'simple-statistics';
import { grouped } from '../../model/input/grouped.ts';
import { UserError } from '../../model/input/userError.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import { planElsewhere } from '../../model/plan/planElsewhere.ts';
import type { Recipe } from '../../model/plan/recipe.ts';
import type { System } from '../../model/system/system.ts';
import { type ProgramDepth, programDepth } from '../dataset/programDepth.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import { cellScenario } from '../grid/cellScenario.ts';
import { cellOfRecord } from '../grid/recordedCell.ts';
import { recipeOfRun } from '../heldOut/compareSteps.ts';
import { middleVisitS, visitNoise } from './visits.ts';

/** A plan as it measured in one cell; measured in several runs it counts once. */
export interface MeasuredPlan {
  plan: string;
  recipe: Recipe;
  transport: string;
  /** Median over the visits of all runs: a round that something else on the machine disturbed does not decide. */
  stepS: number;
  /** Median step of each round of all runs, seconds. */
  visitS: number[];
  /** How far the visits lie from their median, relative (`visitNoise`); null for one visit. */
  noise: number | null;
  /** GPU memory as `predict` says it and caps mean it. */
  gpuBytes: number;
  /** What its program claimed, which knows its activations and not only an estimate of them. */
  claimedBytes: number;
}

/** All plans that were measured of one cell in one place and mode: what is compared with each other. */
export interface MeasuredCell {
  cell: string;
  depth: ProgramDepth;
  mode: StepRun['mode'];
  place: StepRun['place'];
  device: string;
  /** In the order of the datasets. */
  plans: MeasuredPlan[];
  /** Plans that computed other bits than the first of their run: their time says nothing. */
  wrongOutput: string[];
}

/** Which cell, and what measured it: tables name all of it. */
export type MeasuredIn = Pick<MeasuredCell, 'cell' | 'depth' | 'mode' | 'place' | 'device'>;

export function whereMeasured({ cell, depth, mode, place, device }: MeasuredCell): MeasuredIn {
  return { cell, depth, mode, place, device };
}

/** The lines that a measured cell was put together from. */
export function runsOf(
  runs: readonly StepRun[],
  { cell, mode, place, device }: Omit<MeasuredIn, 'depth'>,
): StepRun[] {
  return runs.filter(
    (run) => run.cell.id === cell && run.mode === mode && run.place === place && run.device.name === device,
  );
}

/**
 * Puts the lines of datasets together by cell, place and mode.
 *
 * @param machine whose memory plans take; null for each cell's own.
 * @throws UserError where one name stands for two programs.
 */
export function measuredCells(runs: readonly StepRun[], machine: System | null = null): MeasuredCell[] {
  const groups = groupsOf(runs, ({ cell, place, device, mode }) =>
    JSON.stringify([cell.id, place, device.name, mode]),
  );
  return groups.map((own): MeasuredCell => {
    const [{ cell, mode, place, device }] = own as [StepRun];
    const plans = groupsOf(own, ({ plan }) => plan);
    for (const same of plans) refuseTwoPrograms(same);
    const right = plans.filter((same) => same.every(({ sameOutput }) => sameOutput));
    const asPlanned = plannedAs(
      right.map(([run]) => run!),
      machine,
    );
    return {
      ...{ cell: cell.id, depth: programDepth(cell), mode, place, device: device.name },
      plans: right.map((same, index) => measuredPlan(same, asPlanned[index]!)),
      wrongOutput: plans.filter((same) => !right.includes(same)).map(([run]) => run!.plan),
    };
  });
}

function measuredPlan(same: readonly StepRun[], planned: Planned): MeasuredPlan {
  const [run] = same as [StepRun];
  const visitS = same.flatMap((one) => one.visitS);
  return {
    ...{ plan: run.plan, recipe: recipeOfRun(run), ...planned },
    ...{ stepS: middleVisitS(visitS), visitS, noise: visitNoise(visitS) },
    claimedBytes: max(same.map(({ memory }) => memory.claimedBytes)),
  };
}

/** Of a measured plan, what its records do not say, or only for the machine that it was made for. */
type Planned = Pick<MeasuredPlan, 'transport' | 'gpuBytes'>;

/** Plans of one cell with the transports that they were made for, as all machines call them, and the memory that they take of one. */
function plannedAs(runs: readonly StepRun[], machine: System | null): Planned[] {
  if (runs.length === 0) return [];
  const cells = runs.map(cellOfRecord);
  const { workload, system, plans } = cellScenario({
    ...cells[0]!,
    plans: runs.map(({ plan }) => plan),
    planFiles: new Map(cells.flatMap(({ planFiles }) => [...(planFiles ?? [])])),
  });
  return plans.map((made) => {
    const plan = planElsewhere(made, workload, system);
    const { gpuPeakBytes } = memoryNeed(workload, machine ?? system, plan);
    return { transport: plan.transport, gpuBytes: gpuPeakBytes };
  });
}

function refuseTwoPrograms(same: readonly StepRun[]): void {
  const programs = new Set(same.map(({ stepProgram }) => stepProgram));
  if (programs.size === 1) return;
  const [{ cell, plan }] = same as [StepRun];
  throw new UserError(
    `${cell.id}, ${plan}: ${programs.size} different programs were measured under this name; leave out the older dataset`,
  );
}

function groupsOf(runs: readonly StepRun[], key: (run: StepRun) => string): StepRun[][] {
  return [...grouped(runs, key).values()];
}
