import type { Command } from 'commander';
import type { ScenarioQuestion } from '../../model/scenario/question.ts';
import { collect } from './values.ts';
import { addDocumentOption, addWorkloadOptions } from './workload.ts';

/** The flags of a workload, a machine and the plans to compare, as commander hands them over. */
export interface ScenarioFlags extends ScenarioQuestion {
  json?: boolean;
}

/** Adds the flags that describe a workload, a machine and the plans to compare. */
export function addScenarioOptions(command: Command): Command {
  return addDocumentOption(addPlanOptions(addWorkloadOptions(command)));
}

/** Adds the flags that say which plans are compared. */
export function addPlanOptions(command: Command): Command {
  return command
    .optionsGroup('How weights are streamed:')
    .option(
      '--plan <name[,key=value...]>',
      'a preset, or another tool with its settings: see `chunkflow plans`; repeat to compare (default: the usual ones)',
      collect,
    )
    .option('--resident <fraction>', 'share of each block that stays on the GPU, for plans that do not say')
    .option('--prefetch <n>', 'blocks fetched ahead, likewise')
    .option('--chunk <size>', 'largest copy, such as 16MiB, likewise')
    .option('--slots <n>', 'device buffers, likewise');
}
