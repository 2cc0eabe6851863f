import { numbersOfSpec } from '../../cluster/slurm/arraySpec.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import type { Grid } from './grid.ts';
import { firstPoints } from './points.ts';

/** Consecutive points of one grid, which one worker answers and writes as one file. */
export interface Task {
  number: number;
  first: number;
  points: number;
}

/** Points of a task at the most by what is asked, so that one lasts seconds: what a kill loses, and what a file holds. */
const MOST_POINTS = { predict: 1000, simulate: 50, plan: 4 } as const;
/** Tasks of a small grid, so that all cores of a machine have some. */
const FEWEST_TASKS = 32;

/** The tasks of a sweep, by arithmetic: a sweep of a billion points has a million of them, and holds none. */
export class Tasks {
  readonly count: number;
  readonly #grids: readonly { first: number; points: number; size: number; firstTask: number }[];

  constructor(grids: readonly Grid[]) {
    const firsts = firstPoints(grids);
    let firstTask = 0;
    this.#grids = grids.map((grid, index) => {
      const size = taskPoints(grid);
      const own = { first: firsts[index]!, points: grid.points, size, firstTask };
      firstTask += Math.ceil(grid.points / size);
      return own;
    });
    this.count = firstTask;
  }

  at(number: number): Task {
    const grid = this.#grids[this.gridOf(number)]!;
    const offset = (number - grid.firstTask) * grid.size;
    return { number, first: grid.first + offset, points: Math.min(grid.size, grid.points - offset) };
  }

  /** Place of a task's grid among the grids. */
  gridOf(number: number): number {
    if (!Number.isSafeInteger(number) || number < 0 || number >= this.count)
      throw new RangeError(`task ${number} of ${this.count}`);
    return this.#grids.findLastIndex(({ firstTask }) => firstTask <= number);
  }
}

/** Whole blocks where they are small enough, so that no two tasks make the same workload. */
function taskPoints({ ask, points, block }: Grid): number {
  const most = MOST_POINTS[ask];
  const wanted = Math.min(most, Math.max(1, Math.ceil(points / FEWEST_TASKS)));
  if (block > most) return wanted;
  return Math.min(points, Math.max(1, Math.ceil(wanted / block)) * block);
}

/**
 * Numbers of tasks as `3,7-9`, ascending, each once.
 *
 * @throws UserError for anything else, and for tasks that there are not.
 */
export function taskNumbers(text: string, count: number): number[] {
  const numbers = [...new Set(numbersOfSpec(text, '--tasks'))].sort((a, b) => a - b);
  const last = numbers.at(-1)!;
  if (last < count) return numbers;
  throw new UserError(
    `--tasks ${shown(text)}: there is no task ${last}; the last of this sweep is ${count - 1}`,
  );
}
