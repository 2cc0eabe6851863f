import type { Argument, Command, Option } from 'commander';
import { catalogueIds } from '../../../model/dit/load.ts';
import { UserError } from '../../../model/input/userError.ts';
import { planKeyHelp } from '../../../model/presets/planText.ts';
import { presetHelp } from '../../../model/presets/presets.ts';
import { TOOL_NAMES } from '../../../model/presets/tools/names.ts';
import { cardIds } from '../../../model/system/cards/cards.ts';
import { TOPOLOGIES } from '../../../model/system/cards/topologies.ts';
import { loadSystem, systemIds } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import { FLOW_CARRIERS, NETWORK_KEYS, STAGED_COPY, STAGED_SM } from '../../../model/system/transport.ts';

export interface Candidate {
  value: string;
  /** What it means, in a line; empty where it says it itself. */
  means: string;
}

export interface Candidates {
  found: readonly Candidate[];
  /** Whether a path may stand there. */
  files: boolean;
}

type Values = (words: readonly string[], current: string) => readonly Candidate[];

const plain = (values: readonly string[], means = ''): Candidate[] =>
  values.map((value) => ({ value, means }));

/** What a flag takes that is no path and no choice of its own. */
const VALUES: Readonly<Record<string, Values>> = {
  '--model': () => plain(catalogueIds()),
  '--entry': () => plain(catalogueIds()),
  '--machine': machines,
  '--plan': (_, current) => plans(current),
  '--measured': () => presetHelp.map(({ name, summary }) => ({ value: `${name}=`, means: summary })),
  '--transport': transports,
  '--topology': () => plain(TOPOLOGIES),
  '--set': (words) => settings(words),
};

/** Arguments that are no flags, by command and place. */
const ARGUMENTS: Readonly<Record<string, Values>> = {
  models: () => plain(catalogueIds()),
  machines,
  validate: () => plain(['published', 'published-collectives', 'published-steps']),
};

function machines(_words: readonly string[]): Candidate[] {
  return [...plain(systemIds(), 'machine'), ...plain(cardIds(), 'card')];
}

/** Presets and tools; behind a comma the keys of a preset. */
function plans(current: string): Candidate[] {
  const at = current.lastIndexOf(',');
  if (at !== -1)
    return planKeyHelp.map(({ name, expected }) => ({
      value: `${current.slice(0, at + 1)}${name}=`,
      means: expected,
    }));
  return [
    ...presetHelp.map(({ name, summary }) => ({ value: name, means: summary })),
    ...plain(TOOL_NAMES, "another tool's settings"),
  ];
}

function transports(words: readonly string[]): Candidate[] {
  const machine = machineIn(words);
  return plain(
    machine?.transports.map(({ name }) => name) ?? [
      ...Object.keys(FLOW_CARRIERS),
      STAGED_SM,
      STAGED_COPY,
      ...NETWORK_KEYS,
    ],
  );
}

function settings(words: readonly string[]): Candidate[] {
  const machine = machineIn(words);
  return (machine?.provenance ?? []).map(({ key, shown, from }) => ({
    value: `${key}=`,
    means: `${shown} (${from})`,
  }));
}

/** The machine that a command line names, as far as it can be read. */
function machineIn(words: readonly string[]): System | null {
  const at = words.lastIndexOf('--machine');
  const name = at === -1 ? words.findLast((word) => word.startsWith('--machine='))?.slice(10) : words[at + 1];
  if (name === undefined) return null;
  try {
    return loadSystem(name);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/**
 * What may stand at the end of a command line.
 *
 * @param program with all commands that the words reach.
 * @param line words behind the program's name; the last is the one at the cursor, empty where none is begun.
 */
export function candidates(program: Command, line: readonly string[]): Candidates {
  const words = line.slice(0, -1);
  const current = line.at(-1) ?? '';
  const { command, given, awaited } = reached(program, words);
  if (awaited !== null) return valuesOf(awaited, words, current);
  const equals = /^(--[a-z-]+)=(.*)$/s.exec(current);
  if (equals !== null) {
    const option = command.options.find(({ long }) => long === equals[1]);
    if (option === undefined) return { found: [], files: false };
    const { found, files } = valuesOf(option, words, equals[2]!);
    return { found: found.map(({ value, means }) => ({ value: `${equals[1]}=${value}`, means })), files };
  }
  if (current.startsWith('-')) return { found: starting(flagsOf(command, words), current), files: false };
  if (command.commands.length > 0)
    return {
      found: starting(
        command
          .createHelp()
          .visibleCommands(command)
          .map((one) => ({
            value: one.name(),
            means: one.description(),
          })),
        current,
      ),
      files: false,
    };
  return argumentValues(command, given, words, current);
}

interface Reached {
  command: Command;
  /** Arguments that stand there already. */
  given: number;
  /** The flag whose value comes next. */
  awaited: Option | null;
}

function reached(program: Command, words: readonly string[]): Reached {
  let command = program;
  let given = 0;
  let awaited: Option | null = null;
  for (const word of words) {
    if (awaited !== null) {
      awaited = null;
      continue;
    }
    const option = command.options.find(({ long, short }) => word === long || word === short);
    if (option !== undefined) awaited = option.required ? option : null;
    else if (!word.startsWith('-')) {
      const below = command.commands.find((one) => one.name() === word);
      if (below === undefined) given += 1;
      else command = below;
    }
  }
  return { command, given, awaited };
}

/** Flags that are not there yet, or may be there again. */
function flagsOf(command: Command, words: readonly string[]): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long, description }) => !words.includes(long!) || /repeat/.test(description))
    .map(({ long, description }) => ({ value: long!, means: description }));
}

function valuesOf(
  { long, flags, argChoices }: Option,
  words: readonly string[],
  current: string,
): Candidates {
  const all = argChoices === undefined ? (VALUES[long!]?.(words, current) ?? []) : plain(argChoices);
  return withFiles(starting(all, current), takesFiles(flags), current);
}

function argumentValues(
  command: Command,
  given: number,
  words: readonly string[],
  current: string,
): Candidates {
  const args = command.registeredArguments;
  const argument: Argument | undefined = args[Math.min(given, args.length - 1)];
  if (argument === undefined || (given >= args.length && !argument.variadic))
    return { found: [], files: false };
  const all =
    argument.argChoices === undefined
      ? (ARGUMENTS[command.name()]?.(words, current) ?? [])
      : plain(argument.argChoices);
  return withFiles(starting(all, current), takesFiles(argument.name()), current);
}

/** Whether what a flag or an argument is called is a path. */
function takesFiles(name: string): boolean {
  return /file|folder|dataset|<plan|name\[,key|first|second/.test(name);
}

/** Paths beside names only once one is begun: nobody looks for a file among fifty models. */
function withFiles(found: Candidate[], takes: boolean, current: string): Candidates {
  return { found, files: takes && (found.length === 0 || /^[.~]|\//.test(current)) };
}

function starting(all: readonly Candidate[], current: string): Candidate[] {
  return all.filter(({ value }) => value.startsWith(current));
}
