import { planOf } from '../../model/plan/planFile.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { FILES } from '../../model/scenario/files.ts';
import { type ModelScenario, modelScenario, type ScenarioSources } from '../../model/scenario/scenario.ts';
import type { Cell } from './experimentFile.ts';

export type CellScenario = Pick<ModelScenario, 'workload' | 'system' | 'plans'>;

/**
 * What a cell's program computes, as real ranks hold it: rows are rounded up to what all of them can hold alike. Plans
 * are made for the cell's machine, whatever machine predicts them later: `yield` deals its chunks by that one's numbers.
 *
 * @param sources where models and machines come from; many cells of a dataset name the same few.
 * @throws UserError for a model, size, machine or plan that does not fit.
 */
export function cellScenario(
  { plans: names, planFiles, ...cell }: Cell,
  sources: Pick<ScenarioSources, 'loadDit' | 'loadSystem'> = FILES,
): CellScenario {
  const { model, blocks, size, sp, tp, cfg, machine } = cell;
  const { workload, system } = modelScenario(
    {
      ...{ model, size, sp, tp, machine, plan: [] },
      ...(blocks !== undefined && { blocks }),
      ...(cfg !== undefined && { cfg }),
    },
    sources,
    { padded: true },
  );
  const plans = names.map((name) => {
    const source = planFiles?.get(name);
    return source === undefined ? makePlan(name, workload, system) : planOf(source, workload, system);
  });
  return { workload, system, plans };
}
