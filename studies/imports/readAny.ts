import type { CollectiveKind } from '../../model/dit/kinds.ts';
import { UserError } from '../../model/input/userError.ts';
import type { CollectiveReading, CopyReading, ImportedReadings } from './importedReading.ts';
import { type ImportedText, readImportedText } from './importedText.ts';
import type { ImportedTree } from './importedTree.ts';
import { ncclTestsReadings } from './ncclTests.ts';
import { ncclTopology } from './ncclTopology.ts';
import { nvbandwidthReadings } from './nvbandwidth.ts';
import { nvidiaSmiTopology, type SmiTopology } from './nvidiaSmiTopology.ts';

/** A file of another tool by what it turned out to be. */
export type Imported =
  | ({ from: 'nvbandwidth' } & ImportedReadings<CopyReading>)
  | ({ from: 'nccl-tests' } & ImportedReadings<CollectiveReading>)
  | ({ from: 'nccl-topology' } & ImportedTree)
  | ({ from: 'nvidia-smi' } & SmiTopology);

/**
 * Reads a file of any tool that is known here, told apart by content: JSON of nvbandwidth, output of
 * nccl-tests, NCCL's topology XML, or the matrix of `nvidia-smi topo -m`. `collective` is for nccl-tests that
 * do not name their program.
 *
 * @throws UserError if it is none of them, and every error of its reader.
 */
export function readAny(file: string, collective?: CollectiveKind): Imported {
  const source = readImportedText(file);
  switch (kindOf(source)) {
    case 'nvbandwidth':
      return { from: 'nvbandwidth', ...nvbandwidthReadings(source) };
    case 'nccl-topology':
      return { from: 'nccl-topology', ...ncclTopology(source) };
    case 'nccl-tests':
      return { from: 'nccl-tests', ...ncclTestsReadings(source, collective) };
    case 'nvidia-smi':
      return { from: 'nvidia-smi', ...nvidiaSmiTopology(source) };
  }
}

function kindOf({ file, text }: ImportedText): Imported['from'] {
  const start = text.trimStart();
  if (/^\{\s*"nvbandwidth"/.test(start)) return 'nvbandwidth';
  if (start.startsWith('<') && /<system[\s>/]/.test(start)) return 'nccl-topology';
  if (/^# (nThread \d|Collective test starting:)/m.test(text)) return 'nccl-tests';
  if (/^GPU\d+\s.*\bX\b/m.test(text)) return 'nvidia-smi';
  const isTrace = start.startsWith('{') && start.slice(0, 100_000).includes('"traceEvents"');
  if (isTrace || start.startsWith('SQLite format 3'))
    throw new UserError('is a trace: add --as profile to make a profile of it', { file, line: 1 });
  throw new UserError(
    'is none of the files that are known: expected the JSON of nvbandwidth -j, the output of nccl-tests, ' +
      'the XML of NCCL_TOPO_DUMP_FILE, or the matrix of nvidia-smi topo -m',
    { file, line: 1 },
  );
}
