import type { BlockPlan, Plan } from '../../model/plan/plan.ts';
import { FROM_SEARCH } from '../../model/plan/recipe.ts';
import { windowsOf } from '../../model/plan/windows.ts';
import { evenPaceS } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import type { Workload } from '../../model/workload/workload.ts';
import type { SearchSpace } from '../../search/searchSpace.ts';

const PAGE = 2 * 2 ** 20;

/**
 * All plans of the discrete space by odometers, without a line of the search's own code: each class of blocks counts through the
 * chunks of each window, what is in none of them stays, and a class may stay whole. Of a class that is streamed some blocks, the first ones or
 * evenly spread ones, may keep a page more, which is the end of their bytes.
 */
export function bruteForce(workload: Workload, system: System, space: SearchSpace): Plan[] {
  const { blocks } = workload;
  const count = blocks.length;
  const classOf = blocks.map(
    (block, index) => `${block.name} after ${blocks[(index + count - 1) % count]!.name}`,
  );
  const classes = [...new Set(classOf)];
  const windows = Math.max(...blocks.map(windowsOf));
  const waits = space.windows.some((rule) => rule !== 'open');
  const plans = new Map<string, Plan>();
  const keep = (plan: Plan) => {
    const { name: _, ...rest } = plan;
    plans.set(JSON.stringify(rest), plan);
  };
  for (const { transport, pieceBytes } of space.backends) {
    for (const size of space.chunkBytes) {
      // What a class's blocks can be: null for whole, or the chunks of each window.
      const states = classes.map((name) => {
        const weight = blocks[classOf.indexOf(name)]!.weightBytes;
        const members = classOf.filter((other) => other === name).length;
        const dealt = odometer(windows, Math.ceil(weight / Math.min(size, weight)));
        return [null, ...dealt.flatMap((chunks) => keepingMore(members).map((more) => ({ chunks, more })))];
      });
      for (const state of combinations(states)) {
        for (const slots of space.slots) {
          for (const isEarly of [true, false]) {
            const streamed = [...blocks.keys()].filter(
              (index) => state[classes.indexOf(classOf[index]!)] !== null,
            );
            const depth = Math.min(slots - 1, streamed.length - 1);
            const planned: BlockPlan[] = blocks.map(({ weightBytes }, index) => {
              const own = state[classes.indexOf(classOf[index]!)]!;
              if (own === null) return { residentBytes: weightBytes, issueAt: index, windowBytes: [] };
              const { chunks, more } = own;
              const before = blocks.slice(0, index).filter((_, other) => classOf[other] === classOf[index]);
              const isMore = more.includes(before.length);
              let left = chunks.reduce((sum, held) => sum + held, 0);
              let residentBytes = (Math.ceil(weightBytes / Math.min(size, weightBytes)) - left) * size || 0;
              let bytes = weightBytes - residentBytes;
              const windowBytes = chunks.map((held) => {
                left -= held;
                const dealt = held === 0 ? 0 : left === 0 ? bytes : held * Math.min(size, weightBytes);
                bytes -= dealt;
                return dealt;
              });
              if (isMore) {
                residentBytes += PAGE;
                for (let window = windows - 1, over = PAGE; window >= 0; window -= 1) {
                  const held = windowBytes[window]!;
                  windowBytes[window] = Math.max(0, held - over);
                  over -= held - windowBytes[window]!;
                }
              }
              const place = streamed.indexOf(index);
              const ahead = streamed[(place - depth + streamed.length) % streamed.length]!;
              const near = index - depth;
              const early = place >= depth ? ahead : ahead - count;
              // A single streamed block has one buffer, free again when the block has been read.
              const issueAt = streamed.length === 1 ? index + 1 - count : isEarly ? early : near;
              return { residentBytes, issueAt, windowBytes };
            });
            const streams = planned.filter(({ windowBytes }) => windowBytes.length > 0);
            if (streams.some(({ windowBytes }) => sum(windowBytes) < PAGE)) continue;
            const plan: Plan = {
              ...{
                name: 'brute force',
                recipe: FROM_SEARCH,
                chunkBytes: size,
                paceS: 0,
                transport,
                pieceBytes,
              },
              ...{ drainAtPassStart: false, sequential: false, yieldRule: 'none', stagedInCopyStream: false },
              slots: streamed.length === 0 ? 0 : streamed.length === 1 ? 1 : depth + 1,
              blocks: planned,
            };
            if (streams.length === 0) {
              keep({ ...plan, chunkBytes: Number.POSITIVE_INFINITY });
              continue;
            }
            // A page more can leave nothing of a later window: what is at once has only the first one to begin with.
            const isAtOnce = state.every((own) => own === null || own.chunks[0] === sum(own.chunks));
            if (isAtOnce) {
              const open = {
                ...plan,
                blocks: planned.map((block) => ({ ...block, windowBytes: block.windowBytes.slice(0, 1) })),
              };
              keep(open);
              const paceS = Number.isFinite(size) ? evenPaceS(workload, system, open.blocks, size) : 0;
              if (space.paced && paceS > 0) keep({ ...open, paceS });
            }
            if (waits) keep({ ...plan, yieldRule: 'wait', stagedInCopyStream: pieceBytes > 0 });
          }
        }
      }
    }
  }
  return [...plans.values()];
}

/** Places of the blocks that keep a page more, fewer than all: none, the first so many, or every so-manieth. */
function keepingMore(members: number): number[][] {
  const sets = new Map<string, number[]>();
  for (let more = 0; more < members; more += 1) {
    const first = Array.from({ length: more }, (_, place) => place);
    const spread = Array.from({ length: more }, (_, turn) => Math.floor((turn * members) / more));
    for (const places of [first, spread]) sets.set(places.join(), places);
  }
  return [...sets.values()];
}

/** All lists of so many counts, of which at least one and at most `most` in sum. */
function odometer(places: number, most: number): number[][] {
  const counts = Array.from({ length: places }, () => 0);
  const lists: number[][] = [];
  for (let place = 0; place < places; ) {
    counts[place]! += 1;
    if (sum(counts) <= most) {
      lists.push([...counts]);
      place = 0;
    } else {
      counts[place] = 0;
      place += 1;
    }
  }
  return lists;
}

function combinations<T>(lists: readonly (readonly T[])[]): T[][] {
  const total = lists.reduce((product, list) => product * list.length, 1);
  return Array.from({ length: total }, (_, index) => {
    let rest = index;
    return lists.map((list) => {
      const one = list[rest % list.length]!;
      rest = Math.floor(rest / list.length);
      return one;
    });
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
