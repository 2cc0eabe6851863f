import { UserError } from '../../model/input/userError.ts';
import { placed, type YamlFile } from '../../model/input/yamlFile.ts';
import { planTexts } from './planList.ts';
import type { Ask, GridText, SweepText } from './sweepFormat.ts';
import { valueTexts } from './valueList.ts';

/** What is computed: a model of the catalogue or a file at a size, or a profile, which has its own. */
export interface Source {
  model?: string;
  entry?: string;
  size?: string;
  profile?: string;
}

export type AxisValue = string | number | boolean | Source;

/** One direction of a grid. Where `set` is there, it is a number of the machine. */
export interface Axis {
  /** A field of the question, `source`, or `set KEY`. */
  name: string;
  values: readonly AxisValue[];
  /** The key of a machine's number. */
  set?: string;
}

/** A grid with its values written out; its points are numbered in mixed radix, the last axis fastest. */
export interface Grid {
  name: string;
  ask: Ask;
  /** Caps under which a front is looked for; null where one plan is. */
  front: number | null;
  axes: readonly Axis[];
  points: number;
  /** Points one after another that share workload and machine: combinations of the plans and caps. */
  block: number;
}

/** Axes of plans and caps, behind all others: workload and machine are made once for all of them. */
const INNER = ['plan', 'gpuMemory', 'hostMemory'];

/** Caps of a front where its number is not given, as of `chunkflow plan --front`. */
const FRONT_CAPS = 20;

/** Points of a sweep at the most: numbers of rows stay exact. */
const MOST_POINTS = 1e12;

/** Machines are built anew for each of their numbers, which takes longest; workloads take less, plans least. */
const MACHINE_FIELDS = ['gpus', 'pcie', 'topology'] as const;
const WORKLOAD_FIELDS = [
  ...(['dtype', 'blocks', 'batch', 'textRows', 'expertsOnGpu', 'referenceImage'] as const),
  ...(['sp', 'ring', 'tp', 'cfg', 'exchange', 'computeDtype', 'attention', 'eager', 'transport'] as const),
];

/** @throws UserError with the place of a grid whose parts contradict each other. */
export function expandGrids(text: SweepText, file: YamlFile): Grid[] {
  const grids = text.grids.map((grid, index) => expandGrid(grid, text, index, file));
  const points = grids.reduce((sum, grid) => sum + grid.points, 0);
  if (!(points <= MOST_POINTS))
    throw new UserError(`grids: ${points} points, expected at most ${MOST_POINTS}`, file.place(['grids']));
  for (const [index, { name }] of grids.entries()) {
    if (grids.findIndex((grid) => grid.name === name) < index)
      throw new UserError(
        `grids.${index}.name: "${name}" is there twice; give another`,
        file.place(['grids', index]),
      );
  }
  return grids;
}

function expandGrid(grid: GridText, sweep: SweepText, index: number, file: YamlFile): Grid {
  const ask = grid.ask ?? sweep.ask;
  const path = ['grids', index];
  refuseIdle(grid, ask, path, file);
  const within = <T>(key: PropertyKey[], compute: () => T): T => placed(file, [...path, ...key], compute);
  const axes: Axis[] = [{ name: 'machine', values: grid.machines }];
  const add = (name: string, values: readonly AxisValue[] | undefined) => {
    if (values !== undefined) axes.push({ name, values });
  };
  for (const field of MACHINE_FIELDS) add(field, grid[field]);
  for (const [key, values] of Object.entries(grid.set))
    axes.push({ name: `set ${key}`, values: within(['set', key], () => valueTexts(values)), set: key });
  add('source', sourcesOf(grid));
  for (const field of WORKLOAD_FIELDS) add(field, grid[field]);
  if (ask !== 'plan')
    add(
      'plan',
      grid.plans.flatMap((plan, at) => within(['plans', at], () => planTexts(plan))),
    );
  for (const field of ['gpuMemory', 'hostMemory'] as const) {
    const values = grid[field];
    if (values !== undefined)
      add(
        field,
        within([field], () => valueTexts(values)),
      );
  }
  for (const { name, values } of axes) refuseTwice(name, values, path, file);
  return {
    ...{ name: grid.name ?? `grid-${index + 1}`, ask, front: frontOf(grid.front), axes },
    points: product(axes),
    block: product(axes.filter(({ name }) => INNER.includes(name))),
  };
}

function frontOf(front: GridText['front']): number | null {
  if (typeof front === 'number') return front;
  return front ? FRONT_CAPS : null;
}

function product(axes: readonly Axis[]): number {
  return axes.reduce((points, { values }) => points * values.length, 1);
}

function refuseIdle({ plans, front }: GridText, ask: Ask, path: PropertyKey[], file: YamlFile): void {
  const refuse = (key: string, message: string): never => {
    throw new UserError(`${[...path, key].map(String).join('.')}: ${message}`, file.place([...path, key]));
  };
  if (ask === 'plan' && plans.length > 0)
    refuse('plans', 'a search makes its own; leave them out, or give ask: predict');
  if (ask !== 'plan' && plans.length === 0)
    refuse('plans', `expected at least one, such as yield, for ask: ${ask}`);
  if (ask !== 'plan' && front !== false) refuse('front', 'is of ask: plan; leave it out');
}

/** A value twice would be the same points twice. */
function refuseTwice(name: string, values: readonly AxisValue[], path: PropertyKey[], file: YamlFile): void {
  const seen = new Set<string>();
  for (const value of values) {
    const text = JSON.stringify(value);
    if (seen.has(text))
      throw new UserError(
        `${path.map(String).join('.')}: ${name}: ${text} is there twice; leave one out`,
        file.place(path),
      );
    seen.add(text);
  }
}

function sourcesOf({ models, profiles, sizes }: GridText): Source[] {
  const ofModels = models.flatMap((given): Source[] => {
    const { sizes: own, ...named } = typeof given === 'string' ? { model: given } : given;
    const source: Source = { model: named.model, ...(named.entry !== undefined && { entry: named.entry }) };
    const all = own ?? sizes;
    return all === undefined ? [source] : all.map((size) => ({ ...source, size }));
  });
  return [...ofModels, ...profiles.map((profile): Source => ({ profile }))];
}

/** Values of a point by the names of the axes. */
export function valuesAt({ axes }: Grid, index: number): Map<Axis, AxisValue> {
  const values: [Axis, AxisValue][] = [];
  let rest = index;
  for (const axis of axes.toReversed()) {
    const { length } = axis.values;
    values.push([axis, axis.values[rest % length]!]);
    rest = Math.floor(rest / length);
  }
  return new Map(values.reverse());
}

/** Number of the point that has these places on the axes: the inverse of `valuesAt`. */
export function indexOf({ axes }: Grid, places: readonly number[]): number {
  return axes.reduce((index, { values }, axis) => index * values.length + places[axis]!, 0);
}
