import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planOf } from '../../model/plan/planFile.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { paddedToRanks } from '../../model/workload/padded.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import type { Cell } from './experimentFile.ts';

export interface CellScenario {
  workload: BoundWorkload;
  system: System;
  plans: readonly Plan[];
}

/** Where models and machines come from; many cells of a dataset name the same few. */
export interface ScenarioSources {
  dit: typeof loadDit;
  system: (name: string) => System;
}

/**
 * What a cell's program computes, as real ranks hold it: rows are rounded up to what all of them can hold alike. Plans
 * are made for the cell's machine, whatever machine predicts them later: `yield` deals its chunks by that one's numbers.
 *
 * @throws UserError for a model, size, machine or plan that does not fit.
 */
export function cellScenario(
  cell: Cell,
  sources: ScenarioSources = { dit: loadDit, system: loadSystem },
): CellScenario {
  const whole = sources.dit(cell.model);
  const dit = cell.blocks === undefined ? whole : withBlocks(whole, cell.blocks);
  const { sp, tp, cfg } = cell;
  const bound = bindWorkload(dit, {
    ...{ size: parseSize(cell.size), batch: 1, sp, tp },
    ...(cfg !== undefined && { cfg }),
  });
  const workload = paddedToRanks(bound);
  const system = sources.system(cell.machine);
  const plans = cell.plans.map((name) => {
    const source = cell.planFiles?.get(name);
    return source === undefined ? makePlan(name, workload, system) : planOf(source, workload, system);
  });
  return { workload, system, plans };
}
