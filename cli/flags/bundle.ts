import type { Command } from 'commander';

/** The flags of everything that packs programs for another machine, as commander hands them over. */
export interface BundleFlags {
  out: string;
  withHeaders?: boolean;
}

export function addBundleFile(command: Command): Command {
  return command.requiredOption('--out <file|folder>', 'a .tar file, or a folder that does not exist yet');
}

export function addBundleHeaders(command: Command): Command {
  return command.option('--with-headers', "take cudnn-frontend's headers along");
}
