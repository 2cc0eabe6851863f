import { Argument } from 'commander';
import type { RunnableCommand } from '../../command.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
/** What the shells' scripts ask, in place of a shell. */
export const WORDS = 'words';

export const command: RunnableCommand = {
  description: "print a shell's completion of commands, flags, models, machines, plans and files",
  declare: (command) =>
    command
      .addArgument(new Argument('<shell>', `${SHELLS.join(', ')}`).choices([...SHELLS, WORDS]))
      .argument('[word...]', `behind ${WORDS}: a command line up to the cursor, for the scripts themselves`)
      .addHelpText('after', `\n${SHELLS.map((shell) => `${shell}: ${installed[shell]}`).join('\n')}`),
  load: () => import('./run.ts'),
};

/** How a shell learns it: once for all, but for bash in each shell. */
const installed: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `echo 'eval "$(chunkflow completion bash)"' >> ~/.bashrc`,
  zsh: `echo 'eval "$(chunkflow completion zsh)"' >> ~/.zshrc, behind compinit`,
  fish: 'chunkflow completion fish > ~/.config/fish/completions/chunkflow.fish',
};
