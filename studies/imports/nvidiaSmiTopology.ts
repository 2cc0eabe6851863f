import { shown, UserError } from '../../model/input/userError.ts';
import type { MatrixCell, PathName } from '../../model/system/matrixCell.ts';
import { readTopologyMatrix, type TopologyMatrix } from '../../model/system/topologyMatrix.ts';
import type { ImportedTree, NvlinkBond } from './importedTree.ts';
import { withNumaNodes } from './numaContradictions.ts';
import { pciePath } from './smiPath.ts';
import { treeOfPairs } from './smiTree.ts';
import { type ImportedText, readImportedText } from './text/importedText.ts';

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
  const matrix = readTopologyMatrix(source);
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
        const known = guesses.get(path.guess);
        if (known === undefined) guesses.set(path.guess, [`${first}-${second}`]);
        else known.push(`${first}-${second}`);
      }
      pairs.push({ gpus: [first, second], share: SHARES[path.name], nvlinks: links });
    }
  }
  for (const [guess, of] of guesses) {
    notes.push(`${file}:${matrix.rows[0]!.line}: NVLink hides the PCIe path of ${of.join(', ')}: ${guess}`);
  }
  const numa = matrix.rows.map((row) => row.numa);
  const agreed = withNumaNodes(names, paths, numa);
  notes.push(...agreed.contradictions.map((what) => `${file}:${matrix.rows[0]!.line}: ${what}`));
  const nodes = treeOfPairs(names, agreed.paths, numa);
  for (const { id } of nodes.filter(({ kind }) => kind === 'bridge')) {
    const below = nodes.filter(({ parent }) => parent === id).map((node) => node.id);
    notes.push(
      `${file}:${matrix.rows[0]!.line}: PHB: ${below.join(', ')} may share one link of their host bridge or have one each, ` +
        `and the matrix does not say; taken as shared, the slower: if copies of all at once are as fast as of one, ` +
        `give them the parent of ${id} and remove it`,
    );
  }
  for (const node of nodes) {
    const row = matrix.rows[names.indexOf(node.id)];
    if (row === undefined || row.memoryNuma === null) continue;
    node.c2c = true;
    notes.push(
      `${file}:${row.line}: ${node.id} has memory that is NUMA node ${row.memoryNuma}: it reaches its host over NVLink-C2C; ` +
        'its rates are those published of a GH200',
    );
  }
  return { file, writer: 'nvidia-smi topo -m', gpus: names, nodes, nvlinks, notes, pairs };
}

function symmetricCell(matrix: TopologyMatrix, a: number, b: number, file: string): MatrixCell {
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
