import type { CollectiveKind } from '../../../model/dit/kinds.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import type { Activity, Trace, TracedMessage } from './trace.ts';
import type { BlockRun, TracedBlocks } from './tracedBlocks.ts';

export interface TracedCollective {
  kind: CollectiveKind;
  message: TracedMessage | null;
  seconds: number;
}

/** What one run of a block did on the GPU. */
export interface TimedRun {
  run: BlockRun;
  /** One more than collectives. */
  windowsS: readonly number[];
  collectives: readonly TracedCollective[];
  /** Compute that ran beside the block's collectives, which is in no window. */
  besideS: number;
  /** Copies between host and device that were launched in it. */
  hostCopies: number;
}

export interface TimedPass {
  runs: readonly TimedRun[];
  /** From the end of the pass before to this one's first kernel; null where the trace does not have the pass before. */
  sinceBeforeS: number | null;
}

/**
 * Windows and collectives of every run of a block, by the times of what it launched.
 *
 * A block lasts from the end of the one before it (the first of a pass: from its own first kernel) to the end of its last kernel.
 * A collective begins where the compute before it ends, so what it waits for peers is its own, and ends with its kernel;
 * windows are what lies between. So gaps in which the GPU waits for launches are the windows', and compute beside a collective
 * is in none.
 *
 * @throws UserError where a block launched nothing that the trace has, or a collective that blocks may not have.
 */
export function tracedWindows(trace: Trace, { passes }: TracedBlocks): TimedPass[] {
  const activitiesOf = byRun(
    trace,
    passes.flatMap(({ runs }) => runs),
  );
  let endS = Number.NaN;
  return passes.map(({ runs, followsPrevious }) => {
    const beforeS = endS;
    let beginS: number | null = null;
    const timed = runs.map((run) => {
      const activities = activitiesOf.get(run)!;
      const onGpu = activities.filter(({ kind }) => kind !== 'host-copy');
      if (onGpu.length === 0)
        throw new UserError(
          `${shown(run.range.name)}: no kernel was launched in it; record without CUDA graphs, with the launches (cuda_runtime) in the trace`,
          { file: trace.file },
        );
      const fromS: number = beginS ?? Math.min(...onGpu.map(({ startS }) => startS));
      const times = timedRun(run, onGpu, fromS, trace.file);
      beginS = Math.max(fromS, ...onGpu.map((activity) => activity.endS));
      endS = beginS;
      return { ...times, hostCopies: activities.length - onGpu.length };
    });
    const firstS = Math.min(
      ...activitiesOf.get(runs[0]!)!.flatMap(({ kind, startS }) => (kind === 'host-copy' ? [] : [startS])),
    );
    return { runs: timed, sinceBeforeS: followsPrevious ? Math.max(0, firstS - beforeS) : null };
  });
}

/** What each run launched, in the order of time. */
function byRun({ activities }: Trace, runs: readonly BlockRun[]): ReadonlyMap<BlockRun, Activity[]> {
  const launched = new Map<BlockRun, Activity[]>(runs.map((run) => [run, []]));
  for (const activity of activities) {
    const { launch } = activity;
    if (launch === null) continue;
    const run = lastBefore(runs, launch.atS);
    if (run === undefined || launch.atS >= run.range.endS || launch.thread !== run.range.thread) continue;
    launched.get(run)!.push(activity);
  }
  for (const of of launched.values()) of.sort((a, b) => a.startS - b.startS);
  return launched;
}

/** The last run that begins at a time or before it. */
function lastBefore(runs: readonly BlockRun[], atS: number): BlockRun | undefined {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (runs[middle]!.range.startS <= atS) low = middle + 1;
    else high = middle;
  }
  return runs[low - 1];
}

function timedRun(
  run: BlockRun,
  activities: readonly Activity[],
  fromS: number,
  file: string,
): Omit<TimedRun, 'hostCopies'> {
  const compute = activities.filter(({ kind }) => kind === 'compute');
  const windowsS: number[] = [];
  const collectives: TracedCollective[] = [];
  let beginS = fromS;
  let besideS = 0;
  for (const activity of activities) {
    if (activity.kind !== 'collective') continue;
    const { collective, message, startS, endS } = activity;
    if (collective === null)
      throw new UserError(
        `${shown(run.range.name)}: has ${shown(activity.name)}; of collectives, blocks may have all-to-alls, all-gathers and all-reduces`,
        { file },
      );
    const before = compute.filter((kernel) => kernel.startS < startS).map((kernel) => kernel.endS);
    const issueS = Math.min(startS, Math.max(beginS, ...before));
    // Two collectives at once are one after another here, the second as long as it goes on alone.
    const issuedS = Math.max(beginS, issueS);
    const doneS = Math.max(issuedS, endS);
    windowsS.push(issuedS - beginS);
    collectives.push({ kind: collective, message, seconds: doneS - issuedS });
    for (const kernel of compute)
      besideS += Math.max(0, Math.min(kernel.endS, doneS) - Math.max(kernel.startS, issuedS));
    beginS = doneS;
  }
  windowsS.push(Math.max(0, ...compute.map(({ endS }) => endS - beginS)));
  return { run, windowsS, collectives, besideS };
}
