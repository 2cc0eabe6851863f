import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Folder of the chunkflow package, found from this file upward, so sources and their compiled form both work. */
export const packageRoot = ((): string => {
  let folder = import.meta.dirname;
  // dist/ holds no catalogue: the data files are read from the package's own model/ folder.
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();
