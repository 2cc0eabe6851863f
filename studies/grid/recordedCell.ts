import type { Workload } from '../../model/workload/workload.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import type { Cell } from './experimentFile.ts';

/** A cell as datasets tell it. */
export function recordedCell(
  { id, model, size, sp, tp, cfg, machine }: Cell,
  { blocks }: Workload,
): StepRun['cell'] {
  return { id, model, size, blocks: blocks.length, sp, tp, ...(cfg !== undefined && { cfg }), machine };
}

/** The cell of something that was measured, with its plan alone. */
export function cellOfRecord({ cell, plan, planFile }: Pick<StepRun, 'cell' | 'plan' | 'planFile'>): Cell {
  if (planFile === undefined) return { ...cell, plans: [plan] };
  const source = { document: planFile, place: () => undefined };
  return { ...cell, plans: [plan], planFiles: new Map([[plan, source]]) };
}
