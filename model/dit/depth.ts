import { UserError } from '../input/userError.ts';
import type { Dit } from './dit.ts';

/** Blocks of all kinds that one forward pass runs. */
export function blockCount(dit: Dit): number {
  return dit.blocks.reduce((sum, kind) => sum + kind.count, 0);
}

/**
 * The model with only `blocks` blocks, its kinds in proportion and each at least once: enough of them to measure a steady
 * state, with less memory than all of them take.
 *
 * @throws UserError for more blocks than the model has, or fewer than kinds.
 */
export function withBlocks(dit: Dit, blocks: number): Dit {
  const total = blockCount(dit);
  if (blocks > total || blocks < dit.blocks.length) {
    throw new UserError(
      `--blocks ${blocks}: ${dit.name} has ${total} blocks of ${dit.blocks.length} ${dit.blocks.length === 1 ? 'kind' : 'kinds'}; give ${dit.blocks.length} to ${total}`,
    );
  }
  let left = blocks;
  let leftOf = total;
  const kinds = dit.blocks.map((kind, index) => {
    const after = dit.blocks.length - index - 1;
    const count =
      after === 0 ? left : Math.min(left - after, Math.max(1, Math.round((left * kind.count) / leftOf)));
    left -= count;
    leftOf -= kind.count;
    return { ...kind, count };
  });
  return { ...dit, blocks: kinds };
}
