import { constants } from 'node:os';
import type { ItemState, Wanted } from '../studies/jobs/states.ts';
import { waitForItems } from '../studies/jobs/wait.ts';
import type { Output } from './output.ts';
import { statesText } from './text/jobsText.ts';

/** What was submitted, and for what. */
export interface Awaited {
  root: string;
  /** What the items are, such as cells. */
  what: string;
  wanted: readonly Wanted[];
  /** Numbers of the jobs that this start has submitted. */
  jobs: readonly string[];
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Waits until nothing of what was submitted will do anything more, and says how far it is whenever that changes. A signal ends the
 * waiting and nothing else.
 *
 * @returns how the items stand; an exit code where a signal came.
 */
export async function waitForJobs(
  { root, what, wanted, jobs }: Awaited,
  output: Output,
): Promise<readonly ItemState[] | number> {
  const abort = new AbortController();
  let code = 0;
  const stops = SIGNALS.map((signal) => ({
    signal,
    stop: () => {
      code = 128 + constants.signals[signal];
      abort.abort();
    },
  }));
  for (const { signal, stop } of stops) process.on(signal, stop);
  const queued = new Set(jobs);
  let said = '';
  try {
    const states = await waitForItems(root, wanted, {
      signal: abort.signal,
      onNote: (text) => output.diagnostic(`${text}\n`),
      onStates: (now) => {
        for (const state of now) if (state.is === 'queued') queued.add(state.element.job);
        const text = statesText(what, now);
        if (text !== said) output.diagnostic(`${text}\n`);
        said = text;
      },
    });
    if (states !== null) return states;
  } finally {
    for (const { signal, stop } of stops) process.off(signal, stop);
  }
  output.diagnostic(`no longer waiting; what is submitted goes on. ${howTo([...queued])}\n`);
  return code;
}

/** How a user goes on with jobs. */
export function howTo(jobs: readonly string[]): string {
  const cancel = jobs.length === 0 ? '' : `; cancel: scancel ${jobs.join(' ')}`;
  return `Start it again to see how far it is, with --wait to wait${cancel}`;
}
