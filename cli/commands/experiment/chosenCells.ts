import { nearNames } from '../../../model/input/nearNames.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import type { Cell } from '../../../studies/grid/experimentFile.ts';

/** The cells that `--only` names, in the order of the experiment; all where it is not given. */
export function chosenCells(cells: readonly Cell[], only: readonly string[] | undefined): readonly Cell[] {
  if (only === undefined) return cells;
  const ids = cells.map(({ id }) => id);
  const unknown = only.find((id) => !ids.includes(id));
  if (unknown !== undefined) {
    const near = nearNames(unknown, ids).join(', ');
    throw new UserError(`--only ${shown(unknown)}: is no cell of the experiment; nearest: ${near}`);
  }
  return cells.filter(({ id }) => only.includes(id));
}
