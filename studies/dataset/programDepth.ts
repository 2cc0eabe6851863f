import { max, min } from 'simple-statistics';
import { blockCount } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import type { StepRun } from './stepRecords.ts';

/** How many of its model's blocks a measured program has. */
export interface ProgramDepth {
  blocks: number;
  modelBlocks: number;
}

const modelDepths = new Map<string, number>();

/** @throws UserError for a model that can no longer be read. */
export function programDepth({ model, blocks }: StepRun['cell']): ProgramDepth {
  const modelBlocks = modelDepths.get(model) ?? blockCount(loadDit(model));
  modelDepths.set(model, modelBlocks);
  return { blocks, modelBlocks };
}

/** @example depthText({ blocks: 6, modelBlocks: 40 }) // '6 of 40 blocks' */
export function depthText({ blocks, modelBlocks }: ProgramDepth): string {
  return blocks === modelBlocks ? `all ${blocks} blocks` : `${blocks} of ${modelBlocks} blocks`;
}

/**
 * The depths of several programs in one phrase, to stand beside any figure that sums them up.
 *
 * @example depthRange([{ blocks: 2, modelBlocks: 40 }, { blocks: 3, modelBlocks: 57 }]) // '2 to 3 of 40 to 57 blocks'
 */
export function depthRange(depths: readonly ProgramDepth[]): string {
  if (depths.every(({ blocks, modelBlocks }) => blocks === modelBlocks))
    return `all ${range(depths.map(({ blocks }) => blocks))} blocks`;
  const blocks = range(depths.map((depth) => depth.blocks));
  return `${blocks} of ${range(depths.map((depth) => depth.modelBlocks))} blocks`;
}

function range(values: readonly number[]): string {
  const [least, most] = [min([...values]), max([...values])];
  return least === most ? `${least}` : `${least} to ${most}`;
}
