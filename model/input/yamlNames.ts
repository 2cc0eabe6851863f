import { files } from './files.ts';

/** Names of the YAML files of a folder without their ending, sorted. */
export function yamlNamesIn(folder: string): string[] {
  return files
    .names(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
}
