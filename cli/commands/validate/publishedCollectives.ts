import { UserError } from '../../../model/input/userError.ts';
import { collectiveErrors, isCovered } from '../../../studies/published/collectives/collectiveErrors.ts';
import {
  type ComparedCollective,
  compareCollectives,
} from '../../../studies/published/collectives/compareCollectives.ts';
import { readCollectives } from '../../../studies/published/collectives/readCollectives.ts';
import { jsonText, type Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraphs } from '../../text/wrap.ts';
import type { ValidateFlags } from './command.ts';
import { errorTables, exitCode } from './errorText.ts';

const PUBLISHED_COLLECTIVES_NAME = 'published-collectives';

const COLUMNS: readonly Column<ComparedCollective>[] = [
  { header: 'source', value: ({ figure }) => figure.source },
  { header: 'hosts', value: ({ figure }) => String(figure.hosts), right: true },
  { header: 'each', value: ({ figure }) => `8x ${figure.machine.card}, ${figure.machine.nic}` },
  { header: 'collective', value: ({ figure }) => figure.kind },
  { header: 'MiB', value: ({ figure }) => figure.size / 2 ** 20, digits: 0 },
  { header: 'published us', value: ({ publishedS }) => publishedS * 1e6, digits: 0 },
  { header: 'simulated us', value: ({ simulatedS }) => simulatedS * 1e6, digits: 0 },
  { header: 'error %', value: ({ simulatedError }) => simulatedError * 100, digits: 1 },
  { header: 'closed form %', value: ({ closedFormError }) => closedFormError * 100, digits: 1 },
  { header: 'held', value: (row) => (isCovered(row) ? 'yes' : 'no') },
];

/** Predicts nccl-tests between hosts as others have published them. Returns the exit code: 1 where a limit is broken. */
export function validatePublishedCollectives(
  files: readonly string[],
  flags: ValidateFlags,
  output: Output,
): number {
  if (files.length > 1)
    throw new UserError(
      `validate ${PUBLISHED_COLLECTIVES_NAME}: takes no datasets beside it; give them to a run of their own`,
    );
  if (flags.machine !== undefined)
    throw new UserError(
      `validate ${PUBLISHED_COLLECTIVES_NAME}: each figure has a machine of its own; leave out --machine ${flags.machine}`,
    );
  const compared = compareCollectives(readCollectives());
  const errors = collectiveErrors(compared);
  if (flags.json) output.result(jsonText({ ...errors, figures: compared }));
  else print(compared, errors, output);
  return exitCode({ all: errors.all, orders: [], memory: null }, flags, output);
}

function print(
  compared: readonly ComparedCollective[],
  errors: ReturnType<typeof collectiveErrors>,
  output: Output,
): void {
  output.result(`${compared.length} collectives between hosts that others have published\n`);
  output.result(formatTable(COLUMNS, compared, output.layout));
  const noted = new Map(compared.map(({ figure }) => [figure.source, figure.note]));
  for (const [source, note] of noted)
    if (note !== null) output.result(paragraphs(`${source}: ${note}`, output.layout));
  output.result(`\n${errorTables(errors, output.layout)}`);
}
