// Writes pair-choices.yaml and choices/: of one size of each model what `chunkflow plan` chooses for a pair under several caps,
// over NCCL and with the transport free, their neighbours, and random plans. The presets beside them are those of pair-steps.
// `npx tsx experiments/pair/makePlans.ts`
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { memoryNeed } from '../../model/hiding/memory.ts';
import { predictStep } from '../../model/hiding/stepReport.ts';
import { fits, machineCaps } from '../../model/optimize/caps.ts';
import { neighbours } from '../../model/optimize/neighbours.ts';
import { randomPlan } from '../../model/optimize/randomPlan.ts';
import { usualSpace } from '../../model/optimize/searchSpace.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planDocument } from '../../model/plan/planDocument.ts';
import { planLine, planNames } from '../../model/plan/planLines.ts';
import { makePlan } from '../../model/plan/presets.ts';
import { passWeightBytes } from '../../model/workload/workload.ts';
import { cellScenario } from '../grid/cellScenario.ts';

/**
 * The pair that the choices are for: another host of the same kind than the one that measures them, without NVLink, which the programs
 * are run without. The files that lie here were made with it; choices that took it were measured over shm, and are left out.
 */
const CHOSEN_FOR = join(import.meta.dirname, 'host-a', 'host-a-pcie.yaml');
/** The machine that the programs are generated for. */
const MACHINE = 'h100-sxm-x2';
const WORKLOADS = [
  { model: 'wan2.1-t2v-14b', size: '832x480x49', blocks: 3 },
  { model: 'flux.1-dev', size: '1536x1536', blocks: 4 },
  { model: 'hunyuanvideo-13b', size: '960x544x33', blocks: 4 },
];
/** Beside the 24 presets of pair-steps. */
const PLANS_OF_A_CELL = 18;
/** The slowest random plan against no offload: device time is dear. */
const LONGEST = 1.6;
const SEEDS = 400;
/** Caps by name: what `layerwise` takes, and so much of the block weights more; null: all that the GPU has. */
const CAPS = { tight: 0, quarter: 0.25, half: 0.5, any: null } as const;
const TRANSPORTS = ['shm', undefined] as const;

const folder = join(import.meta.dirname, 'choices');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const cells = WORKLOADS.map((cell) => {
  const file = `choices/${cell.model}-${cell.size}.jsonl`;
  const { plans, choices } = competitors(cell);
  const { workload } = scenarioOf(cell, MACHINE);
  writeFileSync(join(import.meta.dirname, file), plans.map((plan) => planLine(plan, workload)).join(''));
  process.stderr.write(`${file}: ${plans.length} plans, ${choices.length} choices\n`);
  return { ...cell, sp: 2, plans: ['none,transport=shm'], planFiles: [file], choices };
});
const head =
  '# Made by makePlans.ts beside it, before anything was measured on the pair that measures them: choices for host A under caps,\n' +
  '# neighbours of them, random plans. They compete with the presets of pair-steps in the same cells.\n';
const experiment = {
  ...{ name: 'pair-choices', split: 'held-out', beside: ['pair-steps'], machine: MACHINE },
  measure: ['--rounds', '2', '--steps', '3', '--warm-up', '0.5'],
  cells,
};
writeFileSync(
  join(import.meta.dirname, 'pair-choices.yaml'),
  head + stringify(experiment, { lineWidth: 128 }),
);

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
  const plans: Plan[] = [];
  const known = new Map<string, string>();
  const add = (plan: Plan, name: string): string => {
    const content = JSON.stringify(planDocument({ ...plan, name: 'any' }, workload));
    if (!known.has(content)) {
      known.set(content, name);
      plans.push({ ...plan, name });
    }
    return known.get(content)!;
  };
  const choices: { cap: string; plan: string; transport?: string }[] = [];
  const near: { plan: Plan; name: string }[] = [];
  for (const [name, share] of Object.entries(CAPS)) {
    const most = machineCaps(workload, system);
    const gpuBytes = share === null ? Math.floor(most.gpuBytes) : Math.ceil(tight + share * weights);
    for (const transport of TRANSPORTS) {
      const of = `${name}-${transport ?? 'free'}`;
      const [choice, ...nominal] = chosen(cell, gpuBytes, transport, of);
      choices.push({ cap: `${gpuBytes} B`, plan: add(choice!, of), ...(transport && { transport }) });
      for (const plan of nominal) add(plan, `${of}-nominal`);
      if (share === null) continue;
      const [best] = neighbours(workload, system, choice!, usualSpace(workload, system, transport))
        .filter((other) => fits(workload, system, other, { ...most, gpuBytes }))
        .map((other) => ({ other, stepS: predictStep(workload, system, other).stepTimeS }))
        .sort((a, b) => a.stepS - b.stepS);
      if (best !== undefined) near.push({ plan: best.other, name: `${of}-near` });
    }
  }
  for (const { plan, name } of near) add(plan, name);
  const limitS = LONGEST * predictStep(workload, system, makePlan('none', workload, system, 'shm')).stepTimeS;
  for (let seed = 1; seed <= SEEDS && plans.length < PLANS_OF_A_CELL; seed += 1) {
    const share = [0, 0.25, 0.5][seed % 3]!;
    const caps = { ...machineCaps(workload, system), gpuBytes: tight + share * weights };
    const plan = randomPlan(workload, system, { seed, caps });
    if (predictStep(workload, system, plan).stepTimeS <= limitS) add(plan, `random-${seed}`);
  }
  return { plans, choices };
}
