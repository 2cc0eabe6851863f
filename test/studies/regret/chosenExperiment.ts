import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryNeed } from '../../../model/physics/memory.ts';
import type { StepRun } from '../../../studies/dataset/stepRecords.ts';
import { cellScenario } from '../../../studies/grid/cellScenario.ts';
import { type Cell, cellsOf, readExperiment } from '../../../studies/grid/experimentFile.ts';
import { recordedCell } from '../../../studies/grid/recordedCell.ts';
import { stepProgramHash } from '../../../studies/grid/stepProgramHash.ts';
import { stepRun } from '../dataset/stepRun.ts';

/** What measured it: another device than the one that plans were made for. */
export const DEVICE = 'NVIDIA H100 80GB HBM3';
export const MACHINE = 'h200-x1-fitted';

export const PLANS = [
  'none,transport=staged-sm:2',
  'layerwise,transport=staged-sm:2',
  'layerwise-drain,transport=staged-sm:2',
  'yield,transport=staged-sm:2',
  'yield,transport=staged-copy',
  'none,transport=staged-copy',
  'layerwise,slots=3,transport=staged-sm:2',
];

/** An experiment of the tiny model's cell alone, with a choice for one transport and one for any. */
export function chosenExperiment(folder: string, choices?: string) {
  const file = join(folder, 'chosen.yaml');
  writeFileSync(file, textOf(choices ?? '{cap: 1 TiB, plan: "none,transport=staged-sm:2"}'));
  const [cell] = cellsOf(readExperiment(file)) as [Cell];
  const { workload, system, plans } = cellScenario(cell);
  const gpuBytes = plans.map((plan) => memoryNeed(workload, system, plan).gpuPeakBytes);
  const [sm, copy] = [gpuBytes[3]!, gpuBytes[4]!];
  const usual =
    `{cap: ${sm} B, plan: "${PLANS[3]}", transport: "staged-sm:2"}, ` +
    `{cap: ${copy} B, plan: "${PLANS[4]}"}, {cap: 1 TiB, plan: "${PLANS[4]}"}`;
  if (choices === undefined) writeFileSync(file, textOf(usual));

  /** Steps of the plans in their order, ms; three rounds, 1 % to both sides. */
  const steps = (ms: readonly number[], fields: Partial<StepRun> = {}): StepRun[] =>
    ms.map((each, index) => {
      const stepS = each / 1e3;
      return stepRun({
        ...{ experiment: 'chosen', split: 'held-out', cell: recordedCell(cell, workload), stepS },
        ...{ plan: PLANS[index]!, transport: plans[index]!.transport },
        ...{ visitS: [stepS * 0.99, stepS, stepS * 1.01] },
        stepProgram: stepProgramHash(workload, system, plans[index]!),
        device: { name: DEVICE, driver: '580.95', cuda: '13.0' },
        ...fields,
      });
    });
  return { file, cell, workload, system, plans, gpuBytes, steps };
}

function textOf(choices: string): string {
  return `name: chosen
split: held-out
machine: ${MACHINE}
measure: []
cells:
  - model: experiments/tiny/tiny-joint.yaml
    size: 64x64
    blocks: 4
    sp: 2
    plans: [${PLANS.map((name) => `"${name}"`).join(', ')}]
    choices: [${choices}]
`;
}
