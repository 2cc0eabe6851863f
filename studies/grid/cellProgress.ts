import type { Manifest } from '../../codegen/manifest.ts';
import { readMeasurement } from '../../measure/readMeasurement.ts';

/** How far a cell is. */
export interface CellProgress {
  /** Numbers of the plans that are not measured yet. */
  missing: number[];
  /** Fingerprints of other programs that were measured as this cell. */
  olderFingerprints: string[];
}

/**
 * What the files of a cell's results lack. A plan is done when a run of this very program ended well and sums the plan up.
 *
 * @throws UserError for a results file with broken records.
 */
export function cellProgress(files: readonly string[], { fingerprint, plans }: Manifest): CellProgress {
  const { runs } = readMeasurement(files);
  const own = runs.filter(({ run, end }) => run.fingerprint === fingerprint && end?.ok);
  const done = new Set(own.flatMap(({ summaries }) => summaries.map(({ plan }) => plan)));
  const others = runs.map(({ run }) => run.fingerprint).filter((other) => other !== fingerprint);
  return {
    missing: plans.flatMap((_, index) => (done.has(index) ? [] : [index])),
    olderFingerprints: [...new Set(others)],
  };
}
