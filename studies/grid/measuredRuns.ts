import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Manifest } from '../../codegen/manifest.ts';
import { readResults } from '../../measure/findResults.ts';
import { type MeasuredRun, readMeasurement } from '../../measure/readMeasurement.ts';
import { keptManifests } from './keptManifests.ts';

export interface MeasuredRuns {
  /** In the order in which they began. */
  runs: MeasuredRun[];
  /** By fingerprint. */
  manifests: Map<string, Manifest>;
  notes: string[];
}

/**
 * Every run in some results files and folders of such files, with the manifests that lie beside them.
 *
 * @throws UserError for what cannot be read, for a folder without results, and for broken records.
 */
export function measuredRuns(places: readonly string[]): MeasuredRuns {
  const found = places.map((place) => {
    if (statSync(place, { throwIfNoEntry: false })?.isDirectory()) return readResults(place, []);
    return { measurement: readMeasurement([place]), manifests: keptManifests(dirname(place)) };
  });
  const runs = found.flatMap(({ measurement }) => measurement.runs);
  return {
    runs: runs.sort((a, b) => compare(a.run.startedAt, b.run.startedAt)),
    manifests: new Map(found.flatMap(({ manifests }) => [...manifests])),
    notes: found.flatMap(({ measurement }) => measurement.notes),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
