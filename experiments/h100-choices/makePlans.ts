// Writes the experiment beside this file: for each workload presets, the optimiser's choices under several caps, neighbours of
// the choices, and random plans. `npx tsx experiments/h100-choices/makePlans.ts`
//
// Plans that are there already stay, since they were measured: with a changed optimiser its new choices are added to them.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planLine, planNames } from '../../model/plan/planLines.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import { passWeightBytes, type Workload } from '../../model/workload/workload.ts';
import { type Caps, fits, machineCaps } from '../../search/caps.ts';
import { smallestPlan } from '../../search/leastMemory.ts';
import { neighbours } from '../../search/neighbours.ts';
import { optimise } from '../../search/optimise.ts';
import { randomPlan } from '../../search/randomPlan.ts';
import { searchOracles } from '../../search/searchOracle.ts';
import { usualSpace } from '../../search/searchSpace.ts';
import { type Highs, loadSolver } from '../../search/solver.ts';
import { cellScenario } from '../../studies/grid/cellScenario.ts';
import { DistinctPlans } from '../../studies/grid/distinctPlans.ts';

const MACHINE = 'h200-x1-fitted';
const PLANS_OF_A_CELL = 44;
const NEIGHBOURS_OF_A_CHOICE = 2;
/** Seeds that random plans are drawn from, and the longest step among them against no offload: device time is dear. */
const SEEDS = 400;
const LONGEST = 2;
const NCCL_LIKE = 'staged-sm:2';

const WORKLOADS = [
  {
    model: 'wan2.1-t2v-14b',
    blocks: 6,
    cfg: 'none',
    sp: 2,
    sizes: ['832x480x17', '480x416x81', '832x480x81'],
  },
  { model: 'flux.1-dev', blocks: 9, sp: 2, sizes: ['1024x1024', '1536x1536', '2048x2048'] },
  { model: 'hunyuanvideo-13b', blocks: 9, sp: 2, sizes: ['512x320x33', '960x544x33', '960x544x61'] },
  { model: 'wan2.1-t2v-14b', blocks: 6, cfg: 'none', sp: 1, sizes: ['480x416x81'] },
] as const;

const PRESETS = {
  1: [
    ...[
      'none',
      'layerwise',
      'layerwise-strided',
      'chunked,chunk=1MiB',
      'chunked',
      'chunked,chunk=64MiB',
      'paced',
    ],
    ...['chunked,resident=0.25', 'chunked,resident=0.5', 'chunked,slots=3', 'layerwise,resident-layers=2'],
  ],
  2: [
    ...['none', 'layerwise', 'layerwise-drain', 'layerwise-strided', 'chunked', 'yield', 'paced'].map(
      over(NCCL_LIKE),
    ),
    ...['chunkflow-paper', 'yield,chunk=64MiB', 'yield,resident=0.25'].map(over(NCCL_LIKE)),
    ...['none', 'chunked', 'yield,chunk=64MiB'].map(over('staged-sm:16')),
    ...['none', 'layerwise', 'yield', 'yield,resident=0.25'].map(over('staged-copy')),
  ],
};

/** Caps by name: what `layerwise` takes, and so much of the block weights more. */
const CAPS = { tight: 0, quarter: 0.25, half: 0.5 } as const;

const folder = import.meta.dirname;
const highs = await loadSolver();
mkdirSync(join(folder, 'plans'), { recursive: true });
const cells = WORKLOADS.flatMap(({ sizes, ...workload }) =>
  sizes.map((size) => {
    const cell = { cfg: undefined, ...workload, size };
    const { workload: bound, system } = cellScenario({
      ...cell,
      id: 'cell',
      tp: 1,
      machine: MACHINE,
      plans: [],
    });
    const file = `plans/${workload.model}-${size}-sp${workload.sp}.jsonl`;
    const path = join(folder, file);
    const present = existsSync(path)
      ? planNames(path).map((name) => makePlan(`${path}#${name}`, bound, system))
      : [];
    const { plans, choices } = competitors(highs, bound, system, present);
    writeFileSync(join(folder, file), plans.map((plan) => planLine(plan, bound)).join(''));
    process.stderr.write(`${file}: ${plans.length} plans beside ${PRESETS[workload.sp].length} presets\n`);
    return { ...workload, size, plans: PRESETS[workload.sp], planFiles: [file], choices };
  }),
);
const head =
  '# Made by makePlans.ts beside it. Each workload: presets, choices of the optimiser under caps, their neighbours, random plans.\n';
const experiment = {
  ...{ name: 'h100-choices', split: 'held-out', machine: MACHINE },
  measure: ['--rounds', '2', '--steps', '3', '--warm-up', '1'],
  cells,
};
writeFileSync(join(folder, 'h100-choices.yaml'), head + stringify(experiment, { lineWidth: 128 }));

function over(transport: string): (text: string) => string {
  return (text) => `${text},transport=${transport}`;
}

function competitors(solver: Highs, workload: Workload, system: System, present: readonly Plan[]) {
  const oracles = searchOracles(workload, system);
  const weights = passWeightBytes(workload);
  const layerwise = makePlan('layerwise', workload, system, workload.ranks > 1 ? NCCL_LIKE : undefined);
  const tight = memoryNeed(workload, system, layerwise).gpuPeakBytes;
  const caps: Record<string, Caps> = {
    ...Object.fromEntries(
      Object.entries(CAPS).map(([name, share]) => [
        name,
        { ...machineCaps(workload, system), gpuBytes: Math.ceil(tight + share * weights) },
      ]),
    ),
    any: machineCaps(workload, system),
  };
  const transports = workload.ranks > 1 ? ([undefined, NCCL_LIKE] as const) : ([undefined] as const);
  const distinct = new DistinctPlans(workload, present);
  const { plans } = distinct;
  const choices: { cap: string; plan: string; transport?: string }[] = [];
  const near: Plan[] = [];
  for (const [name, cap] of Object.entries(caps)) {
    for (const transport of transports) {
      const space = usualSpace(workload, system, transport);
      const { plan } = optimise({ highs: solver, workload, system, space, ...oracles }, cap);
      const of = `${name}-${transport === undefined ? 'free' : 'sm2'}`;
      const chosen = distinct.add({ ...plan, name: of });
      choices.push({ cap: `${cap.gpuBytes} B`, plan: chosen, ...(transport && { transport }) });
      if (name === 'any') continue;
      const around = neighbours(workload, system, plan, space)
        .filter((other) => fits(workload, system, other, cap))
        .map((other) => ({ other, stepS: predictStep(workload, system, other).stepTimeS }))
        .sort((a, b) => a.stepS - b.stepS);
      // The best of them by the closed form, and one from the middle: a neighbour that the model likes less.
      for (const [index, place] of [0, Math.floor(around.length / 2)]
        .slice(0, NEIGHBOURS_OF_A_CHOICE)
        .entries()) {
        const { other } = around[place] ?? {};
        if (other !== undefined) near.push({ ...other, name: `${of}-near${index + 1}` });
      }
    }
  }
  if (present.length > 0) return { plans, choices };
  for (const plan of near) distinct.add(plan);
  const limitS = LONGEST * predictStep(workload, system, makePlan('none', workload, system)).stepTimeS;
  const [tightest] = [smallestPlan({ workload, system, space: usualSpace(workload, system) })!.gpuBytes];
  for (
    let seed = 1;
    seed <= SEEDS && plans.length + PRESETS[workload.ranks as 1 | 2].length < PLANS_OF_A_CELL;
    seed += 1
  ) {
    // Caps in turn, so that there are random plans under each.
    const share = [0, 0.25, 0.5][seed % 3]!;
    const cap = { ...caps.any!, gpuBytes: Math.max(tightest, tight) + share * weights };
    const plan = randomPlan(workload, system, { seed, caps: cap });
    if (predictStep(workload, system, plan).stepTimeS <= limitS) distinct.add(plan);
  }
  return { plans, choices };
}
