import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { checked, readYamlFile } from '../../model/input/yamlFile.ts';
import { refuseUnknownNames } from './checkNames.ts';
import { expandGrids, type Grid } from './grid.ts';
import { inputFiles } from './inputFiles.ts';
import { sweepFormat } from './sweepFormat.ts';

/** A sweep that was read, its points not made yet: they are numbered, grid after grid. */
export interface Sweep {
  name: string;
  file: string;
  /** Files that it names are looked for from here. */
  folder: string;
  doubt: boolean;
  breakEven: boolean;
  grids: readonly Grid[];
  points: number;
  /** SHA-256 of the file, and of those that it names. */
  hash: string;
  inputs: readonly { file: string; hash: string }[];
}

/**
 * Reads a sweep's file and checks every name in it: what is misspelt is refused before anything starts, while combinations that do
 * not fit one another are left to their points.
 *
 * @param areNamesKnown whether somebody has looked them up before, which takes a second for all models.
 * @throws UserError with file, line and column.
 */
export function readSweep(file: string, areNamesKnown = false): Sweep {
  const source = readYamlFile(file);
  const text = checked(source, sweepFormat);
  const grids = expandGrids(text, source);
  const folder = dirname(file);
  if (!areNamesKnown) refuseUnknownNames(text, folder, source);
  return {
    ...{ name: text.sweep, file, folder, doubt: text.doubt, breakEven: text.breakEven, grids },
    points: grids.reduce((sum, { points }) => sum + points, 0),
    hash: hashOf(readFileSync(file)),
    inputs: inputFiles(grids, folder).map((path) => ({
      // From the sweep's folder: it may be started from anywhere.
      file: relative(folder, path),
      hash: hashOf(readFileSync(path)),
    })),
  };
}

function hashOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
