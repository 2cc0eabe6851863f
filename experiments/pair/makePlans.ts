// Writes pair-again.yaml and again/: of one size of each model what `chunkflow plan` chooses for a pair under several caps, over NCCL and
// with the transport free, their neighbours, and random plans, beside presets. `npx tsx experiments/pair/makePlans.ts`
//
// pair-choices.yaml and choices/ were made by an earlier version of it, for host A and fewer blocks; they were measured, and stay.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planLine, planNames } from '../../model/plan/planLines.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { passWeightBytes } from '../../model/workload/workload.ts';
import { fits, machineCaps } from '../../search/caps.ts';
import { neighbours } from '../../search/neighbours.ts';
import { randomPlan } from '../../search/randomPlan.ts';
import { usualSpace } from '../../search/searchSpace.ts';
import { cellScenario } from '../../studies/grid/cellScenario.ts';
import { DistinctPlans } from '../../studies/grid/distinctPlans.ts';

/** The pair that the choices are for: another host of the same kind than the one that will measure them, without NVLink. */
const CHOSEN_FOR = join(import.meta.dirname, 'host-b', 'host-b-pcie.yaml');
/** The machine that the programs are generated for. */
const MACHINE = 'h100-sxm-x2';
const WORKLOADS = [
  { model: 'wan2.1-t2v-14b', size: '832x480x49', blocks: 6 },
  { model: 'flux.1-dev', size: '1536x1536', blocks: 9 },
  { model: 'hunyuanvideo-13b', size: '960x544x33', blocks: 9 },
];
const PRESETS = ['shm', 'staged-sm:16', 'staged-copy'].flatMap((transport) =>
  [
    'none',
    'layerwise',
    'layerwise-drain',
    'yield',
    'chunked',
    'yield,resident=0.25',
    'yield,resident=0.5',
  ].map((plan) => `${plan},transport=${transport}`),
);
/** Beside the presets. */
const PLANS_OF_A_CELL = 22;
/** The slowest random plan against no offload: device time is dear. */
const LONGEST = 1.6;
const SEEDS = 400;
/** Caps by name: what `layerwise` takes, and so much of the block weights more; null: all that the GPU has. */
const CAPS = { tight: 0, quarter: 0.25, half: 0.5, any: null } as const;
const TRANSPORTS = ['shm', undefined] as const;

const folder = join(import.meta.dirname, 'again');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const cells = WORKLOADS.map((cell) => {
  const file = `again/${cell.model}-${cell.size}.jsonl`;
  const { plans, choices } = competitors(cell);
  const { workload } = scenarioOf(cell, MACHINE);
  writeFileSync(join(import.meta.dirname, file), plans.map((plan) => planLine(plan, workload)).join(''));
  process.stderr.write(`${file}: ${plans.length} plans, ${choices.length} choices\n`);
  return { ...cell, sp: 2, plans: PRESETS, planFiles: [file], choices };
});
const head =
  '# Made by makePlans.ts beside it, before it was measured: choices for host B under caps, neighbours of them, random plans, presets.\n';
const experiment = {
  ...{ name: 'pair-again', split: 'held-out', machine: MACHINE },
  measure: ['--rounds', '2', '--steps', '3', '--warm-up', '0.5'],
  cells,
};
writeFileSync(join(import.meta.dirname, 'pair-again.yaml'), head + stringify(experiment, { lineWidth: 128 }));

function scenarioOf(cell: (typeof WORKLOADS)[number], machine: string) {
  return cellScenario({ cfg: undefined, ...cell, id: 'cell', sp: 2, tp: 1, machine, plans: [] });
}

/** What `chunkflow plan` chooses, as a user would ask it, and the plan for the machine exactly as its file says. */
function chosen(
  cell: (typeof WORKLOADS)[number],
  gpuBytes: number,
  transport: string | undefined,
  name: string,
) {
  const saved = join(folder, `${name}.tmp.jsonl`);
  const asked = [
    ...['plan', '--model', cell.model, '--size', cell.size, '--blocks', String(cell.blocks), '--sp', '2'],
    ...['--machine', CHOSEN_FOR, '--gpu-memory', `${gpuBytes} B`, '--save-plan', saved],
    ...(transport === undefined ? [] : ['--transport', transport]),
  ];
  const { status, stderr } = spawnSync('node', ['bin/chunkflow.mjs', ...asked], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`chunkflow ${asked.join(' ')}: ${stderr}`);
  const { workload, system } = scenarioOf(cell, CHOSEN_FOR);
  const plans = planNames(saved).map((plan) => makePlan(`${saved}#${plan}`, workload, system));
  rmSync(saved);
  return plans;
}

function competitors(cell: (typeof WORKLOADS)[number]) {
  const { workload, system } = scenarioOf(cell, CHOSEN_FOR);
  const weights = passWeightBytes(workload);
  const tight = memoryNeed(workload, system, makePlan('layerwise', workload, system, 'shm')).gpuPeakBytes;
  const distinct = new DistinctPlans(workload);
  const { plans } = distinct;
  const choices: { cap: string; plan: string; transport?: string }[] = [];
  const near: Plan[] = [];
  for (const [name, share] of Object.entries(CAPS)) {
    const most = machineCaps(workload, system);
    const gpuBytes = share === null ? Math.floor(most.gpuBytes) : Math.ceil(tight + share * weights);
    for (const transport of TRANSPORTS) {
      const of = `${name}-${transport ?? 'free'}`;
      const [choice, ...nominal] = chosen(cell, gpuBytes, transport, of);
      choices.push({
        cap: `${gpuBytes} B`,
        plan: distinct.add({ ...choice!, name: of }),
        ...(transport && { transport }),
      });
      for (const plan of nominal) distinct.add({ ...plan, name: `${of}-nominal` });
      if (share === null) continue;
      const [best] = neighbours(workload, system, choice!, usualSpace(workload, system, transport))
        .filter((other) => fits(workload, system, other, { ...most, gpuBytes }))
        .map((other) => ({ other, stepS: predictStep(workload, system, other).stepTimeS }))
        .sort((a, b) => a.stepS - b.stepS);
      if (best !== undefined) near.push({ ...best.other, name: `${of}-near` });
    }
  }
  for (const plan of near) distinct.add(plan);
  const limitS = LONGEST * predictStep(workload, system, makePlan('none', workload, system, 'shm')).stepTimeS;
  for (let seed = 1; seed <= SEEDS && plans.length < PLANS_OF_A_CELL; seed += 1) {
    const share = [0, 0.25, 0.5][seed % 3]!;
    const caps = { ...machineCaps(workload, system), gpuBytes: tight + share * weights };
    const plan = randomPlan(workload, system, { seed, caps });
    if (predictStep(workload, system, plan).stepTimeS <= limitS)
      distinct.add({ ...plan, name: `random-${seed}` });
  }
  return { plans, choices };
}
