import { blockCount } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { depthText } from '../../studies/dataset/programDepth.ts';
import type { ScenarioFlags } from '../flags/scenario.ts';
import type { Scenario } from '../scenario.ts';
import { workloadLine } from './readable.ts';

/** What a chart of a scenario says above the picture: what is computed and where, and beside it how many of the model's blocks. */
export function scenarioNotes(
  { workload, described, system, spIsDefault }: Scenario,
  flags: ScenarioFlags,
): string[] {
  const blocks = workload.blocks.length;
  const modelBlocks = flags.blocks === undefined ? blocks : blockCount(loadDit(flags.model!, entryOf(flags)));
  return [
    workloadLine(described, spIsDefault).trim(),
    `${depthText({ blocks, modelBlocks })}; ${system.name}`,
  ];
}

function entryOf({ entry, dtype }: ScenarioFlags) {
  return { ...(entry !== undefined && { entry }), ...(dtype !== undefined && { dtype }) };
}

/** A scenario's model, size aside. */
export function modelName({ described }: Scenario): string {
  return described.name;
}
