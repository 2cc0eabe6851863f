import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Manifest, readManifest } from '../../codegen/manifest.ts';

/** Where a results folder keeps what was measured in it: a folder with a manifest for every fingerprint. */
const FOLDER = 'programs';

/** The manifests in a results folder, or in the bundle that it stands in, by fingerprint. */
export function keptManifests(results: string): Map<string, Manifest> {
  const folders = [join(results, FOLDER), join(dirname(results), FOLDER)].filter(existsSync);
  const manifests = folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => readManifest(join(folder, name))),
  );
  return new Map(manifests.map((manifest) => [manifest.fingerprint, manifest]));
}

/** Keeps a manifest, so that records of its program can be told apart when the program has long changed. */
export function keepManifest(results: string, manifest: Manifest): void {
  const folder = join(results, FOLDER, `${manifest.id}-${manifest.fingerprint}`);
  if (existsSync(folder)) return;
  // Made elsewhere first: a folder without a manifest is refused by whoever reads the results.
  const fresh = join(results, `${manifest.id}.new`);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, 'manifest.json'), `${JSON.stringify(manifest, null, 1)}\n`);
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(fresh, folder);
}
