import type { CopyEngine } from '../system/system.ts';
import { type Arithmetic, NUMBERS } from './arithmetic.ts';

/** How long a copy stream and its engine have had nothing to copy, seconds. */
export interface Idle<T> {
  /** The stream of the prefetch; 0 while chunks are queued behind each other. */
  streamS: T;
  /** Its engine, which also serves the pieces of staged collectives. */
  engineS: T;
}

/** What an engine takes before a chunk's first byte, seconds. */
export interface EngineTimes<T> {
  readonly startUpS: T;
  readonly gapS: T;
}

/**
 * Seconds until a run's first byte moves, from when it may go: what is left of the pause that the plan asks for after the
 * chunk before it, and the gap of an engine that is awake or the start-up of one that has been idle for at least as long.
 *
 *   rest    = max(0, paced - stream's idle time)
 *   seconds = rest + (engine's idle time + rest < start-up ? gap : max(gap, start-up))
 *
 * @param pausedS of `pacedS`.
 */
export function firstPauseS<T>(
  arithmetic: Arithmetic<T>,
  engine: EngineTimes<T>,
  pausedS: number,
  { streamS, engineS }: Idle<T>,
): T {
  const restS = arithmetic.larger(
    arithmetic.constant(0),
    arithmetic.minus(arithmetic.constant(pausedS), streamS),
  );
  const idleS = arithmetic.magnitude(engineS) + arithmetic.magnitude(restS);
  const isAwake = idleS < arithmetic.magnitude(engine.startUpS);
  return arithmetic.plus(restS, takingIn(arithmetic, engine.startUpS, engine.gapS, isAwake));
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
  return takingIn(NUMBERS, startUpS, gapS, awake);
}

function takingIn<T>(arithmetic: Arithmetic<T>, startUpS: T, gapS: T, awake: boolean): T {
  return awake ? gapS : arithmetic.larger(startUpS, gapS);
}

/** Seconds from a paced chunk's last byte until the next chunk is ready: the plan's pause and the machine's overhead of one. */
export function pacedS({ paceOverheadS }: Pick<CopyEngine, 'paceOverheadS'>, paceS: number): number {
  return paceS > 0 ? paceS + paceOverheadS : 0;
}

/** Seconds from one chunk's last byte to the first one of the chunk queued behind it. */
export function betweenChunksS<T>(arithmetic: Arithmetic<T>, engine: EngineTimes<T>, pausedS: number): T {
  const none = arithmetic.constant(0);
  return firstPauseS(arithmetic, engine, pausedS, { streamS: none, engineS: none });
}

/**
 * Seconds by which host launches of `launchS` put off the next chunk, on average over when in a chunk's period they begin:
 * the next chunk is ready t seconds into the launch, 0 <= t < period, and waits for its end.
 *
 *   launch^2 / 2 / period for launches shorter than a period, launch - period / 2 for longer ones
 */
export function launchHoldS<T>(arithmetic: Arithmetic<T>, launchS: number, periodS: T): T {
  return arithmetic.magnitude(periodS) > launchS
    ? arithmetic.over(launchS ** 2 / 2, arithmetic.divisor('period', periodS))
    : arithmetic.minus(arithmetic.constant(launchS), arithmetic.times(periodS, 1 / 2));
}
