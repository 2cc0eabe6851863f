import { setTimeout as sleep } from 'node:timers/promises';
import { SchedulerAway } from '../../cluster/slurm/client.ts';
import type { QueuedElement } from '../../cluster/slurm/queue.ts';
import { type ItemState, itemStates, type Wanted } from './states.ts';

export interface WaitOptions {
  /** Is told each time how all items stand. */
  onStates: (states: readonly ItemState[]) => void;
  onNote: (text: string) => void;
  /** Ends the waiting; what was submitted goes on. */
  signal: AbortSignal;
  /** For tests: as `itemStates` has it. */
  queue?: (jobs: readonly string[]) => QueuedElement[];
  /** Least and most time between two looks, ms. */
  pollMs?: readonly [least: number, most: number];
}

/** A scheduler that many ask is asked less often as time goes by. */
const POLL_MS = [1000, 15_000] as const;
/** How long results may stay unseen here whose element has ended well: clients of network file systems keep folders for a minute. */
const UNSEEN_MS = 120_000;

/**
 * Waits until nothing of what was submitted will do anything more, whatever becomes of the controller meanwhile.
 *
 * @returns how all items stand then; null where the signal has ended it.
 */
export async function waitForItems(
  root: string,
  wanted: readonly Wanted[],
  options: WaitOptions,
): Promise<ItemState[] | null> {
  const { onStates, onNote, signal, queue, pollMs: [least, most] = POLL_MS } = options;
  const remembered = wanted.map(rememberingDone);
  let isAway = false;
  let unseenSince: number | null = null;
  for (let delayMs: number = least; ; delayMs = Math.min(most, delayMs * 1.3)) {
    try {
      const states = itemStates(root, remembered, queue);
      if (isAway) onNote('the controller answers again');
      isAway = false;
      onStates(states);
      if (!states.some(({ is }) => is === 'queued')) {
        unseenSince ??= Date.now();
        if (!states.some(isUnseen) || Date.now() - unseenSince > UNSEEN_MS) return states;
      }
    } catch (error) {
      if (!(error instanceof SchedulerAway)) throw error;
      if (!isAway) onNote(`${error.message}; what was submitted runs on, and this waits`);
      isAway = true;
    }
    if (await isAborted(delayMs, signal)) return null;
  }
}

function isUnseen(state: ItemState): boolean {
  return state.is === 'failed' && state.endedWell;
}

/** Results that are whole stay so, and are long. */
function rememberingDone(item: Wanted): Wanted {
  let isDone = false;
  return {
    ...item,
    isDone: () => {
      isDone ||= item.isDone();
      return isDone;
    },
  };
}

async function isAborted(delayMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(delayMs, undefined, { signal });
    return false;
  } catch (error) {
    if (signal.aborted) return true;
    throw error;
  }
}
