import { planElsewhere } from '../../model/plan/planElsewhere.ts';
import type { System } from '../../model/system/system.ts';
import { simulate } from '../../sim/simulate.ts';
import type { StepRun } from '../dataset/stepRecords.ts';
import { cellScenario } from '../grid/cellScenario.ts';
import { cellOfRecord } from '../grid/recordedCell.ts';
import { stepProgramHash } from '../grid/stepProgramHash.ts';

/**
 * Simulated step of a measured plan, seconds; null where the plan lowers to other operations now than when it was measured: then
 * nothing comparable can be predicted.
 */
export type SimulatedPlans = (plan: string) => number | null;

/**
 * What the simulator says of plans that one cell measured. Plans are made for the cell's own machine, as they were when they were
 * measured; what measured them does not matter here, and whoever shows both names it.
 *
 * @param runs of the cell, in any order; each plan that is asked for is among them.
 * @param machine predicts; null for the cell's own.
 */
export function simulatedPlans(runs: readonly StepRun[], machine: System | null): SimulatedPlans {
  const known = new Map<string, number | null>();
  return (plan) => {
    const run = runs.find((one) => one.plan === plan);
    if (run === undefined) throw new Error(`${plan}: no run of it to simulate`);
    const found = known.get(plan);
    if (found !== undefined) return found;
    const stepS = simulatedS(run, machine);
    known.set(plan, stepS);
    return stepS;
  };
}

function simulatedS(run: StepRun, machine: System | null): number | null {
  const { workload, system, plans } = cellScenario(cellOfRecord(run));
  const made = plans[0]!;
  if (stepProgramHash(workload, system, made) !== run.stepProgram) return null;
  const plan = planElsewhere(made, workload, system);
  return simulate(workload, machine ?? system, plan, { breakEven: false }).report.stepTimeS;
}
