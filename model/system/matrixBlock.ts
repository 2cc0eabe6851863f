import { shown, UserError } from '../input/userError.ts';
import { matrixCell } from './matrixCell.ts';

/** Columns behind those of devices. */
export const AFFINITIES = ['CPU Affinity', 'NUMA Affinity', 'GPU NUMA ID'] as const;

/** The lines of one matrix: its header's columns, and the rows of its devices. */
export interface MatrixBlock {
  headerIndex: number;
  /** GPUs, partitions of GPUs and NICs, in the order of the columns. */
  devices: string[];
  affinities: (typeof AFFINITIES)[number][];
  rows: { index: number; name: string; values: string[] }[];
  notes: string[];
}

/** Lines beside the matrix that are named one by one. */
const MOST_NOTED = 3;

/**
 * Finds the matrix of paths among the lines of a file. Other matrices of GPUs, such as that of `nvidia-smi topo -p2p`, have the same
 * header and no paths in their cells.
 *
 * @throws UserError with file and line if there is none.
 */
export function matrixBlock(lines: readonly string[], file: string): MatrixBlock {
  const headers = lines.flatMap((line, index) => (isHeader(line) ? [index] : []));
  if (headers.length === 0)
    throw new UserError(
      'has no line with the columns "GPU0 GPU1 ..."; expected what nvidia-smi topo -m prints',
      { file },
    );
  const ends = headers.map((_, at) => headers[at + 1] ?? lines.length);
  const found = headers.findIndex((header, at) => hasPaths(lines.slice(header + 1, ends[at])));
  const chosen = Math.max(0, found);
  const headerIndex = headers[chosen]!;
  const place = { file, line: headerIndex + 1 };
  const { devices, affinities } = columnsOf(lines[headerIndex]!, place);
  const notes: string[] = [];
  const isColumn = new Set(devices);
  const rows: MatrixBlock['rows'] = [];
  const others: number[] = [];
  for (const [index, text] of lines.slice(0, ends[chosen]).entries()) {
    if (index > headerIndex && /^(NIC )?Legend:/.test(text.trim())) break;
    const [name = '', ...values] = wordsOf(text);
    if (index === headerIndex || name === '') continue;
    if (index > headerIndex && isColumn.has(name))
      rows.push({ index, name, values: withBlankCpus(cellsOf(values), text, devices.length) });
    else others.push(index);
  }
  for (const index of others.slice(0, MOST_NOTED))
    notes.push(`${file}:${index + 1}: ${shown(lines[index]!.trim())} is no part of the matrix; left out`);
  if (others.length > MOST_NOTED)
    notes.push(
      `${file}:${others[MOST_NOTED]! + 1}: so are ${others.length - MOST_NOTED} more lines, the first here`,
    );
  const more = headers.findIndex((header, at) => at > chosen && hasPaths(lines.slice(header + 1, ends[at])));
  if (more >= 0) notes.push(`${file}:${headers[more]! + 1}: another matrix begins; left out`);
  const parts = devices.filter((name) => isPartition(name));
  if (parts.length > 0)
    notes.push(`${file}:${place.line}: ${parts.join(', ')}: partitions (MIG) of a GPU; left out`);
  return { headerIndex, devices, affinities, rows, notes };
}

/** A GPU's name, alone or with what `nvidia-smi` says of its partitions. */
const GPU = /^GPU\d+$/;

function isPartition(name: string): boolean {
  return /^(MIG\S*|GPU\d+[:/.]\S+)$/.test(name);
}

function isHeader(line: string): boolean {
  const words = wordsOf(line);
  return (
    (GPU.test(words[0] ?? '') || isPartition(words[0] ?? '')) &&
    !words.some((word) => matrixCell(word) !== null)
  );
}

/** Whether rows below a header have cells of paths, or of one GPU alone its `X`. */
function hasPaths(lines: readonly string[]): boolean {
  const rows = lines.map(wordsOf).filter(([name = '']) => GPU.test(name));
  const cells = rows.map(([, ...values]) => values.map((value) => matrixCell(value)));
  const isPath = cells.some((row) => row.some((cell) => cell !== null && cell.kind !== 'self'));
  return isPath || (rows.length === 1 && cells[0]![0]?.kind === 'self');
}

/** Words of a line; a remark in brackets, `GPU0 (MIG)`, is none. */
function wordsOf(line: string): string[] {
  return line
    .replaceAll(/\([^()]*\)/g, ' ')
    .trim()
    .split(/\s+/);
}

/** Cells that lost the blanks between them, as in copies of wide matrices: `NODENODE`. */
const GLUED = /^(?:PIX|PXB|PHB|NODE|SYS|SOC|NV\d+|X){2,}$/;

function cellsOf(values: readonly string[]): string[] {
  return values.flatMap((value) =>
    GLUED.test(value) ? value.match(/PIX|PXB|PHB|NODE|SYS|SOC|NV\d+|X/g)! : [value],
  );
}

/** Values with `N/A` for a CPU affinity that is left blank before a NUMA affinity, as for GPUs without CPUs of their own: tabs tell. */
function withBlankCpus(values: string[], text: string, devices: number): string[] {
  const affinities = text
    .trimStart()
    .split('\t')
    .slice(devices + 1);
  const isBlank = affinities.length > 1 && affinities[0]!.trim() === '' && values.length > devices;
  return isBlank ? [...values.slice(0, devices), 'N/A', ...values.slice(devices)] : values;
}

function columnsOf(
  text: string,
  place: { file: string; line: number },
): Pick<MatrixBlock, 'devices' | 'affinities'> {
  const affinities = AFFINITIES.filter((label) => labelPattern(label).test(text));
  const rest = affinities.reduce((line, label) => line.replace(labelPattern(label), ''), text);
  const devices = wordsOf(rest);
  const unknown = devices.find(
    (name) => !/^(GPU\d+|NIC\d+|mlx\d+_\d+|[a-z]\w*)$/.test(name) && !isPartition(name),
  );
  if (unknown === undefined) return { devices, affinities };
  throw new UserError(
    `column ${shown(unknown)}: expected GPUs, NICs, ${AFFINITIES.join(', ')}; keep the header whole`,
    place,
  );
}

/** A label of two or three words, however many blanks a copy has left between them. */
function labelPattern(label: string): RegExp {
  return new RegExp(label.replaceAll(' ', '\\s+'));
}
