import { covers, doubtOf, type Factors } from '../../model/analytic/doubt.ts';
import type { StepReport } from '../../model/analytic/report.ts';
import { predictStep } from '../../model/analytic/stepReport.ts';
import type { Dit } from '../../model/dit/dit.ts';
import { loadDit } from '../../model/dit/load.ts';
import { atPlace, type Place, UserError } from '../../model/input/userError.ts';
import { reserveBytesOf } from '../../model/physics/memory.ts';
import { planElsewhere } from '../../model/plan/planElsewhere.ts';
import { FROM_FILE, type Recipe } from '../../model/plan/recipe.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { recipeOfText } from '../../model/presets/recipeOfText.ts';
import { type SegmentTotal, segmentTotals } from '../../model/program/timelineTotals.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { chosenTransport } from '../../model/system/transport.ts';
import { simulate } from '../../sim/simulate.ts';
import { nodeOfStep } from '../dataset/nodeOf.ts';
import { otherMachine } from '../dataset/otherMachine.ts';
import { type ProgramDepth, programDepth } from '../dataset/programDepth.ts';
import type { StepRun, StepSource } from '../dataset/stepRecords.ts';
import { cellScenario } from '../grid/cellScenario.ts';
import { cellOfRecord } from '../grid/recordedCell.ts';
import { stepProgramHash } from '../grid/stepProgramHash.ts';
import { noiseFloor } from './noiseFloor.ts';

type Category = StepRun['segments'][number]['category'];

/** What names a measured step and says its time; its rounds, memory and segments have become errors. */
export type ComparedRun = Pick<
  StepRun,
  | 'experiment'
  | 'cell'
  | 'plan'
  | 'planFile'
  | 'mode'
  | 'place'
  | 'transport'
  | 'stepS'
  | 'device'
  | 'startedAt'
>;

/** What both roads predict of a measured step. Errors are predicted / measured - 1. */
export interface StepPrediction {
  closedFormS: number;
  simulatedS: number;
  closedFormError: number;
  simulatedError: number;
  /** Whether the measured step lies in the 95 % interval around the simulated one. */
  covered: boolean;
  /** How far the rounds of all measurements of this plan lie from their mean, relative; null for one round. */
  noise: number | null;
}

/** A measured step beside what both roads predict of it. */
export interface ComparedStep extends StepPrediction {
  run: ComparedRun;
  /** That measured it; called as the folder of its file where the dataset does not say. */
  node: string;
  depth: ProgramDepth;
  /**
   * Claim of device memory against what the device reported: the program's own claim, which knows its activations, with the
   * reserve of the machine that predicts. Null where the device reported none, as CPU cores do.
   */
  memoryError: number | null;
  /** Null where clock or power were not sampled, or the machine says nothing of them. */
  clockError: number | null;
  energyError: number | null;
  /** Predicted less measured seconds of a step by category, as shares of the measured step; null without a timeline. */
  parts: Partial<Record<Category, number>> | null;
}

/**
 * Predicts measured steps from a machine alone, one after another. Plans are those that were measured, made for the cell's
 * own machine.
 *
 * Every plan of a cell is predicted once, and of a step no more is kept than its rounds.
 */
export class StepComparison {
  readonly #predictions: Predictions;
  /** The same plan measured in another run is one more sample of it. */
  readonly #visits = new Map<string, number[]>();

  /** @param machine null for each cell's own. */
  constructor(machine: System | null) {
    this.#predictions = new Predictions(machine);
  }

  /**
   * The step beside its predictions; its noise is null until all steps are there.
   *
   * @throws UserError for steps that a fit may have read, and for programs that are no longer those that were measured.
   */
  compare(run: StepRun, place: Place | undefined): ComparedStep {
    const step = atPlace(place, () => {
      refuseFitted(run);
      return compare(run, nodeOfStep(run, place?.file ?? ''), this.#predictions.of(run));
    });
    const samples = samplesOf(run);
    const visits = this.#visits.get(samples);
    if (visits === undefined) this.#visits.set(samples, [...run.visitS]);
    else for (const visitS of run.visitS) visits.push(visitS);
    return step;
  }

  /** Noise floors of the steps so far by `samplesOf`. */
  noises(): Map<string, number | null> {
    return new Map([...this.#visits].map(([samples, visitS]) => [samples, noiseFloor(visitS)]));
  }
}

/**
 * Predicts measured steps as `StepComparison`, all of them.
 *
 * @throws UserError as `StepComparison.compare`.
 */
export function compareSteps(
  runs: StepSource,
  machine: System | null,
  onStep: (step: ComparedStep, run: StepRun) => void = () => undefined,
): ComparedStep[] {
  const comparison = new StepComparison(machine);
  const steps: ComparedStep[] = [];
  for (const run of runs) {
    const step = comparison.compare(run, runs.place);
    onStep(step, run);
    steps.push(step);
  }
  const noises = comparison.noises();
  for (const step of steps) step.noise = noises.get(samplesOf(step.run))!;
  return steps;
}

/** Runs for which this is equal measured the same thing. */
export function samplesOf({ cell, mode, plan }: Pick<StepRun, 'cell' | 'mode' | 'plan'>): string {
  return `${cell.id}, ${mode}, ${plan}`;
}

/** What is predicted of one plan of one cell. */
interface PredictedStep {
  machine: System;
  /** By the name that every machine has for it. */
  transport: string;
  depth: ProgramDepth;
  stepProgram: string;
  report: StepReport;
  closedFormS: number;
  /** 95 % interval of the step, as factors on a prediction. */
  interval: Factors;
  /** Device memory that belongs to no plan on the machine, with the transport's own buffers. */
  reserveBytes: number;
  /** Simulated seconds by category and name; made where a measured step has them. */
  totals: () => SegmentTotal[];
}

/** Predictions by what they are of; steps of one dataset share cells and plans as objects. */
class Predictions {
  readonly #machine: System | null;
  readonly #dits = new Map<string, Dit>();
  readonly #systems = new Map<string, System>();
  readonly #known = new Map<StepRun['cell'], Map<StepRun['planFile'], Map<string, PredictedStep>>>();

  constructor(machine: System | null) {
    this.#machine = machine;
  }

  of(run: StepRun): PredictedStep {
    const ofCell = entryOf(this.#known, run.cell, () => new Map());
    const ofFile = entryOf(ofCell, run.planFile, () => new Map());
    return entryOf(ofFile, run.plan, () => this.#predict(run));
  }

  #predict(run: StepRun): PredictedStep {
    const { workload, system, plans } = cellScenario(cellOfRecord(run), {
      loadDit: (name) => entryOf(this.#dits, name, () => loadDit(name)),
      loadSystem: (name) => entryOf(this.#systems, name, () => loadSystem(name)),
    });
    const made = plans[0]!;
    const plan = planElsewhere(made, workload, system);
    const machine = this.#machine ?? system;
    refuseOtherMachine(run, machine);
    const simulated = (timeline: boolean) =>
      simulate(workload, machine, plan, { breakEven: false, timeline });
    let totals: SegmentTotal[] | undefined;
    return {
      ...{ machine, transport: plan.transport },
      depth: programDepth(run.cell),
      stepProgram: stepProgramHash(workload, system, made),
      report: simulated(false).report,
      closedFormS: predictStep(workload, machine, plan).stepTimeS,
      interval: doubtOf(workload, machine, plan, makePlan('none', workload, machine, chosenTransport(plan)))
        .step,
      reserveBytes: reserveBytesOf(machine, plan.transport, workload.ranks),
      totals: () => {
        totals ??= segmentTotals(simulated(true).timeline!);
        return totals;
      },
    };
  }
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function refuseOtherMachine({ cell, plan, place, device }: StepRun, machine: System): void {
  const why = otherMachine({ place, ranks: cell.sp * cell.tp, device: device.name }, machine);
  if (why === null) return;
  throw new UserError(`${cell.id}, ${plan}: ${why}; give --machine that one, or other steps`);
}

function compare(run: StepRun, node: string, predicted: PredictedStep): ComparedStep {
  const { segments, memory, experiment, cell, plan, planFile, mode, place, device } = run;
  const { stepS, smHz, powerW, startedAt } = run;
  const { machine, transport, report, closedFormS, depth } = predicted;
  refuseOtherMachine(run, machine);
  if (predicted.stepProgram !== run.stepProgram) {
    throw new UserError(
      `${cell.id}, ${run.plan}: lowers to other operations now than when it was measured; measure it anew`,
    );
  }
  const topClockHz = machine.gpu.power?.topClockHz ?? null;
  const error = (expected: number | null, measured: number | null) =>
    expected === null || measured === null || measured === 0 ? null : expected / measured - 1;
  return {
    run: { experiment, cell, plan, planFile, mode, place, transport, stepS, device, startedAt },
    node,
    depth,
    closedFormS,
    simulatedS: report.stepTimeS,
    closedFormError: closedFormS / stepS - 1,
    simulatedError: report.stepTimeS / stepS - 1,
    covered: covers(predicted.interval, report.stepTimeS, stepS),
    noise: null,
    memoryError: error(claimOn(memory, predicted.reserveBytes), memory.deviceBytes),
    clockError: error(topClockHz === null ? null : report.clock * topClockHz, smHz),
    energyError: error(
      report.powerW === null ? null : report.powerW * report.stepTimeS,
      powerW === null ? null : powerW * stepS,
    ),
    parts: segments.length === 0 ? null : partsOf(predicted.totals(), run),
  };
}

/** A program's claim of device memory with the reserve of another machine, bytes; as it was made where its own is not known. */
function claimOn({ claimedBytes, reserveBytes }: StepRun['memory'], machineReserveBytes: number): number {
  return reserveBytes === undefined ? claimedBytes : claimedBytes - reserveBytes + machineReserveBytes;
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
export function whereOf({ place, cell, transport }: ComparedRun): string {
  return cell.sp * cell.tp === 1 ? 'one rank' : `${place}, ${transport}`;
}

/** What made a measured plan: a dataset holds its text, or else the plan itself. */
export function recipeOfRun({ plan, planFile }: Pick<StepRun, 'plan' | 'planFile'>): Recipe {
  return planFile === undefined ? recipeOfText(plan) : FROM_FILE;
}
