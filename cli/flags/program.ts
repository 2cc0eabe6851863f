import { type Command, Option } from 'commander';
import { MEASURED_FLAGS, type MeasuredFlag, type ProgramFlag } from '../../build/programFlags.ts';
import { wholeFromOne } from './values.ts';

/** `warmUp` of `warm-up`, as commander names what a flag is given. */
type Attribute<Name extends string> = Name extends `${infer Word}-${infer Rest}`
  ? `${Word}${Capitalize<Attribute<Rest>>}`
  : Name;

type NameOf<Flag extends MeasuredFlag> = Flag['name'] extends `--${infer Name}` ? Attribute<Name> : never;

type ValueOf<Flag extends MeasuredFlag> = Flag extends { operand: '' }
  ? boolean
  : Flag extends { whole: true }
    ? number
    : string;

/** The flags that a measurement hands on to generated programs, as commander hands them over. */
export type ProgramFlags = { [Flag in MeasuredFlag as NameOf<Flag>]?: ValueOf<Flag> };

function optionOf({ name, measured, description, whole, choices }: ProgramFlag): Option {
  const option = new Option(measured === undefined ? name : `${name} ${measured}`, description);
  if (whole) option.argParser(wholeFromOne);
  return choices === undefined ? option : option.choices(choices);
}

/** Adds the flags that generated programs read themselves. */
export function addProgramOptions(command: Command): Command {
  command.optionsGroup('What is measured:');
  for (const flag of MEASURED_FLAGS) command.addOption(optionOf(flag));
  return command;
}

/** The arguments of a generated program that say what these flags say. */
export function programArguments(flags: ProgramFlags): string[] {
  return MEASURED_FLAGS.flatMap((flag) => {
    const value = flags[optionOf(flag).attributeName() as keyof ProgramFlags];
    if (value === undefined || value === false) return [];
    return flag.operand === '' ? [flag.name] : [flag.name, String(value)];
  });
}
