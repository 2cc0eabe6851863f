import { shown, UserError } from '../../model/input/userError.ts';
import type { ImportedText } from './importedText.ts';
import { PATHS, type PathName, type SmiCell } from './smiPath.ts';

/** The row of one GPU. */
export interface SmiRow {
  line: number;
  /** By column: GPUs first, then NICs. */
  cells: SmiCell[];
  /** NUMA nodes as the matrix has them, `0` or `0-1`; null where it has none. */
  numa: string | null;
}

/** The matrix of `nvidia-smi topo -m`, rows of GPUs only. */
export interface SmiMatrix {
  gpus: string[];
  rows: SmiRow[];
  notes: string[];
}

/** Of one host; the largest that are sold have 16, and paths are looked for among all of three devices. */
const MOST_GPUS = 128;
/** Lines beside the matrix that are named one by one. */
const MOST_NOTED = 10;

const AFFINITIES = ['CPU Affinity', 'NUMA Affinity', 'GPU NUMA ID'];

/**
 * Reads the matrix. Cells are set apart by tabs, or by blanks after a copy from a terminal.
 *
 * @throws UserError with file and line of what does not fit.
 */
export function readSmiMatrix({ file, lines }: ImportedText): SmiMatrix {
  const plain = lines.map(withoutEscapes);
  const headerIndex = plain.findIndex((line) => /^\s*GPU\d+\s/.test(`${line} `) && !/\sX\s/.test(`${line} `));
  if (headerIndex < 0) {
    throw new UserError(
      'has no line with the columns "GPU0 GPU1 ..."; expected what nvidia-smi topo -m prints',
      {
        file,
      },
    );
  }
  const { devices, affinities } = columnsOf(plain[headerIndex]!, { file, line: headerIndex + 1 });
  const gpus = devices.filter((name) => /^GPU\d+$/.test(name));
  const notes: string[] = [];
  const noteLine = (index: number, what: string) => notes.push(`${file}:${index + 1}: ${what}`);
  if (gpus.length > MOST_GPUS)
    throw new UserError(
      `${gpus.length} columns of GPUs, expected at most ${MOST_GPUS} of one host; is it a topology?`,
      { file, line: headerIndex + 1 },
    );
  const rows = new Map<string, SmiRow>();
  const isColumn = new Set(devices);
  const isGpu = new Set(gpus);
  const others: number[] = [];
  for (const [index, text] of plain.entries()) {
    const [name = '', ...values] = text.trim().split(/\s+/);
    if (index === headerIndex || name === '') continue;
    if (/^(NIC )?Legend:/.test(text.trim())) break;
    const isDevice = index > headerIndex && isColumn.has(name);
    if (!isDevice) {
      if (others.push(index) <= MOST_NOTED)
        noteLine(index, `${shown(text.trim())} is no part of the matrix; left out`);
      continue;
    }
    const place = { file, line: index + 1 };
    const row = readRow(values, { name, devices, affinities }, place);
    if (rows.has(name)) throw new UserError(`${name} has two rows; keep one matrix a file`, place);
    rows.set(name, row);
    if (isGpu.has(name) && row.numa === null) noteLine(index, `${name} has no NUMA affinity`);
  }
  if (others.length > MOST_NOTED)
    noteLine(others[MOST_NOTED]!, `so are ${others.length - MOST_NOTED} more lines, the first here`);
  const missing = gpus.find((name) => !rows.has(name));
  if (missing !== undefined) {
    throw new UserError(`${missing} has a column and no row; keep the whole matrix`, {
      file,
      line: headerIndex + 1,
    });
  }
  return { gpus, rows: gpus.map((name) => rows.get(name)!), notes };
}

interface Columns {
  devices: string[];
  affinities: string[];
}

function columnsOf(text: string, place: { file: string; line: number }): Columns {
  const affinities = AFFINITIES.filter((label) => text.includes(label));
  const rest = affinities.reduce((line, label) => line.replace(label, ''), text);
  const devices = rest.trim().split(/\s+/);
  const unknown = devices.find((name) => !/^(GPU\d+|NIC\d+|mlx\d+_\d+|[a-z]\w*)$/.test(name));
  if (unknown === undefined) return { devices, affinities };
  throw new UserError(
    `column ${shown(unknown)}: expected GPUs, NICs, ${AFFINITIES.join(', ')}; keep the header whole`,
    place,
  );
}

function readRow(
  values: readonly string[],
  { name, devices, affinities }: Columns & { name: string },
  place: { file: string; line: number },
): SmiRow {
  const most = devices.length + affinities.length;
  if (values.length < devices.length || values.length > most) {
    throw new UserError(
      `row ${name}: expected ${devices.length} cells and up to ${affinities.length} affinities, ` +
        `got ${values.length} values; keep the whole line`,
      place,
    );
  }
  const cells = devices.map((device, column) => {
    const cell = cellOf(values[column]!);
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
  const numa = isWhole ? values[devices.length + affinities.indexOf('NUMA Affinity')] : undefined;
  const hasNuma = affinities.includes('NUMA Affinity') && numa !== undefined && numa !== 'N/A';
  return { line: place.line, cells, numa: hasNuma ? numa : null };
}

function cellOf(text: string): SmiCell | null {
  if (text === 'X') return { text, kind: 'self' };
  const path = PATHS.find((name): name is PathName => name === text);
  if (path !== undefined) return { text, kind: 'path', path };
  const links = /^NV([1-9]\d*)$/.exec(text)?.[1];
  return links === undefined ? null : { text, kind: 'nvlink', links: Number(links) };
}

/** nvidia-smi underlines its header on a terminal. */
function withoutEscapes(line: string): string {
  return line.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g'), '');
}
