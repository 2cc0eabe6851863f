import { shown, UserError } from '../../model/input/userError.ts';
import { type ImportedText, readImportedText } from './importedText.ts';
import type { ImportedTree, NvlinkBond } from './importedTree.ts';
import { readSmiMatrix, type SmiMatrix } from './smiMatrix.ts';
import { type PathName, pciePath, type SmiCell } from './smiPath.ts';
import { treeOfPairs } from './smiTree.ts';

/** Two GPUs and what lies between them. */
export interface GpuPair {
  gpus: readonly [string, string];
  /** The nearest part of the PCIe tree that they share. */
  share: 'switch' | 'host bridge' | 'socket' | 'fabric';
  /** NVLinks bonded between them; 0 where the matrix names a PCIe path. */
  nvlinks: number;
}

/** What `nvidia-smi topo -m` tells: a tree whose links have no rates, and each pair of GPUs. */
export interface SmiTopology extends ImportedTree {
  pairs: GpuPair[];
}

const SHARES: Readonly<Record<PathName, GpuPair['share']>> = {
  PIX: 'switch',
  PXB: 'switch',
  PHB: 'host bridge',
  NODE: 'socket',
  SYS: 'fabric',
};

/**
 * GPUs and the skeleton of their PCIe tree from the matrix that `nvidia-smi topo -m` prints. An NVLink cell
 * hides the PCIe path of its pair; NICs that both GPUs are near to, and then their NUMA nodes, stand in for
 * it, with a note.
 *
 * @throws UserError with file and line of a row with too few or too many columns, of a cell that the legend
 * does not have, and of a matrix whose halves differ.
 */
export function readNvidiaSmiTopology(file: string): SmiTopology {
  return nvidiaSmiTopology(readImportedText(file));
}

/** As readNvidiaSmiTopology, for text that is already in memory. */
export function nvidiaSmiTopology(source: ImportedText): SmiTopology {
  const { file } = source;
  const matrix = readSmiMatrix(source);
  const { notes } = matrix;
  const names = matrix.gpus.map((name) => name.toLowerCase());
  const pairs: GpuPair[] = [];
  /** Pairs by what was guessed of them. */
  const guesses = new Map<string, string[]>();
  const nvlinks: NvlinkBond[] = [];
  const paths = names.map(() => [] as PathName[]);
  for (const [a, first] of names.entries()) {
    for (const [b, second] of names.entries()) {
      if (b <= a) continue;
      const cell = symmetricCell(matrix, a, b, file);
      const path = pciePath(matrix, a, b);
      paths[a]![b] = path.name;
      paths[b]![a] = path.name;
      const links = cell.kind === 'nvlink' ? cell.links : 0;
      if (links > 0) nvlinks.push({ gpu: first, peer: second, links });
      if (path.guess !== null) {
        guesses.set(path.guess, [...(guesses.get(path.guess) ?? []), `${first}-${second}`]);
      }
      pairs.push({ gpus: [first, second], share: SHARES[path.name], nvlinks: links });
    }
  }
  for (const [guess, of] of guesses) {
    notes.push(`${file}:${matrix.rows[0]!.line}: NVLink hides the PCIe path of ${of.join(', ')}: ${guess}`);
  }
  const tree = treeOfPairs(
    names,
    paths,
    matrix.rows.map(({ numa }) => numa),
  );
  return { file, writer: 'nvidia-smi topo -m', gpus: names, nodes: tree, nvlinks, notes, pairs };
}

function symmetricCell(matrix: SmiMatrix, a: number, b: number, file: string): SmiCell {
  const upper = matrix.rows[a]!;
  const lower = matrix.rows[b]!;
  const [cell, mirror] = [upper.cells[b]!, lower.cells[a]!];
  if (cell.text === mirror.text) return cell;
  throw new UserError(
    `${matrix.gpus[b]} to ${matrix.gpus[a]}: ${shown(mirror.text)}, but line ${upper.line} ` +
      `has ${shown(cell.text)}; run nvidia-smi topo -m again`,
    { file, line: lower.line },
  );
}
