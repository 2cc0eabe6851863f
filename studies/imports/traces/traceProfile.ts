import { createHash } from 'node:crypto';
import { interquartileRange, median } from 'simple-statistics';
import { toolVersion } from '../../../codegen/toolVersion.ts';
import { shown, UserError } from '../../../model/input/userError.ts';
import { parseProfile } from '../../../model/profile/profileFile.ts';
import { PROFILE_SCHEMA, type Profile, type ProfileKind } from '../../../model/profile/profileFormat.ts';
import type { ProfiledCollective } from '../../../model/workload/profiledFormat.ts';
import type { Trace } from './trace.ts';
import { tracedBlocks } from './tracedBlocks.ts';
import { collectivesOf, ranksOf, sameCalls } from './tracedCollectives.ts';
import { type TimedPass, type TimedRun, tracedWindows } from './tracedWindows.ts';
import type { TraceFacts } from './traceFacts.ts';

export interface TracedProfile {
  profile: Profile;
  notes: readonly string[];
}

/** Share of blocks' time that may be left out of windows before it is worth a note. */
const NOTED_SHARE = 0.02;

/**
 * A profile of what a trace has of a model's blocks: windows and collectives by time, the rest as it is given.
 *
 * Its fingerprint is of the trace's own facts, which know no tensors: plans made with it can be predicted and compared, and attaching
 * one to a model is refused.
 *
 * @throws UserError naming the flag for what neither says, and for a trace whose blocks cannot be told apart or differ from pass to
 * pass.
 */
export function traceProfile(trace: Trace, facts: TraceFacts): TracedProfile {
  const { file } = trace;
  const blocks = tracedBlocks(trace, facts.blocks);
  const passes = tracedWindows(trace, blocks);
  const lists = [...new Set(passes[0]!.runs.map(({ run }) => run.list))];
  refuseUnusedWeights(facts, lists, file);
  const ranks = ranksOf(passes, facts, file);
  const kinds: TracedKind[] = [];
  const runs: Profile['blocks'] = [];
  for (const [place, first] of passes[0]!.runs.entries()) {
    const { list, index } = first.run;
    const timed = passes.map((pass) => pass.runs[place]!);
    const calls = collectivesOf(timed, ranks, facts, file);
    const weightBytes = weightBytesOf(list, facts, file);
    const known = kinds.findIndex((other) => other.name === list && sameCalls(other.calls, calls));
    const kind = known < 0 ? kinds.length : known;
    if (known < 0) kinds.push({ name: list, weightBytes, calls, timed: [] });
    kinds[kind]!.timed.push(timed);
    const last = runs.at(-1);
    if (
      last !== undefined &&
      last.container === list &&
      last.kind === kind &&
      last.first + last.count === index
    )
      last.count += 1;
    else runs.push({ container: list, first: index, count: 1, kind });
  }
  const passesAStep = facts.passes ?? 1;
  const device = deviceOf(trace, file);
  const timedKinds = kinds.map(timedKind);
  const profile: Profile = {
    schema: PROFILE_SCHEMA,
    model: { id: facts.id ?? idOf(lists[0]!), name: lists.join(' and ') },
    fingerprint: fingerprintOf(timedKinds, runs),
    made: {
      ...{ at: trace.at ?? 'unknown', backend: 'cuda', device, driver: null, cuda: trace.cuda },
      ...{ torch: null, nccl: null, by: `${toolVersion()} from ${SOURCE[trace.tool]}`, smHz: null },
    },
    step: {
      ...{ ranks, passes: passesAStep, inputs: [] },
      stepsMeasured: Math.max(1, Math.floor(passes.length / passesAStep)),
    },
    kinds: timedKinds,
    blocks: runs,
    outside: {
      bytes: needed(
        facts.outsideBytes,
        '--outside-bytes',
        'the bytes of parameters outside of the blocks',
        file,
      ),
      seconds: outsideOf(passes, facts, file),
    },
    activationBytes: needed(
      facts.activationBytes,
      '--activation-bytes',
      'the peak of what is allocated beside parameters',
      file,
    ),
  };
  // What is printed must be a profile: names and numbers of a trace are anybody's.
  parseProfile(`profile of ${file}`, JSON.stringify(profile));
  return { profile, notes: notesOf(trace, passes, blocks.droppedRuns) };
}

const SOURCE = { kineto: "PyTorch's profiler", nsys: 'Nsight Systems' } as const;

function needed(value: number | undefined, flag: string, what: string, file: string): number {
  if (value !== undefined) return value;
  throw new UserError(`a trace does not say ${what}; give ${flag}, such as ${flag} 480MB`, { file });
}

function weightBytesOf(list: string, { weightBytes }: TraceFacts, file: string): number {
  const own = weightBytes.get(list) ?? weightBytes.get('');
  if (own !== undefined) return own;
  throw new UserError(
    `a trace does not say the bytes of a block's parameters; give --weight-bytes ${list}=SIZE, such as ${list}=670MiB`,
    { file },
  );
}

function refuseUnusedWeights({ weightBytes }: TraceFacts, lists: readonly string[], file: string): void {
  for (const list of weightBytes.keys()) {
    if (list !== '' && !lists.includes(list))
      throw new UserError(
        `--weight-bytes ${shown(list)}: no list of blocks is called so; there are ${lists.join(', ')}`,
        { file },
      );
  }
}

interface TracedKind {
  name: string;
  weightBytes: number;
  calls: readonly ProfiledCollective[];
  /** The runs of each of its blocks, pass by pass. */
  timed: TimedRun[][];
}

function timedKind({ name, weightBytes, calls, timed }: TracedKind): ProfileKind {
  const passes = timed[0]!.map((_, pass) => timed.map((block) => block[pass]!));
  const overAll = (secondsOf: (run: TimedRun) => number) => median(timed.flat().map(secondsOf));
  return {
    ...{ name, weightBytes, tensors: [] },
    windows: [...calls, null].map((_, window) => {
      const byPass = passes.map((blocks) => median(blocks.map(({ windowsS }) => windowsS[window]!)));
      return {
        seconds: overAll(({ windowsS }) => windowsS[window]!),
        spread: interquartileRange(byPass) / 2,
      };
    }),
    collectives: calls.map((call, place) => ({
      ...call,
      seconds: overAll(({ collectives }) => collectives[place]!.seconds),
    })),
  };
}

function outsideOf(passes: readonly TimedPass[], { outsideS }: TraceFacts, file: string): number {
  if (outsideS !== undefined) return outsideS;
  const between = passes.flatMap(({ sinceBeforeS }) => sinceBeforeS ?? []);
  if (between.length > 0) return median(between);
  throw new UserError(
    'the trace has no two passes in a row, and so not what lies between them; record two, or give --outside-time, such as --outside-time 4ms',
    { file },
  );
}

function deviceOf({ activities, devices }: Trace, file: string): string {
  const used = [...new Set(activities.map(({ device }) => device))];
  if (used.length > 1)
    throw new UserError(
      `has kernels of ${used.length} GPUs; a profile is of one rank: record each rank in a file of its own`,
      { file },
    );
  return devices.get(used[0]!) ?? 'unknown';
}

function idOf(list: string): string {
  return list.toLowerCase().replace(/[^a-z0-9.-]/g, '-');
}

function fingerprintOf(kinds: readonly ProfileKind[], blocks: Profile['blocks']): string {
  const facts = kinds.map(({ name, weightBytes, collectives }) => ({
    ...{ name, weightBytes },
    collectives: collectives.map(({ kind, sentBytes, bufferBytes }) => [kind, sentBytes, bufferBytes]),
  }));
  const text = JSON.stringify({ from: 'trace', kinds: facts, blocks });
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function notesOf(trace: Trace, passes: readonly TimedPass[], droppedRuns: number): string[] {
  const runs = passes.flatMap((pass) => pass.runs);
  const totalS = runs.reduce(
    (sum, { windowsS, collectives }) =>
      sum + windowsS.reduce((a, b) => a + b, 0) + collectives.reduce((a, { seconds }) => a + seconds, 0),
    0,
  );
  const besideS = runs.reduce((sum, run) => sum + run.besideS, 0);
  const hostCopies = runs.reduce((sum, run) => sum + run.hostCopies, 0);
  const notes = [
    `${passes.length} whole pass${passes.length > 1 ? 'es' : ''} of ${passes[0]!.runs.length} blocks`,
    "the fingerprint is of the trace, which knows no tensors: plans of this profile can be predicted, not attached; Python's profile makes one that can",
  ];
  if (droppedRuns > 0) notes.push(`${droppedRuns} runs of blocks belong to no whole pass; left out`);
  if (besideS > NOTED_SHARE * totalS)
    notes.push(
      `${((100 * besideS) / totalS).toFixed(0)} % of the blocks' time is compute beside collectives, which is in no window`,
    );
  if (hostCopies > 0)
    notes.push(
      `blocks have ${hostCopies} copies between host and device: record without offloading, or windows hold what waits for them`,
    );
  const without = trace.activities.filter(({ launch }) => launch === null).length;
  if (without > 0) notes.push(`${without} kernels have no launch in the trace; left out`);
  return notes;
}
