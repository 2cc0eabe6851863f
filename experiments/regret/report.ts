import { mean } from 'simple-statistics';
import { UserError } from '../../model/input/userError.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import { type Cell, cellsOf, type Experiment } from '../grid/experimentFile.ts';
import { type CurvePoint, measuredCurve } from './efficientPlans.ts';
import { type MeasuredCell, measuredCells } from './measuredCells.ts';
import { type Regret, regretOf } from './regret.ts';

type MeasuredIn = Pick<MeasuredCell, 'cell' | 'mode' | 'place' | 'device'>;

/** How good the choices of an experiment are, as it measured. */
export interface RegretReport {
  experiment: string;
  regrets: (MeasuredIn & Regret)[];
  /** Null where no choice has a competitor. */
  largest: (MeasuredIn & Regret & { regret: number }) | null;
  mean: number | null;
  /** Choices with competitors, and those of them whose regret is within the noise. */
  compared: number;
  withinNoise: number;
  curves: (MeasuredIn & { points: CurvePoint[] })[];
  /** Choices without an answer, a line for each. */
  problems: string[];
  /** What was left out, likewise. */
  notes: string[];
}

/**
 * Holds the choices of an experiment's cells against everything that was measured of them.
 *
 * @param runs of any experiments; only lines of this one count.
 * @throws UserError for an experiment without choices, and where no line belongs to it.
 */
export function regretReport(
  experiment: Experiment,
  runs: readonly StepRun[],
  modes: readonly StepRun['mode'][],
): RegretReport {
  const cells = cellsOf(experiment).filter(({ choices = [] }) => choices.length > 0);
  if (cells.length === 0)
    throw new UserError(
      `${experiment.name}: has no choices; give its cells some, such as choices: [{cap: 4 GiB, plan: NAME}]`,
    );
  const ids = cells.map(({ id }) => id);
  const own = runs.filter((run) => run.experiment === experiment.name && ids.includes(run.cell.id));
  const measured = measuredCells(own.filter(({ mode }) => modes.includes(mode)));
  if (measured.length === 0)
    throw new UserError(
      `the datasets hold no ${modes.join(' or ')} step of a cell of ${experiment.name} that has choices`,
    );
  const problems: string[] = [];
  const regrets = cells.flatMap((cell) => cellRegrets(cell, measured, problems));
  const compared = regrets.flatMap((row) => (row.regret === null ? [] : [{ ...row, regret: row.regret }]));
  const largest = compared.reduce<RegretReport['largest']>(
    (most, row) => (most === null || row.regret > most.regret ? row : most),
    null,
  );
  const left = runs.length - own.length;
  return {
    experiment: experiment.name,
    regrets,
    largest,
    mean: compared.length === 0 ? null : mean(compared.map(({ regret }) => regret)),
    compared: compared.length,
    withinNoise: compared.filter(({ regret, noise }) => regret <= (noise ?? 0)).length,
    curves: measured.map(({ plans, wrongOutput: _, ...where }) => ({
      ...where,
      points: measuredCurve(plans),
    })),
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

function cellRegrets(
  { id, choices = [] }: Cell,
  measured: readonly MeasuredCell[],
  problems: string[],
): RegretReport['regrets'] {
  const own = measured.filter(({ cell }) => cell === id);
  if (own.length === 0) problems.push(`${id}: nothing of it was measured`);
  return own.flatMap(({ plans, wrongOutput: _, ...where }) =>
    choices.flatMap((choice) => {
      const regret = regretOf(choice, plans);
      const named = `${id}, ${where.mode}: the choice ${choice.plan}`;
      if (regret === null) {
        problems.push(`${named} for ${gibibytes(choice.capBytes)} GiB was not measured`);
        return [];
      }
      const { gpuBytes } = regret.choice;
      if (gpuBytes <= choice.capBytes) return [{ ...where, ...regret }];
      problems.push(
        `${named} takes ${gibibytes(gpuBytes)} GiB, more than its cap of ${gibibytes(choice.capBytes)}`,
      );
      return [];
    }),
  );
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(3);
}
