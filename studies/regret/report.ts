import { mean } from 'simple-statistics';
import type { System } from '../../model/system/system.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import type { Experiment } from '../grid/experimentFile.ts';
import { type CurvePoint, measuredCurve } from './efficientPlans.ts';
import { type MeasuredIn, whereMeasured } from './measuredCells.ts';
import { measuredChoices } from './measuredChoices.ts';
import { type Regret, regretOf } from './regret.ts';

/** How good the choices of an experiment are, as it measured. */
export interface RegretReport {
  experiment: string;
  regrets: (MeasuredIn & Regret)[];
  /** Null where no choice has a competitor. */
  largest: (MeasuredIn & Regret & { regret: number }) | null;
  mean: number | null;
  /** Choices with competitors, the different plans among them, and the choices whose regret is within the noise. */
  compared: number;
  distinct: number;
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
 * @param runs of any experiments; only lines of this one count, and of the same cells of those beside it.
 * @param machine whose memory plans take, as caps mean it; null for the one that the cells' plans were made for.
 * @throws UserError for an experiment without choices, and where no line belongs to it.
 */
export function regretReport(
  experiment: Experiment,
  runs: readonly StepRun[],
  modes: readonly StepRun['mode'][],
  machine: System | null = null,
): RegretReport {
  const { cells, problems, notes } = measuredChoices(experiment, runs, { modes, machine });
  const regrets = cells.flatMap(({ cell, choices }) =>
    choices.map((choice) => ({ ...whereMeasured(cell), ...regretOf(choice, cell.plans)! })),
  );
  const compared = regrets.flatMap((row) => (row.regret === null ? [] : [{ ...row, regret: row.regret }]));
  const largest = compared.reduce<RegretReport['largest']>(
    (most, row) => (most === null || row.regret > most.regret ? row : most),
    null,
  );
  return {
    experiment: experiment.name,
    regrets,
    largest,
    mean: compared.length === 0 ? null : mean(compared.map(({ regret }) => regret)),
    compared: compared.length,
    distinct: new Set(
      compared.map(({ cell, mode, device, choice }) => JSON.stringify([cell, mode, device, choice.plan])),
    ).size,
    withinNoise: compared.filter(({ regret, noise }) => regret <= (noise ?? 0)).length,
    curves: cells.map(({ cell }) => ({ ...whereMeasured(cell), points: measuredCurve(cell.plans) })),
    problems,
    notes,
  };
}
