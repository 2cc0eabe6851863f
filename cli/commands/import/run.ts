import { UserError } from '../../../model/input/userError.ts';
import type { CopyReading } from '../../../studies/imports/importedReading.ts';
import { type Imported, readAll } from '../../../studies/imports/readAny.ts';
import { treeYaml } from '../../../studies/imports/treeYaml.ts';
import type { Output } from '../../output.ts';
import type { Layout } from '../../text/layout.ts';
import { formatTable } from '../../text/table.ts';
import type { ImportFlags, ImportProfileFlags } from './command.ts';

const PROFILE_FLAGS: readonly (readonly [keyof ImportProfileFlags, string])[] = [
  ['blocks', '--blocks'],
  ['weightBytes', '--weight-bytes'],
  ['outsideBytes', '--outside-bytes'],
  ['activationBytes', '--activation-bytes'],
  ['outsideTime', '--outside-time'],
  ['ranks', '--ranks'],
  ['collectiveBytes', '--collective-bytes'],
  ['passes', '--passes'],
  ['id', '--id'],
  ['out', '--out'],
];

/**
 * Shows what other tools' files say of a machine: its tree as lines of a machine file, or its readings as a table; or makes a profile
 * of a trace.
 */
export async function run(files: readonly string[], flags: ImportFlags, output: Output): Promise<void> {
  if (flags.as === 'profile') {
    if (files.length > 1)
      throw new UserError(
        `--as profile: expected one trace, got ${files.length} files; make a profile of each`,
      );
    if (flags.collective !== undefined)
      throw new UserError(
        `--collective ${flags.collective}: is for nccl-tests; a trace's collectives are given as --collective-bytes`,
      );
    // The reader of SQLite takes longer to load than all that reads machines.
    (await import('./profile.ts')).importProfile(files[0]!, flags, output);
    return;
  }
  const [idle] = PROFILE_FLAGS.filter(([key]) => flags[key] !== undefined);
  if (idle !== undefined)
    throw new UserError(`${idle[1]}: is for a trace; add --as profile, or leave it out`);
  const imported = files.flatMap((file) => readAll(file, flags.collective));
  const copies = imported.flatMap((one) => (one.from === 'nvbandwidth' ? one.readings : []));
  if (flags.json) {
    const [only, ...others] = imported;
    output.result(`${JSON.stringify(others.length === 0 ? only : imported, null, 1)}\n`);
  } else output.result(imported.map((one) => shownAs(one, copies, output.layout)).join('\n'));
  for (const note of imported.flatMap(({ notes }) => notes)) output.diagnostic(`note: ${note}\n`);
}

/** @param copies of all files, which replace the rates that a tree's links have by generation and lanes. */
function shownAs(imported: Imported, copies: readonly CopyReading[], layout: Layout): string {
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
        layout,
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
        layout,
      );
    case 'nccl-topology':
    case 'nvidia-smi':
      return treeYaml(imported, copies);
  }
}
