import { grouped } from '../../../model/input/grouped.ts';
import { nearNames } from '../../../model/input/nearNames.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import type { HostRange, Trace } from './trace.ts';

/** One run of a block: the host's range of its forward. */
export interface BlockRun {
  /** What blocks of one list are called together, such as a class or the list's path. */
  list: string;
  index: number;
  range: HostRange;
}

/** All blocks once, in order. */
export interface TracedPass {
  runs: readonly BlockRun[];
  /** Whether the pass before it in the trace is the one before it here as well: nothing was dropped between them. */
  followsPrevious: boolean;
}

export interface TracedBlocks {
  passes: readonly TracedPass[];
  /** Runs of blocks that belong to no whole pass. */
  droppedRuns: number;
}

/** Our own ranges say which they are; modules are called by class and number of first call, or by their path. */
const MARKER = /^## chunkflow block (\d{1,6})$/;
const MODULE = /^nn\.Module: (\w+)_(\d{1,6})$/;
const PATH = /^([A-Za-z_][\w.]*)\.(\d{1,6})$/;
/** How blocks are called that only our own ranges name. */
const MARKED = 'blocks';

/** Blocks in a list at the least. */
const FEWEST = 2;

function blockRun(range: HostRange): BlockRun | null {
  const [, marked] = MARKER.exec(range.name) ?? [];
  if (marked !== undefined) return { list: MARKED, index: Number(marked), range };
  const [, list, index] = MODULE.exec(range.name) ?? PATH.exec(range.name) ?? [];
  return list === undefined ? null : { list, index: Number(index), range };
}

/**
 * The runs of a model's blocks in a trace, pass by pass: ranges `## chunkflow block N`, `nn.Module: CLASS_N` or `PATH.N`.
 *
 * @param lists names of the lists of blocks, in the order of a pass where there are several; undefined to find the one list that no
 * other stands around.
 * @throws UserError where no list is there, several could be meant, or no pass is whole.
 */
export function tracedBlocks({ file, ranges }: Trace, lists?: readonly string[]): TracedBlocks {
  const named = ranges.flatMap((range) => blockRun(range) ?? []);
  const marked = named.filter(({ range }) => MARKER.test(range.name));
  // Ranges that were put there for this are meant, whatever else there is.
  const runs = lists === undefined && marked.length > 0 ? marked : named;
  const byList = grouped(runs, ({ list }) => list);
  for (const [list, of] of byList)
    if (new Set(of.map(({ index }) => index)).size < FEWEST) byList.delete(list);
  if (byList.size === 0)
    throw new UserError(
      'has no ranges of blocks; record with with_stack=True for those of modules, or put record_function("## chunkflow block N") around each block',
      { file },
    );
  const chosen = lists ?? [onlyList(byList, file)];
  for (const name of chosen) {
    if (byList.has(name)) continue;
    const near = nearNames(name, [...byList.keys()], 5).join(', ');
    throw new UserError(`--blocks ${shown(name)}: the trace has no such ranges; nearest: ${near}`, { file });
  }
  const taken = chosen.flatMap((name) => byList.get(name)!).sort((a, b) => a.range.startS - b.range.startS);
  refuseOverlaps(taken, file);
  return passesOf(taken, chosen, file);
}

/** The list whose blocks stand in no other list's. */
function onlyList(byList: ReadonlyMap<string, readonly BlockRun[]>, file: string): string {
  const inner = innerLists([...byList.values()].flat());
  const outer = [...byList.keys()].filter((list) => !inner.has(list));
  if (outer.length === 1) return outer[0]!;
  const names = (outer.length > 0 ? outer : [...byList.keys()]).slice(0, 20).join(', ');
  throw new UserError(
    `has ranges of several lists that may be the blocks: ${names}; say which with --blocks, in the order of a pass`,
    { file },
  );
}

/** Lists of which a range lies within one of another list. */
function innerLists(runs: readonly BlockRun[]): Set<string> {
  const inner = new Set<string>();
  for (const ofThread of grouped(runs, ({ range }) => range.thread).values()) {
    const sorted = [...ofThread].sort(
      (a, b) => a.range.startS - b.range.startS || b.range.endS - a.range.endS,
    );
    const open: BlockRun[] = [];
    for (const run of sorted) {
      while (open.length > 0 && open.at(-1)!.range.endS < run.range.endS) open.pop();
      if (open.some(({ list }) => list !== run.list)) inner.add(run.list);
      open.push(run);
    }
  }
  return inner;
}

function refuseOverlaps(runs: readonly BlockRun[], file: string): void {
  for (let place = 1; place < runs.length; place += 1) {
    const [before, run] = [runs[place - 1]!, runs[place]!];
    if (run.range.startS < before.range.endS)
      throw new UserError(
        `${shown(run.range.name)} begins within ${shown(before.range.name)}; blocks follow one another: say which lists are meant with --blocks`,
        { file },
      );
  }
}

/** @param runs in the order of time. */
function passesOf(runs: readonly BlockRun[], lists: readonly string[], file: string): TracedBlocks {
  const key = ({ list, index }: BlockRun) => `${list} ${index}`;
  const order = lists.flatMap((list) => {
    const indices = new Set(runs.filter((run) => run.list === list).map(({ index }) => index));
    return [...indices].sort((a, b) => a - b).map((index) => `${list} ${index}`);
  });
  const passes: TracedPass[] = [];
  let begun: BlockRun[] = [];
  let droppedRuns = 0;
  let followsPrevious = false;
  const drop = (count: number) => {
    droppedRuns += count;
    if (count > 0) followsPrevious = false;
  };
  for (const run of runs) {
    if (key(run) !== order[begun.length]) {
      drop(begun.length);
      begun = [];
    }
    if (key(run) !== order[begun.length]) {
      drop(1);
      continue;
    }
    begun.push(run);
    if (begun.length < order.length) continue;
    passes.push({ runs: begun, followsPrevious });
    followsPrevious = true;
    begun = [];
  }
  drop(begun.length);
  if (passes.length === 0)
    throw new UserError(
      `has no whole pass of the ${order.length} blocks ${lists.join(', ')} in order; record at least one whole step`,
      { file },
    );
  return { passes, droppedRuns };
}
