import { shown, UserError } from '../../model/input/userError.ts';
import type { System } from '../../model/system/system.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import { type Cell, type Choice, cellsOf, type Experiment } from '../grid/experimentFile.ts';
import { type MeasuredCell, type MeasuredPlan, measuredCells } from './measuredCells.ts';

/** A plan that was chosen for a cap, as it measured. */
export interface MeasuredChoice extends Choice {
  measured: MeasuredPlan;
}

/** A measured cell with those of its choices that were measured and keep their caps. */
export interface ChosenCell {
  cell: MeasuredCell;
  choices: MeasuredChoice[];
}

/** What was measured of an experiment's choices. */
export interface MeasuredChoices {
  /** In the experiment's order. */
  cells: ChosenCell[];
  /** The lines of the datasets that belong to them. */
  runs: StepRun[];
  /** Choices without an answer, a line for each. */
  problems: string[];
  /** What was left out, likewise. */
  notes: string[];
}

/**
 * Finds the choices of an experiment's cells among everything that was measured of them.
 *
 * @param runs of any experiments; only lines of this one count, and of the same cells of those beside it.
 * @param only id of the one cell that is looked at; left out, all are.
 * @param machine whose memory plans take; null for each cell's own.
 * @throws UserError for an experiment or a cell without choices, and where no line belongs to it.
 */
export function measuredChoices(
  experiment: Experiment,
  runs: readonly StepRun[],
  { modes, machine, only }: { modes: readonly StepRun['mode'][]; machine: System | null; only?: string },
): MeasuredChoices {
  const cells = cellsWithChoices(experiment, only);
  const names = [experiment.name, ...experiment.beside];
  const isOwn = ({ cell }: StepRun) =>
    cells.some(({ id, machine }) => id === cell.id && machine === cell.machine);
  const own = runs.filter((run) => names.includes(run.experiment) && isOwn(run));
  const counting = own.filter(({ mode }) => modes.includes(mode));
  const measured = measuredCells(counting, machine);
  if (measured.length === 0)
    throw new UserError(
      `the datasets hold no ${modes.join(' or ')} step of a cell of ${experiment.name} that has choices`,
    );
  const problems: string[] = [];
  const left = runs.length - own.length;
  return {
    cells: cells.flatMap((cell) => chosenCells(cell, measured, problems)),
    runs: counting,
    problems,
    notes: [
      ...(left > 0 ? [`${left} steps are of other experiments or of cells without choices: left out`] : []),
      ...measured.flatMap(({ cell, wrongOutput }) =>
        wrongOutput.map(
          (plan) => `${cell}, ${plan}: computed other bits than the first plan of its run: left out`,
        ),
      ),
    ],
  };
}

function cellsWithChoices(experiment: Experiment, only: string | undefined): Cell[] {
  const cells = cellsOf(experiment).filter(({ choices = [] }) => choices.length > 0);
  if (cells.length === 0)
    throw new UserError(
      `${experiment.name}: has no choices; give its cells some, such as choices: [{cap: 4 GiB, plan: NAME}]`,
    );
  if (only === undefined) return cells;
  const one = cells.find(({ id }) => id === only);
  if (one !== undefined) return [one];
  const ids = cells.map(({ id }) => id).join(', ');
  throw new UserError(`${experiment.name}: has no cell ${shown(only)} with choices; it has ${ids}`);
}

function chosenCells(
  { id, choices = [] }: Cell,
  measured: readonly MeasuredCell[],
  problems: string[],
): ChosenCell[] {
  const own = measured.filter(({ cell }) => cell === id);
  if (own.length === 0) problems.push(`${id}: nothing of it was measured`);
  return own.map((cell) => ({
    cell,
    choices: choices.flatMap((choice) => {
      const found = asMeasured(choice, cell);
      if (typeof found !== 'string') return [found];
      problems.push(`${id}, ${cell.mode}: the choice ${choice.plan} ${found}`);
      return [];
    }),
  }));
}

/** The choice as it measured, or what is wrong with it. */
function asMeasured(choice: Choice, { plans }: MeasuredCell): MeasuredChoice | string {
  const { plan, capBytes, transport } = choice;
  const measured = plans.find(
    (one) => one.plan === plan && (transport === undefined || one.transport === transport),
  );
  if (measured === undefined) return `for ${gibibytes(capBytes)} GiB was not measured`;
  if (measured.gpuBytes <= capBytes) return { ...choice, measured };
  return `takes ${gibibytes(measured.gpuBytes)} GiB, more than its cap of ${gibibytes(capBytes)}`;
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(3);
}
