import { UserError } from '../../../model/input/userError.ts';
import { type Imported, readAny } from '../../../studies/imports/readAny.ts';
import { treeYaml } from '../../../studies/imports/treeYaml.ts';
import type { Output } from '../../output.ts';
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
 * Shows what another tool's file says of a machine: its tree as lines of a machine file, or its readings as a table; or makes a profile
 * of a trace.
 */
export async function run(file: string, flags: ImportFlags, output: Output): Promise<void> {
  if (flags.as === 'profile') {
    if (flags.collective !== undefined)
      throw new UserError(
        `--collective ${flags.collective}: is for nccl-tests; a trace's collectives are given as --collective-bytes`,
      );
    // The reader of SQLite takes longer to load than all that reads machines.
    (await import('./profile.ts')).importProfile(file, flags, output);
    return;
  }
  const [idle] = PROFILE_FLAGS.filter(([key]) => flags[key] !== undefined);
  if (idle !== undefined)
    throw new UserError(`${idle[1]}: is for a trace; add --as profile, or leave it out`);
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
