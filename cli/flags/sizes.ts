import type { Command } from 'commander';
import { UserError } from '../../model/input/userError.ts';
import type { MeasuredQuestion, WorkloadQuestion } from '../../model/scenario/question.ts';
import { collect } from './values.ts';

type Question = WorkloadQuestion & MeasuredQuestion;

/** The flags of a question, as commander hands them over where sizes may be several. */
export type WithSizes<Asked extends Question> = Omit<Asked, 'size'> & { size?: string[] };

/** Has a command take `--size` more than once. */
export function takeSizes(command: Command): Command {
  const size = command.options.find(({ long }) => long === '--size')!;
  size.argParser(collect);
  size.description = size.description.replace('(default', '; repeat for a table of sizes (default');
  return command;
}

/**
 * A question for each size, one where none is given.
 *
 * @param ofOne flags that are given and are about a single size.
 * @throws UserError for a size that is given twice, and for several sizes beside a flag of one.
 */
export function questionsOf<Asked extends Question>(
  { size, ...rest }: WithSizes<Asked>,
  ofOne: readonly string[],
): Asked[] {
  const question = rest as unknown as Asked;
  if (size === undefined) return [question];
  const twice = size.find((one, index) => size.indexOf(one) !== index);
  if (twice !== undefined) throw new UserError(`--size ${twice}: is given twice; leave one out`);
  const [flag] = ofOne;
  if (size.length > 1 && flag !== undefined)
    throw new UserError(
      `${flag}: is of one size, and ${size.length} are given; leave it out, or give one --size`,
    );
  if (size.length > 1 && question.measured !== undefined && question.measuredSize === undefined)
    throw new UserError(
      `--measured ${question.measured}: at which of the ${size.length} sizes? give --measured-size`,
    );
  return size.map((one) => ({ ...question, size: one }));
}
