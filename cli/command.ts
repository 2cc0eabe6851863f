import type { Command } from 'commander';
import type { Output } from './output.ts';

/** Commands by name, in the order of `--help`; each is loaded where it is asked for or shown. */
export type Commands = Readonly<Record<string, () => Promise<{ command: CliCommand }>>>;

/** A command, as its folder's `command.ts` exports it: what `--help` shows, and the way to its body or to the commands below it. */
export type CliCommand = RunnableCommand | CommandGroup;

export interface RunnableCommand {
  description: string;
  /** Adds arguments and flags, in the order of `--help`. */
  declare?(command: Command): Command;
  /** Loads the body. */
  load(): Promise<CommandBody>;
}

/** A command that only holds others, such as `plot`. */
export interface CommandGroup {
  description: string;
  commands: Commands;
}

export interface CommandBody {
  /** Called with the arguments in their order, the flags and the output. A number is the exit code, which else is 0. */
  run(...given: never[]): unknown;
}

/** What a command line is run with. */
export interface Invocation {
  args: readonly string[];
  output: Output;
  /** Is told the exit code of a body that has one. */
  onExitCode: (code: number) => void;
}

/** Adds commands in the order of `--help`, with those below them where the command line may reach or show these. */
export async function addCommands(
  parent: Command,
  commands: Commands,
  invocation: Invocation,
): Promise<void> {
  const loaded = Object.entries(commands).map(async ([name, load]) => ({ name, ...(await load()) }));
  for (const { name, command } of await Promise.all(loaded)) {
    const added = parent.command(name).description(command.description);
    if (!('commands' in command)) addRunnable(added, command, invocation);
    else if (invocation.args.includes(name) || invocation.args.includes('help'))
      await addCommands(added, command.commands, invocation);
  }
}

function addRunnable(added: Command, { declare, load }: RunnableCommand, invocation: Invocation): void {
  declare?.(added);
  added.action(async (...given: unknown[]) => {
    const { run } = await load();
    // Behind arguments and flags stands commander's own object.
    const code = await run(...([...given.slice(0, -1), invocation.output] as never[]));
    if (typeof code === 'number') invocation.onExitCode(code);
  });
}
