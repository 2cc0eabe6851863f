import { statSync } from 'node:fs';
import type { Grid, Source } from './grid.ts';
import { namedFrom } from './namedFile.ts';

/** Larger files, such as checkpoints, are not read in full to tell whether they are the same. */
const MOST_BYTES = 64 * 2 ** 20;

/** Files that grids name, as paths from here: models, machines, profiles and plans; those of the catalogue and cards are none. */
export function inputFiles(grids: readonly Grid[], folder: string): string[] {
  const named = grids.flatMap(({ axes }) =>
    axes.flatMap(({ name, values }) => {
      if (name === 'machine' || name === 'plan') return values as readonly string[];
      return name === 'source'
        ? (values as readonly Source[]).flatMap(({ model, profile }) => model ?? profile ?? [])
        : [];
    }),
  );
  const files = [...new Set(named)].map((text) => namedFrom(folder, text).replace(/(\.jsonl)#.*$/s, '$1'));
  return [...new Set(files)].filter(isSmallFile).sort();
}

function isSmallFile(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status?.isFile() === true && status.size <= MOST_BYTES;
}
