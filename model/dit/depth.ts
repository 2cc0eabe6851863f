import { UserError } from '../input/userError.ts';
import type { Dit, DitBlockKind } from './dit.ts';

/** Blocks of all kinds that one forward pass runs. */
export function blockCount(dit: Dit): number {
  return dit.blocks.reduce((sum, kind) => sum + kind.count, 0);
}

/**
 * The model with only `blocks` blocks, its kinds in proportion and each at least once: enough of them to measure a steady
 * state, with less memory than all of them take. They are the first blocks of their kinds, under the names that these have in
 * the whole model's checkpoint.
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
  const firsts = firstIndices(dit.blocks);
  let left = blocks;
  let leftOf = total;
  const kinds = dit.blocks.map((kind, index) => {
    const after = dit.blocks.length - index - 1;
    const count =
      after === 0 ? left : Math.min(left - after, Math.max(1, Math.round((left * kind.count) / leftOf)));
    left -= count;
    leftOf -= kind.count;
    return { ...kind, count, first: firsts[index]! };
  });
  return { ...dit, blocks: kinds };
}

/** By kind: the index of its first block in its list of layers. SD3.5's last block is number 37 of the list that holds the others. */
export function firstIndices(kinds: readonly DitBlockKind[]): number[] {
  const next = new Map<string, number>();
  return kinds.map(({ container, first = next.get(container) ?? 0, count }) => {
    next.set(container, first + count);
    return first;
  });
}
