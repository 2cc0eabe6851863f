import { type Imported, readAny } from '../experiments/imports/readAny.ts';
import { treeYaml } from '../experiments/imports/treeYaml.ts';
import type { CollectiveKind } from '../model/workload/workload.ts';
import type { Output } from './output.ts';
import { formatTable } from './table.ts';

/** Shows what another tool's file says of a machine: its tree as lines of a machine file, or its readings as a table. */
export function importCommand(
  file: string,
  flags: { collective?: CollectiveKind; json?: boolean },
  output: Output,
): void {
  const imported = readAny(file, flags.collective);
  output.result(flags.json ? `${JSON.stringify(imported, null, 1)}\n` : shownAs(imported));
  for (const note of imported.notes) output.diagnostic(`note: ${note}\n`);
}

function shownAs(imported: Imported): string {
  switch (imported.from) {
    case 'nvbandwidth':
      return formatTable(
        [
          { header: 'at', value: ({ source }) => source },
          { header: 'direction', value: ({ direction }) => direction },
          { header: 'rate of', value: ({ measured }) => measured },
          { header: 'by', value: ({ by }) => by },
          { header: 'GPU', value: ({ gpu }) => gpu },
          { header: 'at once', value: ({ gpusAtOnce }) => gpusAtOnce },
          { header: 'GB/s', value: ({ bytesPerS }) => bytesPerS / 1e9, digits: 2 },
        ],
        imported.readings,
      );
    case 'nccl-tests':
      return formatTable(
        [
          { header: 'at', value: ({ source }) => source },
          { header: 'collective', value: ({ collective }) => collective },
          { header: 'ranks', value: ({ ranks }) => ranks },
          { header: 'sent MiB', value: ({ sentBytes }) => sentBytes / 2 ** 20, digits: 3 },
          { header: 'us', value: ({ seconds }) => seconds * 1e6, digits: 1 },
          { header: 'buffers', value: ({ buffers }) => buffers },
        ],
        imported.readings,
      );
    case 'nccl-topology':
    case 'nvidia-smi':
      return treeYaml(imported);
  }
}
