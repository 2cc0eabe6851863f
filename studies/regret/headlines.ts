import { makerOf, textOf } from '../../model/plan/recipe.ts';
import { settingsOf } from '../../model/presets/planText.ts';
import type { System } from '../../model/system/system.ts';
import { NO_TRANSPORT } from '../../model/system/transport.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import type { Experiment } from '../grid/experimentFile.ts';
import { type ErrorStatistics, errorStatistics } from '../heldOut/errorStatistics.ts';
import { type MeasuredIn, type MeasuredPlan, runsOf, whereMeasured } from './measuredCells.ts';
import { type ChosenCell, type MeasuredChoice, measuredChoices } from './measuredChoices.ts';
import { noiseOf } from './regret.ts';
import { type SimulatedPlans, simulatedPlans } from './simulatedPlans.ts';

/** What everybody has without an optimiser: no offload, SGLang's policy, and that policy drained before collectives. */
const BASELINES = ['none', 'layerwise', 'layerwise-drain'] as const;
export type Baseline = (typeof BASELINES)[number];

/** A choice's step over a baseline's: below 1 the choice is faster. */
export interface Gain {
  baseline: Baseline;
  measuredRatio: number;
  /** Noise of both together, relative: a ratio this close to 1 is no difference that was measured. Null for single visits. */
  noise: number | null;
  /** Both simulated; null where one of them lowers to other operations now. */
  predictedRatio: number | null;
}

/** What a choice gains. */
export interface Headline {
  capBytes: number;
  /** Of the plans that it was chosen from; null for any. */
  transport: string | null;
  choice: MeasuredPlan;
  /** Simulated step of the choice. */
  predictedS: number | null;
  /** Share of the GPU memory of `none` that the choice does without; null where `none` was not measured. */
  savedShare: number | null;
  /** One for each baseline of the cell. */
  gains: Gain[];
}

/** The choices of one measured cell against its baselines. */
export interface CellHeadlines extends MeasuredIn {
  /** Predicts. */
  machine: string;
  baselines: { baseline: Baseline; measured: MeasuredPlan; predictedS: number | null }[];
  rows: Headline[];
}

/** What the choices of an experiment gain, as it measured. */
export interface HeadlineReport {
  experiment: string;
  /** Transport of the baselines. */
  against: string;
  cells: CellHeadlines[];
  /** Predicted / measured - 1 of all ratios together; null where nothing was predicted. */
  ratioErrors: ErrorStatistics | null;
  problems: string[];
  notes: string[];
}

/**
 * Holds the choices of an experiment's cells against no offload and SGLang's policies over one transport, such as the one that is as
 * fast as NCCL, and against what was predicted.
 *
 * @param runs of any experiments and any device; only lines of this experiment count, and of the same cells of those beside it.
 * @param against transport of the baselines; cells of one rank have none, and theirs count whatever it is.
 * @param machine predicts, also the memory that plans take; null for the one that the cells' plans were made for.
 * @throws UserError as `measuredChoices`.
 */
export function headlineReport(
  experiment: Experiment,
  runs: readonly StepRun[],
  { modes, against, machine }: { modes: StepRun['mode'][]; against: string; machine: System | null },
): HeadlineReport {
  const found = measuredChoices(experiment, runs, { modes, machine });
  const problems = [...found.problems];
  const cells = found.cells.map((chosen): CellHeadlines => {
    const { cell, mode } = chosen.cell;
    const own = runsOf(found.runs, chosen.cell);
    const headlines = {
      machine: machine?.id ?? own[0]!.cell.machine,
      ...cellHeadlines(chosen, against, simulatedPlans(own, machine)),
    };
    if (headlines.baselines.length === 0)
      problems.push(`${cell}, ${mode}: none of ${BASELINES.join(', ')} was measured over ${against}`);
    return headlines;
  });
  const errors = cells.flatMap(({ rows }) =>
    rows.flatMap(({ gains }) =>
      gains.flatMap(({ predictedRatio, measuredRatio }) =>
        predictedRatio === null ? [] : [predictedRatio / measuredRatio - 1],
      ),
    ),
  );
  return {
    ...{ experiment: experiment.name, against, cells, problems },
    ratioErrors: errorStatistics(errors),
    notes: [...found.notes, ...cells.flatMap(unpredicted)],
  };
}

function cellHeadlines({ cell, choices }: ChosenCell, against: string, simulated: SimulatedPlans) {
  const baselines = BASELINES.flatMap((baseline) => {
    const measured = cell.plans.find((plan) => isBaseline(plan, baseline, against));
    if (measured === undefined) return [];
    return [{ baseline, measured, predictedS: simulated(measured.plan) }];
  });
  return {
    ...whereMeasured(cell),
    baselines,
    rows: choices.map((choice) => headline(choice, baselines, simulated(choice.measured.plan))),
  };
}

/** A preset without any setting but its transport. */
function isBaseline({ recipe, transport }: MeasuredPlan, baseline: Baseline, against: string): boolean {
  if (transport !== against && transport !== NO_TRANSPORT) return false;
  if (makerOf(recipe) !== baseline) return false;
  const text = textOf(recipe);
  return text !== null && settingsOf(text).every((key) => key === 'transport');
}

function headline(
  { capBytes, transport, measured }: MeasuredChoice,
  baselines: CellHeadlines['baselines'],
  predictedS: number | null,
): Headline {
  const none = baselines.find(({ baseline }) => baseline === 'none')?.measured;
  return {
    ...{ capBytes, transport: transport ?? null, choice: measured, predictedS },
    savedShare: none === undefined ? null : 1 - measured.gpuBytes / none.gpuBytes,
    gains: baselines.map((other) => ({
      baseline: other.baseline,
      measuredRatio: measured.stepS / other.measured.stepS,
      noise: noiseOf([measured, other.measured]),
      predictedRatio: predictedS === null || other.predictedS === null ? null : predictedS / other.predictedS,
    })),
  };
}

function unpredicted({ cell, mode, baselines, rows }: CellHeadlines): string[] {
  const names = [
    ...baselines.filter(({ predictedS }) => predictedS === null).map(({ measured }) => measured.plan),
    ...rows.filter(({ predictedS }) => predictedS === null).map(({ choice }) => choice.plan),
  ];
  return [...new Set(names)].map(
    (plan) =>
      `${cell}, ${mode}, ${plan}: lowers to other operations now than when it was measured: not predicted`,
  );
}
