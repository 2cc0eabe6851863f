import { grouped } from '../../model/input/grouped.ts';
import { type Shape, shapeOf } from './srun.ts';
import type { Item, Task } from './submission.ts';

/** An item that is to be measured, and where. */
export interface PlannedItem extends Item {
  results: string;
  node: string | null;
  /** Tasks that Slurm starts of it. */
  ranks: number;
}

/** Elements that have one script: one shape, and one node where they must run on one. */
export interface PlannedArray {
  shape: Shape;
  node: string | null;
  tasks: Task[];
}

/**
 * Job arrays for what is to be measured: an element for each item, or, where items must run on a node, one for each node with all
 * of its items: nobody else then measures there between two of them.
 *
 * @param most elements of one array.
 */
export function planArrays(
  items: readonly PlannedItem[],
  ranksPerNode: number | null,
  most: number,
): PlannedArray[] {
  const anywhere = items.filter(({ node }) => node === null);
  const byShape = grouped(anywhere, ({ ranks }) => JSON.stringify(shapeOf(ranks, ranksPerNode)));
  const free = [...byShape.values()].flatMap((alike) =>
    chunks(alike.map(taskOf), most).map((tasks) => ({
      shape: shapeOf(alike[0]!.ranks, ranksPerNode),
      node: null,
      tasks,
    })),
  );
  const bound = grouped(
    items.filter(({ node }) => node !== null),
    ({ node }) => node!,
  );
  const perNode = [...bound].map(([node, own]): PlannedArray => {
    const [first] = own;
    const shape = shapeOf(Math.max(...own.map(({ ranks }) => ranks)), ranksPerNode);
    return { shape, node, tasks: [{ results: first!.results, node, items: own.map(itemOf) }] };
  });
  return [...free, ...perNode];
}

function taskOf(item: PlannedItem): Task {
  return { results: item.results, node: item.node, items: [itemOf(item)] };
}

function itemOf({ id, fingerprint }: PlannedItem): Item {
  return { id, fingerprint };
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
