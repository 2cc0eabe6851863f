import { knownLayouts } from '../catalogue.ts';
import { type DitSource, tensorsOfBlock } from '../derive.ts';
import type { Dit } from '../dit.ts';
import { type CheckpointBlocks, checkpointBlocks, containersOf, signature } from './checkpointBlocks.ts';
import type { StoredTensor } from './safetensors.ts';

/** A catalogue model whose blocks have exactly the tensors of a checkpoint. */
export interface CatalogueMatch {
  dit: Dit;
  blocks: CheckpointBlocks;
  /** The layer counts and the tensors outside the blocks are equal, too. */
  exact: boolean;
  /** Names of further models that fit as well. */
  others: readonly string[];
}

/**
 * The catalogue model that a checkpoint is, or is a relative of: every kind of block has the same tensor names
 * and shapes. FLUX.1 and HunyuanVideo share their blocks, so the tensors outside and the counts decide between
 * several; models that fit equally well are named in `others`.
 */
export function matchCatalogue(stored: readonly StoredTensor[]): CatalogueMatch | undefined {
  const present = containersOf(stored);
  const candidates = knownLayouts()
    // Most models are told apart by the names of their lists, without looking at a tensor.
    .filter(({ dit }) => dit.blocks.every(({ container }) => present.has(container)))
    .map((source) => compare(source, stored))
    .filter((candidate) => candidate !== undefined);
  const best = candidates.reduce<(typeof candidates)[number] | undefined>(
    (winner, candidate) => (winner === undefined || candidate.score > winner.score ? candidate : winner),
    undefined,
  );
  if (best === undefined) return undefined;
  const others = candidates.filter((candidate) => candidate !== best && candidate.score === best.score);
  const { dit, blocks, exact } = best;
  return { dit, blocks, exact, others: others.map((candidate) => candidate.dit.name) };
}

function compare({ dit, outside }: DitSource, stored: readonly StoredTensor[]) {
  const containers = [...new Set(dit.blocks.map(({ container }) => container))];
  const found = checkpointBlocks(stored, new Set(containers));
  // Checkpoints list tensors in any order, often by name; the catalogue knows which list runs first.
  const kinds = containers.flatMap((name) => found.kinds.filter(({ container }) => container === name));
  const sameBlocks =
    kinds.length === dit.blocks.length &&
    dit.blocks.every(
      (block, index) =>
        block.container === kinds[index]!.container &&
        signature(tensorsOfBlock(block.segments)) === signature(kinds[index]!.tensors),
    );
  if (!sameBlocks) return undefined;
  const sameCounts = dit.blocks.every((block, index) => block.count === kinds[index]!.count);
  const alike = overlap(signature(outside), signature(found.outside));
  return {
    dit,
    blocks: { kinds, outside: found.outside },
    exact: sameCounts && alike === 1,
    // The tensors outside tell models apart; the counts only break a tie.
    score: 2 * alike + (sameCounts ? 1 : 0),
  };
}

/** Lines that both texts have, as a share of the lines that either has. */
function overlap(one: string, other: string): number {
  const [a, b] = [new Set(one.split('\n')), new Set(other.split('\n'))];
  const common = [...a].filter((line) => b.has(line)).length;
  return common / (a.size + b.size - common);
}
