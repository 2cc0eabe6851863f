import type { CopyEngine } from '../system/system.ts';

/** How long a copy stream and its engine have had nothing to copy, seconds. */
export interface Idle {
  /** The stream of the prefetch; 0 while chunks are queued behind each other. */
  streamS: number;
  /** Its engine, which also serves the pieces of staged collectives. */
  engineS: number;
}

export const BACK_TO_BACK: Idle = { streamS: 0, engineS: 0 };

/**
 * Seconds until a run's first byte moves, from when it may go: what is left of the pause that the plan asks for after the
 * chunk before it, and the gap of an engine that is awake or the start-up of one that has been idle for at least as long.
 *
 *   rest    = max(0, pace + overhead - stream's idle time), 0 for a plan without pace
 *   seconds = rest + (engine's idle time + rest < start-up ? gap : max(gap, start-up))
 */
export function firstPauseS(engine: CopyEngine, paceS: number, idle: Idle): number {
  const restS = restOfPaceS(engine, paceS, idle);
  return restS + takingS(engine, isAwake(engine, restS, idle));
}

/**
 * Seconds from an engine's taking a chunk to the chunk's first byte: a gap, or a start-up where the engine has gone to sleep.
 *
 * @param gapS the machine's own, or a longer one beside a collective.
 */
export function takingS(
  { startUpS, gapS: usualS }: Pick<CopyEngine, 'startUpS' | 'gapS'>,
  awake: boolean,
  gapS: number = usualS,
): number {
  return awake ? gapS : Math.max(gapS, startUpS);
}

/** Seconds from a paced chunk's last byte until the next chunk is ready: the plan's pause and the machine's overhead of one. */
export function pacedS({ paceOverheadS }: Pick<CopyEngine, 'paceOverheadS'>, paceS: number): number {
  return paceS > 0 ? paceS + paceOverheadS : 0;
}

/** Seconds of the pause after the stream's last chunk that are left. */
export function restOfPaceS(engine: CopyEngine, paceS: number, { streamS }: Idle): number {
  return Math.max(0, pacedS(engine, paceS) - streamS);
}

/** Whether the engine has not gone to sleep when that pause is over. */
export function isAwake({ startUpS }: CopyEngine, restS: number, { engineS }: Idle): boolean {
  return engineS + restS < startUpS;
}

/** Seconds from one chunk's last byte to the first one of the chunk queued behind it. */
export function betweenChunksS(engine: CopyEngine, paceS: number): number {
  return firstPauseS(engine, paceS, BACK_TO_BACK);
}

/**
 * Seconds by which host launches of `launchS` put off the next chunk, on average over when in a chunk's period they begin:
 * the next chunk is ready t seconds into the launch, 0 <= t < period, and waits for its end.
 *
 *   launch^2 / (2 period) for launches shorter than a period, launch - period / 2 for longer ones
 */
export function launchHoldS(launchS: number, periodS: number): number {
  return periodS > launchS ? launchS ** 2 / (2 * periodS) : launchS - periodS / 2;
}
