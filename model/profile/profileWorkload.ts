import { UserError } from '../input/userError.ts';
import type { PlanDocument } from '../plan/planDocument.ts';
import type { Profiled, ProfiledCollective } from '../workload/profiledFormat.ts';
import type {
  BlockKind,
  CollectiveSegment,
  ComputeSegment,
  ProfiledWorkload,
  Segment,
} from '../workload/workload.ts';
import type { Profile, ProfileKind } from './profileFormat.ts';

/** From half the range of the middle half of normal numbers to half of their 95 % interval: 1.96 / 0.6745 standard deviations. */
const HALF_INTERVAL_OVER_SPREAD = 2.906;

/**
 * The work of a profiled model: every window one segment of the seconds that it was measured to take, with the collectives between
 * them, whose times come from the machine. What lies outside of the blocks runs behind the last block's last window, where copies hide
 * behind it for the next pass's first blocks as they do in a steady step.
 *
 * A profile's activations were measured with the buffers of collectives among them; a workload counts these by themselves.
 */
export function profileWorkload(profile: Profile): ProfiledWorkload {
  const { model, step, kinds, outside, activationBytes, process } = profile;
  const profiled = profiledOf(profile);
  const workload = workloadOf({
    ...{ model, profiled, passes: step.passes },
    windowsS: kinds.map(({ windows }) => windows.map(({ seconds }) => seconds)),
    outsideS: outside.seconds,
  });
  return {
    ...workload,
    outsideBytes: outside.bytes,
    activationBytes: Math.max(0, activationBytes - workload.collectiveBufferBytes),
    hostS: step.hostSeconds ?? 0,
    processBytes: process === undefined ? null : process.allocatorBytes + process.otherBytes,
    computeInterval: computeIntervalOf(profile),
  };
}

/**
 * The workload of the profiled model that a plan is for, as far as lowering the plan asks: windows take no time, and what memory the
 * model takes beside its blocks is not known and left at nothing.
 *
 * @throws UserError for a plan of another model than a profiled one.
 */
export function workloadOfProfiled({ name, model, profiled }: PlanDocument): ProfiledWorkload {
  if (profiled === undefined)
    throw new UserError(
      `plan ${name}: profiled: is missing: the plan is not one of a profiled model; make it with \`chunkflow plan --profile\``,
    );
  return workloadOf({
    ...{ model: { id: model, name: model }, profiled, passes: 1 },
    windowsS: profiled.kinds.map(({ collectives }) => [0, ...collectives.map(() => 0)]),
    outsideS: 0,
  });
}

/** What a plan of a profiled model takes along. */
function profiledOf({ fingerprint, step, kinds, blocks }: Profile): Profiled {
  return {
    fingerprint,
    ranks: step.ranks,
    kinds: kinds.map(({ name, weightBytes, collectives }) => ({
      ...{ name, weightBytes },
      collectives: collectives.map(({ kind, sentBytes, bufferBytes }) => ({ kind, sentBytes, bufferBytes })),
    })),
    blocks: blocks.map(({ kind, count }) => ({ kind, times: count })),
  };
}

interface TimedModel {
  model: ProfiledWorkload['model'];
  profiled: Profiled;
  passes: number;
  /** Of each kind. */
  windowsS: readonly (readonly number[])[];
  outsideS: number;
}

function workloadOf({ model, profiled, passes, windowsS, outsideS }: TimedModel): ProfiledWorkload {
  const kinds = profiled.kinds.map(
    ({ name, weightBytes, collectives }, kind): BlockKind => ({
      ...{ name, weightBytes },
      segments: segmentsOf(windowsS[kind]!, collectives),
    }),
  );
  const blocks = profiled.blocks.flatMap(({ kind, times }) => Array<BlockKind>(times).fill(kinds[kind]!));
  const last = blocks.pop()!;
  const outside = measured('outside of the blocks', outsideS);
  blocks.push({ ...last, name: `${last.name}, last`, segments: [...last.segments, outside] });
  return {
    from: 'profile',
    ...{ model: { id: model.id, name: model.name }, profiled, passes },
    ranks: profiled.ranks,
    blocks,
    ...{ experts: 1, waitingExperts: 0 },
    ...{ outsideBytes: 0, activationBytes: 0, hostS: 0, processBytes: null, computeInterval: [1, 1] },
    collectiveBufferBytes: Math.max(
      0,
      ...profiled.kinds.flatMap(({ collectives }) => collectives.map(({ bufferBytes }) => bufferBytes)),
    ),
  };
}

function segmentsOf(windowsS: readonly number[], collectives: readonly ProfiledCollective[]): Segment[] {
  return windowsS.flatMap((seconds, window): Segment[] => {
    const collective = collectives[window];
    const segment = measured(`window ${window}`, seconds);
    return collective === undefined ? [segment] : [segment, collectiveOf(collective, window)];
  });
}

function measured(name: string, seconds: number): ComputeSegment {
  return { kind: 'compute', name, class: 'gemm', flops: 0, bytes: 0, kernels: 0, seconds };
}

function collectiveOf(
  { kind, sentBytes, bufferBytes }: ProfiledCollective,
  index: number,
): CollectiveSegment {
  return { kind: 'collective', name: `${kind} ${index}`, collective: kind, sentBytes, bufferBytes };
}

/** From step to step, windows of a clock that moves are longer or shorter together: their spreads add up. */
function computeIntervalOf({ kinds, blocks }: Profile): readonly [number, number] {
  const sum = (of: (window: ProfileKind['windows'][number]) => number) =>
    blocks.reduce(
      (total, { kind, count }) =>
        total + count * kinds[kind]!.windows.reduce((seconds, window) => seconds + of(window), 0),
      0,
    );
  const seconds = sum((window) => window.seconds);
  if (seconds === 0) return [1, 1];
  const by = 1 + (HALF_INTERVAL_OVER_SPREAD * sum((window) => window.spread)) / seconds;
  return [1 / by, by];
}
