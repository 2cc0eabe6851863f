import { max, mean } from 'simple-statistics';
import { withBlocks } from '../model/dit/depth.ts';
import { loadDit } from '../model/dit/load.ts';
import { parseSize } from '../model/dit/tokens.ts';
import { memoryNeed } from '../model/physics/memory.ts';
import { makePlan } from '../model/presets/presets.ts';
import { loadSystem } from '../model/system/load.ts';
import type { System } from '../model/system/system.ts';
import { unknownsOf } from '../model/system/unknowns.ts';
import { bindWorkload } from '../model/workload/bind.ts';
import { machineCaps } from '../search/caps.ts';
import { optimise } from '../search/optimise.ts';
import { planSearch } from '../search/planning.ts';
import { robustPlan } from '../search/robust.ts';
import { scenariosOf } from '../search/scenarios.ts';
import { QUICK_EFFORT } from '../search/search.ts';
import { searchOn } from '../search/searchOracle.ts';

export const WORST_MACHINES = ['h100-pcie-x2', 'h200-x2', 'h200-x1'] as const;
/** Sizes at which copies and compute are near balance: elsewhere nothing that is unknown decides. */
const WORKLOADS = [
  { model: 'wan2.1-t2v-14b', size: '480x416x81' },
  { model: 'wan2.1-t2v-14b', size: '832x480x17' },
  { model: 'flux.1-dev', size: '2048x2048' },
  { model: 'flux.1-dev', size: '1536x1536' },
  { model: 'hunyuanvideo-13b', size: '960x544x33' },
  { model: 'hunyuanvideo-13b', size: '512x320x33' },
] as const;
const BLOCKS = 12;
const RANKS = 2;
/** Shares of the memory between what `layerwise` takes and no offload. */
const CAPS = [0.3, 0.6] as const;
/** All would take an hour. */
const LEFT_OUT = /^(nvlink|staged-sm:[148])$/;

/** How far the nominal and the robust plans of a machine are from each scenario's own optimum, at the worst. */
export interface WorstScenarios {
  machine: string;
  cases: number;
  /** Cases in which the robust plan is another one. */
  changed: number;
  nominalMean: number;
  nominalLargest: number;
  robustMean: number;
  robustLargest: number;
  meanCost: number;
}

/** Another road to regrets: every scenario is searched by itself with the simulator, instead of compared among a few candidates. */
export async function worstScenarios(machine: (typeof WORST_MACHINES)[number]): Promise<WorstScenarios> {
  const cases: { isChanged: boolean; nominal: number; robust: number; cost: number }[] = [];
  for (const workload of WORKLOADS)
    for (const share of CAPS) cases.push(await worstOf(overHost(loadSystem(machine)), workload, share));
  const nominal = cases.map((one) => one.nominal);
  const robust = cases.map((one) => one.robust);
  return {
    ...{ machine, cases: cases.length, changed: cases.filter(({ isChanged }) => isChanged).length },
    ...{ nominalMean: mean(nominal), nominalLargest: max(nominal) },
    ...{
      robustMean: mean(robust),
      robustLargest: max(robust),
      meanCost: mean(cases.map(({ cost }) => cost)),
    },
  };
}

function overHost(system: System): System {
  const transports = system.transports.filter(({ name }) => !LEFT_OUT.test(name));
  const isLeft = transports.some(({ name }) => name === system.defaultTransport);
  return { ...system, transports, defaultTransport: isLeft ? system.defaultTransport : 'shm' };
}

async function worstOf(system: System, { model, size }: (typeof WORKLOADS)[number], share: number) {
  const dit = withBlocks(loadDit(model), BLOCKS);
  const workload = bindWorkload(dit, { size: parseSize(size), sp: RANKS, cfg: 'none' });
  const search = await planSearch(workload, system);
  const bytesOf = (preset: string) =>
    memoryNeed(workload, system, makePlan(preset, workload, system)).gpuPeakBytes;
  const least = bytesOf('layerwise');
  const caps = { ...machineCaps(workload, system), gpuBytes: least + share * (bytesOf('none') - least) };
  const unknowns = unknownsOf(system);
  const choice = robustPlan(search, caps, unknowns);
  const [nominal, robust] = [choice.nominal.plan, choice.robust.plan];
  const regrets = scenariosOf(system, unknowns, RANKS).map((scenario) => {
    const there = searchOn(search, scenario.system);
    const bestS = optimise(there, caps, QUICK_EFFORT, [nominal, robust]).report.stepTimeS;
    const regret = (plan: typeof nominal) => there.oracle(plan).stepTimeS / bestS - 1;
    return { nominal: regret(nominal), robust: regret(robust) };
  });
  return {
    isChanged: nominal !== robust,
    nominal: max(regrets.map((one) => one.nominal)),
    robust: max(regrets.map((one) => one.robust)),
    cost: choice.costAtNominal,
  };
}
