import type { Command } from 'commander';

/** Where `chunkflow explore` listens where nothing else does. */
export const EXPLORER_PORT = 8417;
export const EXPLORER_ADDRESS = `http://127.0.0.1:${EXPLORER_PORT}/`;

export interface LinkFlags {
  /** The explorer's address; true for the usual one. */
  link?: string | true;
}

/** Adds the flag that prints the link of what a command was asked. */
export function addLinkOption(command: Command): Command {
  return command.option(
    '--link [address]',
    `also say the link of this in the explorer, on stderr (default address: ${EXPLORER_ADDRESS}, where \`chunkflow explore\` listens)`,
  );
}
