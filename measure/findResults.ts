import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Manifest, readManifest } from '../codegen/manifest.ts';
import { shown, UserError } from '../model/input/userError.ts';
import { type MeasuredRun, type Measurement, readMeasurement } from './readMeasurement.ts';

export interface Results {
  measurement: Measurement;
  /** By fingerprint. */
  manifests: Map<string, Manifest>;
}

/**
 * Results that were made elsewhere: the `*.jsonl` of a folder, with the manifests of the bundle that it stands in and of the
 * given program folders.
 *
 * @param folder `results` of a bundle, or the bundle itself.
 * @throws UserError where there are none.
 */
export function readResults(folder: string, programFolders: readonly string[]): Results {
  const inside = join(folder, 'results');
  const results = existsSync(inside) ? inside : folder;
  const files = entries(results)
    .filter((entry) => entry.isFile() && entry.name.endsWith('.jsonl'))
    .map(({ name }) => join(results, name));
  if (files.length === 0) {
    throw new UserError(
      `${shown(folder)}: holds no results (*.jsonl); give the folder that measure.sh wrote to`,
    );
  }
  const bundle = [join(results, 'programs'), join(dirname(results), 'programs')].filter(existsSync);
  const bundled = bundle.flatMap((programs) =>
    entries(programs)
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(programs, name)),
  );
  const manifests = [...bundled, ...programFolders].map(readManifest);
  return {
    measurement: readMeasurement(files),
    manifests: new Map(manifests.map((manifest) => [manifest.fingerprint, manifest])),
  };
}

/** The manifest of what a run ran; null with no manifest of that fingerprint. */
export function manifestOf(run: MeasuredRun, manifests: ReadonlyMap<string, Manifest>): Manifest | null {
  return manifests.get(run.run.fingerprint) ?? null;
}

/** One line for each run whose program's manifest is not at hand. */
export function manifestNotes({ measurement, manifests }: Results): string[] {
  const unknown = measurement.runs.filter((run) => manifestOf(run, manifests) === null);
  return unknown.map(
    ({ file, run }) =>
      `note: ${basename(file)}: no manifest of ${run.program} with fingerprint ${run.fingerprint}: nothing is predicted of it; give its folder`,
  );
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw new UserError(`${shown(folder)}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
