import { statSync } from 'node:fs';
import { shown, UserError } from '../../model/input/userError.ts';
import { ResultsFolder } from '../sweep/resultsFolder.ts';

/** What a query is asked of. */
export interface QueryTables {
  sweeps: readonly ResultsFolder[];
  /** Datasets of measured steps: Parquet, and JSON Lines. */
  stepsParquet: readonly string[];
  stepsLines: readonly string[];
}

/**
 * What paths stand for: folders are results of sweeps, files datasets of steps.
 *
 * @throws UserError for a path that is neither, and for results without a part.
 */
export function tablesAt(paths: readonly string[]): QueryTables {
  const sweeps: ResultsFolder[] = [];
  const stepsParquet: string[] = [];
  const stepsLines: string[] = [];
  for (const path of paths) {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined)
      throw new UserError(
        `${shown(path)}: is not there; give the --results of a sweep, or a dataset of steps`,
      );
    if (status.isDirectory()) sweeps.push(withParts(ResultsFolder.read(path)));
    else if (path.endsWith('.parquet')) stepsParquet.push(path);
    else if (path.endsWith('.jsonl')) stepsLines.push(path);
    else
      throw new UserError(
        `${shown(path)}: expected a folder of a sweep's results, or steps as .jsonl or .parquet`,
      );
  }
  return { sweeps, stepsParquet, stepsLines };
}

function withParts(folder: ResultsFolder): ResultsFolder {
  if (folder.done().length > 0) return folder;
  throw new UserError(
    `${shown(folder.path)}: has no results yet: none of its ${folder.manifest.tasks} tasks is done`,
  );
}

/** Of sweeps that are not done, how far they are. */
export function unfinished({ sweeps }: QueryTables): string[] {
  return sweeps.flatMap((folder) => {
    const done = folder.done().length;
    const { tasks } = folder.manifest;
    return done === tasks
      ? []
      : [`${folder.path}: is unfinished: ${done} of ${tasks} tasks are done, and answers are of these alone`];
  });
}
