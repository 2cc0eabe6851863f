import { workloadFields } from '../../library/workloadFields.ts';
import { blockCount } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import type { Scenario } from '../../model/scenario/scenario.ts';
import { depthText } from '../../studies/dataset/programDepth.ts';
import type { ScenarioFlags } from '../flags/scenario.ts';
import { workloadLines } from './workloadText.ts';

/** What a chart of a scenario says above the picture: what is computed and where, and beside it how many of the model's blocks. */
export function scenarioNotes(scenario: Scenario, flags: ScenarioFlags): string[] {
  const { workload, system, spIsDefault } = scenario;
  const blocks = workload.blocks.length;
  const modelBlocks = flags.blocks === undefined ? blocks : blockCount(loadDit(flags.model!, entryOf(flags)));
  return [
    workloadLines(workloadFields(scenario), 1, spIsDefault)[0]!.split(';')[0]!.trim(),
    `${depthText({ blocks, modelBlocks })}; ${system.name}`,
  ];
}

function entryOf({ entry, dtype }: ScenarioFlags) {
  return { ...(entry !== undefined && { entry }), ...(dtype !== undefined && { dtype }) };
}

/** A scenario's model, size aside. */
export function modelName({ workload }: Scenario): string {
  return workload.model.name;
}
