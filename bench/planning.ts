import { loadDit } from '../model/dit/load.ts';
import { memoryNeed } from '../model/physics/memory.ts';
import { makePlan } from '../model/presets/presets.ts';
import { loadSystem } from '../model/system/load.ts';
import { bindWorkload } from '../model/workload/bind.ts';
import { passWeightBytes } from '../model/workload/workload.ts';
import { machineCaps } from '../search/caps.ts';
import { optimise } from '../search/optimise.ts';
import { planFront, planSearch } from '../search/planning.ts';
import { medianMs } from './simulation.ts';

export const PLANNING_MACHINE = 'h200-x1-fitted';
export const PLANNING_MODELS = ['wan2.1-t2v-14b', 'flux.1-dev', 'hunyuanvideo-13b'] as const;
export const FRONT_POINTS = 20;
const RUNS = 3;

/** How long a model's plans take to be looked for at its reference size, two ranks; and how many there are. */
export interface PlanningFigures {
  model: (typeof PLANNING_MODELS)[number];
  /** One search, under what layerwise offload takes and a quarter of the weights; median of a few, after as many. */
  optimiseS: number;
  considered: number;
  /** A front, on all cores, once. */
  frontS: number;
}

export async function planningFigures(): Promise<PlanningFigures[]> {
  const figures: PlanningFigures[] = [];
  for (const model of PLANNING_MODELS) figures.push(await figuresOf(model));
  return figures;
}

async function figuresOf(model: (typeof PLANNING_MODELS)[number]): Promise<PlanningFigures> {
  const system = loadSystem(PLANNING_MACHINE);
  const dit = loadDit(model);
  const workload = bindWorkload(dit, { size: dit.referenceSize, sp: 2 });
  const search = await planSearch(workload, system);
  const caps = machineCaps(workload, system);
  const layerwise = memoryNeed(workload, system, makePlan('layerwise', workload, system)).gpuPeakBytes;
  const gpuBytes = layerwise + passWeightBytes(workload) / 4;
  let considered = 0;
  const optimiseMs = medianMs(RUNS, () => {
    considered = optimise(search, { ...caps, gpuBytes }).counts.considered;
  });
  const start = performance.now();
  await planFront({ workload, system, points: FRONT_POINTS, caps });
  return { model, optimiseS: optimiseMs / 1e3, considered, frontS: (performance.now() - start) / 1e3 };
}
