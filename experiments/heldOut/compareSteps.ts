import { predictStep } from '../../model/hiding/stepReport.ts';
import { UserError } from '../../model/input/userError.ts';
import { FROM_FILE } from '../../model/plan/planDocument.ts';
import type { System } from '../../model/system/system.ts';
import { segmentTotals } from '../../model/timelineTotals.ts';
import { simulate } from '../../sim/simulate.ts';
import { otherMachine } from '../dataset/otherMachine.ts';
import { type ProgramDepth, programDepth } from '../dataset/programDepth.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import { type CellScenario, cellScenario } from '../grid/cellScenario.ts';
import { cellOfRecord } from '../grid/recordedCell.ts';
import { stepProgramHash } from '../grid/stepProgramHash.ts';
import { noiseFloor } from './noiseFloor.ts';

type Category = StepRun['segments'][number]['category'];

/** A measured step beside what both roads predict of it. Errors are predicted / measured - 1. */
export interface ComparedStep {
  run: StepRun;
  depth: ProgramDepth;
  closedFormS: number;
  simulatedS: number;
  closedFormError: number;
  simulatedError: number;
  /** How far the rounds of all measurements of this plan lie from their mean, relative; null for one round. */
  noise: number | null;
  /** What the plan claimed against what the device reported; null where it reported none, as CPU cores do. */
  memoryError: number | null;
  /** Null where clock or power were not sampled, or the machine says nothing of them. */
  clockError: number | null;
  energyError: number | null;
  /** Predicted less measured seconds of a step by category, as shares of the measured step; null without a timeline. */
  parts: Partial<Record<Category, number>> | null;
}

/**
 * Predicts measured steps from a machine alone. Plans are those that were measured, made for the cell's own machine.
 *
 * @param machine null for each cell's own.
 * @throws UserError for steps that a fit may have read, and for programs that are no longer those that were measured.
 */
export function compareSteps(
  runs: readonly StepRun[],
  machine: System | null,
  onStep: (index: number) => void = () => undefined,
): ComparedStep[] {
  const scenarios = new Map<string, CellScenario>();
  // The same plan measured in another run is one more sample of it.
  const visits = new Map<string, number[]>();
  for (const run of runs) visits.set(samplesOf(run), [...(visits.get(samplesOf(run)) ?? []), ...run.visitS]);
  return runs.map((run, index) => {
    onStep(index);
    refuseFitted(run);
    const key = JSON.stringify([run.cell, run.plan, run.planFile]);
    const scenario = scenarios.get(key) ?? cellScenario(cellOfRecord(run));
    scenarios.set(key, scenario);
    const noise = noiseFloor(visits.get(samplesOf(run))!);
    return { ...compare(run, scenario, machine ?? scenario.system), noise };
  });
}

/** Runs for which this is equal measured the same thing. */
export function samplesOf({ cell, mode, plan }: StepRun): string {
  return `${cell.id}, ${mode}, ${plan}`;
}

function compare(
  run: StepRun,
  { workload, system, plans }: CellScenario,
  machine: System,
): Omit<ComparedStep, 'noise'> {
  const plan = plans[0]!;
  const { cell, stepS, smHz, powerW, memory } = run;
  const at = { place: run.place, ranks: cell.sp * cell.tp, device: run.device.name };
  const why = otherMachine(at, machine);
  if (why !== null)
    throw new UserError(`${cell.id}, ${run.plan}: ${why}; give --machine that one, or other steps`);
  if (stepProgramHash(workload, system, plan) !== run.stepProgram) {
    throw new UserError(
      `${cell.id}, ${run.plan}: lowers to other operations now than when it was measured; measure it anew`,
    );
  }
  const timed = run.segments.length > 0;
  const { report, timeline } = simulate(workload, machine, plan, { breakEven: false, timeline: timed });
  const closedFormS = predictStep(workload, machine, plan).stepTimeS;
  const topClockHz = machine.gpu.power?.topClockHz ?? null;
  const error = (predicted: number | null, measured: number | null) =>
    predicted === null || measured === null || measured === 0 ? null : predicted / measured - 1;
  return {
    run,
    depth: programDepth(cell),
    closedFormS,
    simulatedS: report.stepTimeS,
    closedFormError: closedFormS / stepS - 1,
    simulatedError: report.stepTimeS / stepS - 1,
    memoryError: error(memory.claimedBytes, memory.deviceBytes),
    clockError: error(topClockHz === null ? null : report.clock * topClockHz, smHz),
    energyError: error(
      report.powerW === null ? null : report.powerW * report.stepTimeS,
      powerW === null ? null : powerW * stepS,
    ),
    parts: timeline === null ? null : partsOf(segmentTotals(timeline), run),
  };
}

function partsOf(
  predicted: ReturnType<typeof segmentTotals>,
  { segments, stepS }: StepRun,
): ComparedStep['parts'] {
  const parts: Partial<Record<Category, number>> = {};
  const add = (category: Category, seconds: number) => {
    parts[category] = (parts[category] ?? 0) + seconds / stepS;
  };
  for (const { category, seconds } of predicted) {
    // A stall is what is left between operations; nobody measures it.
    if (category !== 'stall') add(category as Category, seconds);
  }
  for (const { category, seconds } of segments) add(category, -seconds);
  return parts;
}

function refuseFitted({ split, experiment, cell }: StepRun): void {
  if (split === 'held-out') return;
  throw new UserError(
    `${experiment}, ${cell.id}: is of split ${split}, which a fit may have read: agreement with it proves nothing; give held-out steps`,
  );
}

/** Place, ranks and transport of a measurement in words: errors of different ones are never mixed unsaid. */
export function whereOf({ place, cell, transport }: StepRun): string {
  return cell.sp * cell.tp === 1 ? 'one rank' : `${place}, ${transport}`;
}

/** The preset of a plan: `yield` of `yield,resident=0.25`; `file` of one that no preset made. */
export function presetOf({ plan, planFile }: StepRun): string {
  return planFile === undefined ? plan.split(',', 1)[0]! : FROM_FILE;
}
