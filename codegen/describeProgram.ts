import type { Plan } from '../model/plan/plan.ts';
import { makerOf } from '../model/plan/recipe.ts';
import type { System } from '../model/system/system.ts';
import type { BoundWorkload } from '../model/workload/workload.ts';
import { identifier } from './escape.ts';
import type { Manifest } from './manifest.ts';

export type ProgramDescription = NonNullable<Manifest['inputs']>;

/** What a program was made of, as its manifest has it. */
export function describeInputs(
  workload: BoundWorkload,
  system: System,
  plans: readonly Plan[],
): ProgramDescription {
  const { width, height, frames } = workload.size;
  const { sp, tp, exchange, cfg } = workload.layout;
  const layout = [
    `SP ${sp}`,
    ...(tp > 1 ? [`TP ${tp}`] : []),
    ...(sp > 1 ? [exchange] : []),
    ...(cfg === 'none' ? [] : [`${cfg} guidance`]),
  ];
  return {
    model: workload.model.id,
    size: `${width}x${height}${frames > 1 ? `x${frames}` : ''} (${workload.tokens} tokens)`,
    layout: layout.join(', '),
    blocks: workload.blocks.length,
    tokens: workload.tokens,
    textRows: workload.textRows,
    passes: workload.passes,
    plans: plans.map(({ name }) => name),
    machine: system.id,
  };
}

/** Name of a program that is given none. */
export function defaultId(workload: BoundWorkload, system: System): string {
  const { width, height, frames } = workload.size;
  const { sp, tp } = workload.layout;
  return [
    workload.model.id,
    `${width}x${height}${frames > 1 ? `x${frames}` : ''}`,
    `b${workload.blocks.length}`,
    sp > 1 ? `sp${sp}` : tp > 1 ? `tp${tp}` : 'sp1',
    system.id,
  ]
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-');
}

/** `plan_0_none.cpp`: numbered, so that plans that read alike stay apart. */
export function planFiles(plans: readonly Plan[]): string[] {
  return plans.map(({ recipe }, index) => `plan_${index}_${identifier(makerOf(recipe))}.cpp`);
}
