// Writes the experiment beside this file: what the optimiser's plans gain over SGLang's policies in the same memory, what they save
// against no offload, and the curve between. `npx tsx experiments/h100-headlines/makePlans.ts`
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { memoryNeed } from '../../model/physics/memory.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { planLine } from '../../model/plan/planLines.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { passWeightBytes } from '../../model/workload/workload.ts';
import { machineCaps } from '../../search/caps.ts';
import { smallestPlan } from '../../search/leastMemory.ts';
import { optimise } from '../../search/optimise.ts';
import { searchOracles } from '../../search/searchOracle.ts';
import { usualSpace } from '../../search/searchSpace.ts';
import { loadSolver } from '../../search/solver.ts';
import { cellScenario } from '../../studies/grid/cellScenario.ts';

const MACHINE = 'h200-x1-fitted';
const NCCL_LIKE = 'staged-sm:2';
/** Points of the curves, from the smallest plan to all weights on the GPU. */
const POINTS = 7;

type Kind = 'speed' | 'memory' | 'curve';
interface Case {
  kind: Kind;
  model: string;
  size: string;
  blocks?: number;
  cfg?: 'none';
}

const wan = { model: 'wan2.1-t2v-14b', cfg: 'none' } as const;
const flux = { model: 'flux.1-dev' } as const;
const hunyuan = { model: 'hunyuanvideo-13b' } as const;
const CASES: Case[] = [
  // Half the depth: the ratio of two plans repeats from block to block.
  { kind: 'speed', ...wan, blocks: 20, size: '832x480x45' },
  { kind: 'speed', ...flux, blocks: 29, size: '2304x2304' },
  { kind: 'speed', ...flux, blocks: 29, size: '2560x2560' },
  { kind: 'speed', ...hunyuan, blocks: 30, size: '960x544x41' },
  { kind: 'speed', ...hunyuan, blocks: 30, size: '960x544x49' },
  { kind: 'memory', ...wan, size: '832x480x81' },
  { kind: 'memory', ...flux, size: '2048x2048' },
  { kind: 'memory', ...hunyuan, size: '960x544x61' },
  { kind: 'curve', ...wan, size: '832x480x17' },
  { kind: 'curve', ...flux, size: '1024x1024' },
  { kind: 'curve', ...hunyuan, size: '512x320x33' },
];
const PRESETS: Record<Kind, string[]> = {
  speed: [
    ...['none', 'layerwise', 'layerwise-drain'].map((preset) => `${preset},transport=${NCCL_LIKE}`),
    'none,transport=staged-copy',
  ],
  memory: [`none,transport=${NCCL_LIKE}`, 'none,transport=staged-copy'],
  curve: [`none,transport=${NCCL_LIKE}`, 'none,transport=staged-copy', `layerwise,transport=${NCCL_LIKE}`],
};

const folder = import.meta.dirname;
const highs = await loadSolver();
mkdirSync(join(folder, 'plans'), { recursive: true });
const cells = CASES.map(({ kind, ...cell }) => {
  const { workload, system } = cellScenario({
    ...{ cfg: undefined, blocks: undefined, ...cell },
    ...{ id: 'cell', sp: 2, tp: 1, machine: MACHINE, plans: [] },
  });
  const oracles = searchOracles(workload, system);
  const everything = machineCaps(workload, system);
  const memoryOf = (text: string) =>
    memoryNeed(workload, system, makePlan(text, workload, system)).gpuPeakBytes;
  const equal = memoryOf(`layerwise,transport=${NCCL_LIKE}`);
  const none = memoryOf(`none,transport=${NCCL_LIKE}`);
  const smallest = smallestPlan({ workload, system, space: usualSpace(workload, system) })!.gpuBytes;
  const caps: Record<Kind, Record<string, number>> = {
    speed: { equal, quarter: equal + 0.25 * passWeightBytes(workload) },
    memory: { least: equal, 'half-less': 0.51 * none },
    curve: Object.fromEntries(
      Array.from({ length: POINTS }, (_, point) => [
        `p${point}`,
        smallest + (point / POINTS) * (none - smallest),
      ]),
    ),
  };
  const plans: Plan[] = [];
  const choices: { cap: string; plan: string; transport?: string }[] = [];
  for (const [name, cap] of Object.entries(caps[kind])) {
    const gpuBytes = Math.ceil(cap);
    for (const [of, transport] of [
      ['sm2', NCCL_LIKE],
      ['free', undefined],
    ] as const) {
      const space = usualSpace(workload, system, transport);
      const { plan } = optimise({ highs, workload, system, space, ...oracles }, { ...everything, gpuBytes });
      plans.push({ ...plan, name: `${name}-${of}` });
      choices.push({ cap: `${gpuBytes} B`, plan: `${name}-${of}`, ...(transport && { transport }) });
    }
  }
  const file = `plans/${kind}-${cell.model}-${cell.size}.jsonl`;
  writeFileSync(join(folder, file), plans.map((plan) => planLine(plan, workload)).join(''));
  process.stderr.write(`${file}: ${plans.length} plans\n`);
  return { ...cell, sp: 2, plans: PRESETS[kind], planFiles: [file], choices };
});
const head =
  '# Made by makePlans.ts beside it: gains at the best sizes, memory at the large ones, curves at the small ones.\n';
const experiment = {
  ...{ name: 'h100-headlines', split: 'held-out', machine: MACHINE },
  measure: ['--rounds', '3', '--steps', '2', '--warm-up', '1'],
  cells,
};
writeFileSync(join(folder, 'h100-headlines.yaml'), head + stringify(experiment, { lineWidth: 128 }));
