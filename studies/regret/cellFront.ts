import { UserError } from '../../model/input/userError.ts';
import type { System } from '../../model/system/system.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import type { Experiment } from '../grid/experimentFile.ts';
import type { ChosenDot, MeasuredFront } from '../plots/measuredFront.ts';
import { type MeasuredIn, runsOf, whereMeasured } from './measuredCells.ts';
import { type MeasuredChoice, measuredChoices } from './measuredChoices.ts';
import { simulatedPlans } from './simulatedPlans.ts';

/** One cell as a chart shows it. */
export interface CellFront {
  where: MeasuredIn;
  /** Predicts. */
  machine: string;
  front: MeasuredFront;
  /** Choices without an answer, a line for each. */
  problems: string[];
  /** What was left out, likewise. */
  notes: string[];
}

/**
 * Everything that was measured of one cell, its choices apart and simulated.
 *
 * @param machine predicts, also the memory that plans take; null for the one that the cell's plans were made for.
 * @throws UserError where the experiment has no such cell with choices, nothing of it was measured, or several devices measured it.
 */
export function cellFront(
  experiment: Experiment,
  runs: readonly StepRun[],
  { cell: id, mode, machine }: { cell: string; mode: StepRun['mode']; machine: System | null },
): CellFront {
  const own = runs.filter(({ cell }) => cell.id === id);
  const found = measuredChoices(experiment, own, { modes: [mode], machine, only: id });
  const [{ cell, choices }, ...more] = found.cells as [(typeof found.cells)[0]];
  if (more.length > 0) {
    const places = found.cells.map((one) => `${one.cell.device}, ${one.cell.place}`).join(' and ');
    throw new UserError(`${id}: was measured on ${places}; give the datasets of one of them`);
  }
  const lines = runsOf(found.runs, cell);
  const simulated = simulatedPlans(lines, machine);
  const dots = distinct(choices).map(
    ({ measured, transport }): ChosenDot => ({
      ...measured,
      from: transport ?? 'any transport',
      predictedS: simulated(measured.plan),
    }),
  );
  return {
    where: whereMeasured(cell),
    machine: machine?.id ?? lines[0]!.cell.machine,
    front: {
      choices: dots,
      others: cell.plans.filter(({ plan }) => !dots.some((dot) => dot.plan === plan)),
    },
    problems: found.problems,
    notes: [
      ...found.notes,
      ...dots
        .filter(({ predictedS }) => predictedS === null)
        .map(
          ({ plan }) =>
            `${id}, ${plan}: lowers to other operations now than when it was measured: not predicted`,
        ),
    ],
  };
}

/** One plan may be the choice for several caps. */
function distinct(choices: readonly MeasuredChoice[]): MeasuredChoice[] {
  return choices.filter(
    ({ plan, transport }, index) =>
      choices.findIndex((one) => one.plan === plan && one.transport === transport) === index,
  );
}
