import type { CollectiveKind } from '../../model/dit/kinds.ts';
import { UserError } from '../../model/input/userError.ts';
import type { CollectiveReading, CopyReading, ImportedReadings } from './importedReading.ts';
import type { ImportedTree } from './importedTree.ts';
import { isNcclTestsText, ncclTestsReadings } from './ncclTests.ts';
import { ncclTestsJson, ncclTestsJsonReadings } from './ncclTestsJson.ts';
import { ncclTopology } from './ncclTopology.ts';
import { nvbandwidthReadings } from './nvbandwidth.ts';
import { nvbandwidthJson } from './nvbandwidthJson.ts';
import { isNvbandwidthText } from './nvbandwidthText.ts';
import { nvidiaSmiTopology, type SmiTopology } from './nvidiaSmiTopology.ts';
import { embeddedXml } from './text/embeddedText.ts';
import { type ImportedFile, type ImportedText, readImportedText } from './text/importedText.ts';

/** A file of another tool by what it turned out to be. */
export type Imported =
  | ({ from: 'nvbandwidth' } & ImportedReadings<CopyReading>)
  | ({ from: 'nccl-tests' } & ImportedReadings<CollectiveReading>)
  | ({ from: 'nccl-topology' } & ImportedTree)
  | ({ from: 'nvidia-smi' } & SmiTopology);

/** A format: whether a text has it, and what reads it. */
interface Format {
  isIn: (source: ImportedText) => boolean;
  read: (source: ImportedText, collective: CollectiveKind | undefined) => Imported;
}

const FORMATS: readonly Format[] = [
  {
    isIn: (source) => nvbandwidthJson(source).length > 0 || isNvbandwidthText(source),
    read: (source) => ({ from: 'nvbandwidth', ...nvbandwidthReadings(source) }),
  },
  {
    isIn: isNcclTestsText,
    read: (source, collective) => ({ from: 'nccl-tests', ...ncclTestsReadings(source, collective) }),
  },
  {
    isIn: (source) => ncclTestsJson(source).length > 0,
    read: (source, collective) => ({ from: 'nccl-tests', ...ncclTestsJsonReadings(source, collective) }),
  },
  {
    isIn: ({ text }) => /<system[\s>/]/.test(text) && /^[ \t]*</m.test(text),
    read: (source) => ({ from: 'nccl-topology', ...ncclTopology(embeddedXml(source, 'system') ?? source) }),
  },
  {
    isIn: ({ text }) => /^[ \t]*GPU\d+\s.*\bX\b/m.test(text),
    read: (source) => ({ from: 'nvidia-smi', ...nvidiaSmiTopology(source) }),
  },
];

/**
 * Reads all that a file of any tool says that is known here, told apart by content: JSON or text of nvbandwidth and nccl-tests, NCCL's
 * topology XML, or the matrix of `nvidia-smi topo -m`; a job's log may have several. `collective` is for nccl-tests that do not name
 * their program.
 *
 * @throws UserError if it has none of them, and every error of their readers.
 */
export function readAll(file: string, collective?: CollectiveKind): Imported[] {
  const source = readImportedText(file);
  const found = FORMATS.filter(({ isIn }) => isIn(source));
  if (found.length === 0) throw unknown(source);
  return found.map((format) => readFrom(source, format, collective));
}

/** Of processes that print the same kind, the first is taken: a matrix is one host's, whichever process asks for it. */
function readFrom(
  source: ImportedFile,
  { isIn, read }: Format,
  collective: CollectiveKind | undefined,
): Imported {
  const [taken, ...others] = source.processes.filter((process) => isIn(process.source));
  const imported = read(taken?.source ?? source, collective);
  if (others.length > 0)
    imported.notes.push(
      `${source.file}: ${others.map(({ name }) => name).join(', ')} printed such a text too; that of ${taken!.name} is taken`,
    );
  return imported;
}

function unknown({ file, text }: ImportedText): UserError {
  const start = text.trimStart();
  const isTrace = start.startsWith('{') && start.slice(0, 100_000).includes('"traceEvents"');
  if (isTrace || start.startsWith('SQLite format 3'))
    return new UserError('is a trace: add --as profile to make a profile of it', { file, line: 1 });
  return new UserError(
    'is none of the files that are known: expected the output of nvbandwidth or nccl-tests as text or JSON, ' +
      'the XML of NCCL_TOPO_DUMP_FILE, or the matrix of nvidia-smi topo -m',
    { file, line: 1 },
  );
}
