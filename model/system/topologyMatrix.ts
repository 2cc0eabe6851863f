import { shown, UserError } from '../input/userError.ts';
import { type AFFINITIES, type MatrixBlock, matrixBlock } from './matrixBlock.ts';
import { type MatrixCell, matrixCell, PATHS } from './matrixCell.ts';

/** The row of one GPU. */
export interface MatrixRow {
  line: number;
  /** By column: GPUs first, then NICs. */
  cells: MatrixCell[];
  /** NUMA nodes of the CPUs that are near, `0` or `0-1`; null where the matrix has none. */
  numa: string | null;
  /** NUMA node that the GPU's own memory is, as over NVLink-C2C; null where it is none. */
  memoryNuma: string | null;
}

/** The matrix of `nvidia-smi topo -m`, rows of GPUs only. */
export interface TopologyMatrix {
  gpus: string[];
  rows: MatrixRow[];
  notes: string[];
}

/** Lines without escapes and prefixes, and the file that they are of. */
export interface MatrixText {
  file: string;
  lines: readonly string[];
}

/** Of one host; the largest that are sold have 16, and paths are looked for among all of three devices. */
const MOST_GPUS = 128;

/**
 * Reads the matrix that `nvidia-smi topo -m` prints. Cells are set apart by tabs, or by blanks after a copy from a terminal; other
 * output may stand before and after it, such as the matrix of `nvidia-smi topo -p2p`.
 *
 * @throws UserError with file and line of what does not fit.
 */
export function readTopologyMatrix({ file, lines }: MatrixText): TopologyMatrix {
  const block = matrixBlock(lines, file);
  const { devices, headerIndex, notes } = block;
  const gpus = devices.filter((name) => /^GPU\d+$/.test(name));
  const header = { file, line: headerIndex + 1 };
  if (gpus.length === 0)
    throw new UserError('has columns of partitions (MIG) only; give the matrix of whole GPUs', header);
  if (gpus.length > MOST_GPUS)
    throw new UserError(
      `${gpus.length} columns of GPUs, expected at most ${MOST_GPUS} of one host; is it a topology?`,
      header,
    );
  const rows = new Map<string, MatrixRow>();
  const isGpu = new Set(gpus);
  for (const { name, values, index } of block.rows) {
    const place = { file, line: index + 1 };
    // Nothing is asked of the rows of NICs.
    if (!isGpu.has(name)) continue;
    const row = readRow(values, { name, block, place });
    if (rows.has(name)) throw new UserError(`${name} has two rows; keep one matrix a file`, place);
    rows.set(name, row);
    if (row.numa === null) notes.push(`${file}:${index + 1}: ${name} has no NUMA affinity`);
  }
  const missing = gpus.find((name) => !rows.has(name));
  if (missing !== undefined)
    throw new UserError(`${missing} has a column and no row; keep the whole matrix`, header);
  return { gpus, rows: gpus.map((name) => rows.get(name)!), notes };
}

interface RowContext {
  name: string;
  block: MatrixBlock;
  place: { file: string; line: number };
}

function readRow(values: readonly string[], context: RowContext): MatrixRow {
  const {
    name,
    block: { devices, affinities },
    place,
  } = context;
  const most = devices.length + affinities.length;
  if (values.length < devices.length || values.length > most)
    throw new UserError(
      `row ${name}: expected ${devices.length} cells and up to ${affinities.length} affinities, ` +
        `got ${values.length} values; keep the whole line`,
      place,
    );
  const cells = devices.map((device, column) => {
    const cell = matrixCell(values[column]!);
    if (cell !== null && (cell.kind === 'self') === (device === name)) return cell;
    const expected = device === name ? 'X' : `NV and a number, ${PATHS.join(', ')}`;
    throw new UserError(
      `row ${name}, column ${device}: expected ${expected}, ` +
        `got ${shown(values[column])}; run nvidia-smi topo -m again`,
      place,
    );
  });
  // An affinity that is left blank cannot be told from its neighbour, so a shorter row has none.
  const isWhole = values.length === most;
  const affinity = (label: (typeof AFFINITIES)[number]): string | null => {
    const at = affinities.indexOf(label);
    const value = isWhole && at >= 0 ? values[devices.length + at]! : 'N/A';
    return value === 'N/A' ? null : value;
  };
  const memoryNuma = affinity('GPU NUMA ID');
  return {
    line: place.line,
    cells,
    numa: affinity('NUMA Affinity'),
    memoryNuma: memoryNuma !== null && /^\d+$/.test(memoryNuma) ? memoryNuma : null,
  };
}
