import type { ScenarioQuestion } from '../../model/scenario/question.ts';
import { type AxisValue, type Grid, type Source, valuesAt } from './grid.ts';
import { namedFrom } from './namedFile.ts';
import type { Sweep } from './sweep.ts';

/** One point of a sweep: what is asked. */
export interface SweepPoint {
  /** Among all of the sweep. */
  number: number;
  grid: Grid;
  /** Points of a grid with one number share workload and machine. */
  block: number;
  /** By the names of the axes, as the file has them. */
  asked: ReadonlyMap<string, AxisValue>;
  /** Without plans. */
  question: ScenarioQuestion;
  /** As `--plan` takes it; null of a search. */
  plan: string | null;
  caps: { gpuMemory?: string; hostMemory?: string };
}

/** Where each grid's points begin among all. */
export function firstPoints(grids: readonly Grid[]): number[] {
  let first = 0;
  return grids.map(({ points }) => {
    const own = first;
    first += points;
    return own;
  });
}

/** A point by its number, made of that alone. @throws RangeError for a number that no point has. */
export function pointAt({ grids, folder, points }: Sweep, number: number): SweepPoint {
  if (!Number.isSafeInteger(number) || number < 0 || number >= points)
    throw new RangeError(`point ${number} of ${points}`);
  const firsts = firstPoints(grids);
  const place = firsts.findLastIndex((first) => first <= number);
  const grid = grids[place]!;
  const index = number - firsts[place]!;
  const values = valuesAt(grid, index);
  const asked = new Map([...values].map(([{ name }, value]) => [name, value]));
  const set = [...values].flatMap(([{ set }, value]) => (set === undefined ? [] : [`${set}=${value}`]));
  const plan = asked.get('plan') as string | undefined;
  return {
    ...{ number, grid, asked, block: Math.floor(index / grid.block) },
    question: questionOf(asked, set, folder),
    plan: plan === undefined ? null : namedFrom(folder, plan),
    caps: Object.fromEntries(
      ['gpuMemory', 'hostMemory'].flatMap((key) => (asked.has(key) ? [[key, String(asked.get(key))]] : [])),
    ),
  };
}

/** Axes that are no field of a scenario's question, or need more than their value. */
const APART = ['source', 'machine', 'gpus', 'referenceImage', 'plan', 'gpuMemory', 'hostMemory'];

function questionOf(
  asked: ReadonlyMap<string, AxisValue>,
  set: readonly string[],
  folder: string,
): ScenarioQuestion {
  const { model, profile, ...source } = asked.get('source') as Source;
  const plain = [...asked].filter(([name]) => !APART.includes(name) && !name.startsWith('set '));
  const image = asked.get('referenceImage') as string | undefined;
  return {
    ...Object.fromEntries(plain),
    ...source,
    ...(model !== undefined && { model: namedFrom(folder, model) }),
    ...(profile !== undefined && { profile: namedFrom(folder, profile) }),
    ...(asked.has('gpus') && { gpus: String(asked.get('gpus')) }),
    ...(image !== undefined && { referenceImage: [image] }),
    machine: namedFrom(folder, asked.get('machine') as string),
    ...(set.length > 0 && { set: [...set] }),
    plan: [],
  };
}
