import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { StoppedError } from '../build/stopSignals.ts';
import { packageRoot } from '../model/input/packageFiles.ts';
import { printable, USER_ERROR } from '../model/input/userError.ts';
import { addCommands, type Commands } from './command.ts';
import { COMMANDS } from './commands.ts';
import type { Output } from './output.ts';
import { refuseRepeatedFlags } from './repeatedFlags.ts';

/** The npm package that a command asks for and that this copy of ChunkFlow leaves out, as the Python package's does. */
function absentPackage(error: unknown): string | null {
  const { code, message } = error as NodeJS.ErrnoException;
  // By import, or by a look for its folder.
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return null;
  return /^Cannot find (?:package|module) '([a-z@][^']*)'/.exec(message)?.[1] ?? null;
}

/**
 * Runs one command line and returns its exit code; none at all asks whoever sits at a terminal, and prints help elsewhere. Codes are 0, 2 for a mistake in the input (one line on stderr and
 * nothing else), 1 for a run or a check that failed, or for a bug (with its stack), 128 and the number of a signal that has
 * stopped what it ran.
 *
 * @example await run(['models', '--json'], processOutput)
 */
export async function run(args: readonly string[], given: Output): Promise<number> {
  const output: Output = { ...given, diagnostic: (text) => given.diagnostic(boundedLines(text)) };
  const status = { code: 0 };
  try {
    const asked = args.length === 0 && given.asks === true ? await newcomersArgs() : args;
    // As a shell has it of a program that was interrupted.
    if (asked === null) return 130;
    const program = await buildProgram(asked, output, status);
    await program.parseAsync(asked, { from: 'user' });
    return status.code;
  } catch (error) {
    // Commander has already printed its message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    // By its name: a chart that a bundled command draws is of other modules.
    if (error instanceof Error && error.name === USER_ERROR) {
      output.diagnostic(`error: ${oneLine(error.message)}\n`);
      return 2;
    }
    const absent = absentPackage(error);
    if (absent !== null) {
      output.diagnostic(
        `error: the package ${absent} is not here; run this command in a checkout of ChunkFlow\n`,
      );
      return 2;
    }
    if (error instanceof StoppedError) {
      output.diagnostic(`${error.message}\n`);
      return error.exitCode;
    }
    output.diagnostic(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

/** Without any argument, in a terminal: what a newcomer wants to know, as a command line; null where they left. */
async function newcomersArgs(): Promise<string[] | null> {
  return (await import('./newcomer.ts')).newcomersCommand();
}

/**
 * The commands of `commands.ts`. Each has a folder in `commands/`: `command.ts` exports `command` with description, arguments and flags
 * and imports only what these need (commander, `flags/`, lists of names), since `--help` loads all of them; `run.ts` exports `run`, its
 * body, which only a run of this command loads. What else the body needs lies beside it, and what several commands share in `cli/` and
 * its folders `flags/`, `documents/`, `files/` and `text/`.
 */
async function buildProgram(
  args: readonly string[],
  output: Output,
  status: { code: number },
): Promise<Command> {
  const program = new Command('chunkflow')
    .description(
      "Predicts how a diffusion transformer's weights should be streamed from host memory, beside its collectives",
    )
    .version(packageVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.result(text),
      writeErr: (text) => output.diagnostic(text),
      outputError: (text, write) => write(`${oneLine(text)}\n`),
    });

  const onExitCode = (code: number) => {
    status.code = code;
  };
  await addCommands(program, reached(args), { args, output, onExitCode });
  refuseRepeatedFlags(program);
  return program;
}

/** The command that a command line begins with, or all, since `--help` and refusals list them; none for the version. */
function reached([first = '']: readonly string[]): Commands {
  if (first === '--version' || first === '-V') return {};
  const load = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  return load === undefined ? COMMANDS : { [first]: load };
}

function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).version;
}

/** Characters of a message at the most: a list of all names that there are can be as long as a file. */
const LONGEST_LINE = 4000;

function oneLine(text: string): string {
  // By an expression, a line of blanks would take time with the square of its length.
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join(' ');
}

/** Notes and messages quote files: no line may be as long as a file, or hold what a terminal acts on. */
function boundedLines(text: string): string {
  // Progress begins with a carriage return, and stacks are indented by blanks.
  return text.replace(/[^\r\n]+/g, (line) => bounded(printable(line)));
}

function bounded(line: string): string {
  return line.length > LONGEST_LINE
    ? `${line.slice(0, LONGEST_LINE)}... (${line.length - LONGEST_LINE} more characters)`
    : line;
}
