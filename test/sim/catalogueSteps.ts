import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { predictStep } from '../../model/analytic/stepReport.ts';
import { catalogueIds, loadDit } from '../../model/dit/load.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem, systemIds } from '../../model/system/load.ts';
import type { System } from '../../model/system/system.ts';
import { bindWorkload } from '../../model/workload/bind.ts';
import { simulate } from '../../sim/simulate.ts';

const PLANS = ['layerwise', 'chunkflow-paper', 'yield,resident=0.25'] as const;

/** The one plan of a model's and a machine's place in their lists that the quick tier simulates. */
export const quickPlan = (model: number, machine: number): string => PLANS[(model + machine) % PLANS.length]!;

/** What it leaves. */
export const otherPlans = (model: number, machine: number): string[] =>
  PLANS.filter((plan) => plan !== quickPlan(model, machine));

/** All GPUs that the heads can be split over; two where the peers are mirrored. */
function degree(heads: number, system: System): number {
  let sp = system.peer === 'mirrored' ? 2 : system.gpus.length;
  while (heads % sp !== 0) sp -= 1;
  return sp;
}

/**
 * Launches hold back the next chunk by what is left of them, which the closed form takes as an average over the chunk in flight.
 * Where a block is a few chunks long, each begins at a place of its own: 6 % of a step that copies of 45 MB decide.
 */
const COARSE: Record<string, number> = { 'dit-xl-2 on h100-pcie-x2, chunkflow-paper': 0.07 };

/** Tests of plans of every model on every machine: those that `plansOf` says of a model's and a machine's place in their lists. */
export function testCatalogue(
  catalogue: Test,
  plansOf: (model: number, machine: number) => readonly string[],
): void {
  const models = catalogueIds().map((id) => [id, loadDit(id)] as const);
  // Between hosts all ranks are simulated: test/model/analytic/network.test.ts does a few.
  const machines = systemIds().filter((id) => loadSystem(id).network === null);
  for (const [machineIndex, machine] of machines.entries()) {
    const system = loadSystem(machine);
    for (const [modelIndex, [id, dit]] of models.entries()) {
      catalogue(`${id} on ${machine}: steady, and as the closed form has it`, () => {
        const workload = bindWorkload(dit, { size: dit.referenceSize, sp: degree(dit.heads, system) });
        for (const text of plansOf(modelIndex, machineIndex)) {
          const plan = makePlan(text, workload, system);
          const simulation = simulate(workload, system, plan, { breakEven: false });
          const predictedS = predictStep(workload, system, plan).stepTimeS;
          const { stepTimeS } = simulation.report;
          assert.ok(simulation.steady, `${text} is not steady after ${simulation.steps} steps`);
          const allowed = COARSE[`${id} on ${machine}, ${text}`] ?? 0.03;
          assert.ok(
            Math.abs(predictedS / stepTimeS - 1) < allowed,
            `${text}: ${predictedS} s and ${stepTimeS} s`,
          );
        }
      });
    }
  }
}
