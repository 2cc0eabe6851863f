import { UserError } from '../../../model/input/userError.ts';
import { closedFormPredictor } from '../../../studies/published/steps/closedFormPredictor.ts';
import { compareRecords, type RecordComparison } from '../../../studies/published/steps/compareRecords.ts';
import { closedRecords } from '../../../studies/published/steps/openSettings.ts';
import { predictArguments } from '../../../studies/published/steps/predictArguments.ts';
import { PUBLISHED_STEPS, readStepFolder } from '../../../studies/published/steps/readSteps.ts';
import { jsonText, type Output } from '../../output.ts';
import type { ValidateFlags } from './command.ts';
import { publishedStepsDocument } from './publishedStepsDocument.ts';
import { publishedStepsText } from './publishedStepsText.ts';

const PUBLISHED_STEPS_NAME = 'published-steps';

/** Predicts published step times, or prints the command of each. */
export function validatePublishedSteps(
  files: readonly string[],
  flags: ValidateFlags,
  output: Output,
): number {
  const refused = (flag: string, why: string) => {
    throw new UserError(`validate ${PUBLISHED_STEPS_NAME}: ${why}; leave out ${flag}`);
  };
  if (files.length > 1)
    throw new UserError(
      `validate ${PUBLISHED_STEPS_NAME}: takes no datasets beside it; give them to a run of their own`,
    );
  if (flags.machine !== undefined)
    refused(`--machine ${flags.machine}`, 'each figure is predicted on its own card');
  if (flags.by !== undefined) refused(`--by ${flags.by}`, 'is of machines of others');
  if (flags.profiles !== undefined)
    refused(`--profiles ${flags.profiles}`, 'published figures have no profiles');
  if (flags.failAbove !== undefined)
    refused(`--fail-above ${flags.failAbove[0]}`, 'hosts and kernels of published figures are not known');
  if (flags.commands && flags.json)
    throw new UserError('--commands prints lines of a shell, --json one object; give one of both');
  const comparison = compareRecords(readStepFolder(flags.folder ?? PUBLISHED_STEPS), closedFormPredictor);
  output.result(
    flags.commands
      ? commandLines(comparison)
      : flags.json
        ? jsonText(publishedStepsDocument(comparison))
        : publishedStepsText(comparison, output.layout),
  );
  return 0;
}

/** `chunkflow predict` of each figure, where its source leaves something open in the first of the ways that it may have been. */
function commandLines({ compared }: RecordComparison): string {
  const lines = compared.flatMap(({ record }) => {
    const words = predictArguments(closedRecords(record)[0]!);
    return Array.isArray(words) ? [`chunkflow ${words.join(' ')}  # ${record.id}\n`] : [];
  });
  return lines.join('');
}
