import type { CopyEngine } from '../../model/system/system.ts';
import type { CopyChannels } from './copyChannels.ts';
import type { CopyEngineHost } from './copyEngineHost.ts';
import { EVENT } from './events.ts';

/** Times that agree to this share are equal: rounding must not decide who goes first. */
export const TIE = 1e-9;

/**
 * Whom each engine serves: a channel keeps it for a time slice while another has a copy ready, then the engine goes round. Stream
 * priority does not exist.
 */
export class TimeSlices {
  readonly #host: Pick<CopyEngineHost, 'now' | 'at'>;
  readonly #channels: CopyChannels;
  readonly #timing: CopyEngine;
  /** Channels of each engine, in the order in which it goes round. */
  readonly #channelsOf: number[][];
  /** The channel that each engine serves or served last; -1 for none. */
  readonly active: Int32Array;
  readonly start: Float64Array;
  /** Whether the slice has ended, by its time or since its stream had to wait. */
  readonly over: Uint8Array;
  /** When the slice's end is an event; -1 where it is none. */
  readonly #endAt: Float64Array;

  constructor(
    host: Pick<CopyEngineHost, 'now' | 'at'>,
    channels: CopyChannels,
    timing: CopyEngine,
    engines: number,
  ) {
    this.#host = host;
    this.#channels = channels;
    this.#timing = timing;
    this.#channelsOf = Array.from({ length: engines }, () => []);
    channels.engineOf.forEach((engine, channel) => {
      this.#channelsOf[engine]!.push(channel);
    });
    this.active = new Int32Array(engines).fill(-1);
    this.start = new Float64Array(engines);
    this.over = new Uint8Array(engines);
    this.#endAt = new Float64Array(engines).fill(-1);
  }

  /** Whether a channel other than the one that is served has a copy ready. */
  othersReady(engine: number): boolean {
    const active = this.active[engine];
    for (const channel of this.#channelsOf[engine]!)
      if (channel !== active && this.#channels.runnable(channel)) return true;
    return false;
  }

  /** The present channel while its slice lasts, then the next one round that can go; -1 for none. */
  choose(engine: number): number {
    const channels = this.#channelsOf[engine]!;
    const active = this.active[engine]!;
    const turnEnds =
      this.over[engine] === 1 || this.#host.now - this.start[engine]! >= this.#timing.turnS * (1 - TIE);
    if (active >= 0 && !turnEnds && this.#channels.runnable(active)) return active;
    const start = channels.indexOf(active);
    for (let step = 1; step <= channels.length; step += 1) {
      const channel = channels[(start + step + channels.length) % channels.length]!;
      if (this.#channels.runnable(channel)) return channel;
    }
    return -1;
  }

  /** A channel is served next, in the slice that it has or in a new one. */
  serve(engine: number, channel: number, awake: boolean): void {
    if (channel !== this.active[engine]! || this.over[engine] === 1 || !awake) {
      this.start[engine] = this.#host.now;
      this.over[engine] = 0;
    }
    this.active[engine] = channel;
  }

  /** Sees to it that the channel that is being served loses the engine at the end of its slice. */
  limit(engine: number): void {
    if (!this.othersReady(engine)) return;
    const end = Math.max(this.#host.now, this.start[engine]! + this.#timing.turnS);
    if (this.#endAt[engine] === end) return;
    this.#endAt[engine] = end;
    this.#host.at(end, EVENT.slice, engine);
  }

  /** The event of a slice's end has come. Returns false where it has been put off since. */
  endsNow(engine: number): boolean {
    if (this.#endAt[engine] !== this.#host.now) return false;
    this.#endAt[engine] = -1;
    return true;
  }

  /** How far an engine's slice has gone, seconds: what decides who is served next, and when. */
  spentS(engine: number): number {
    // A stream that has the engine to itself has no turn to end.
    return this.#channelsOf[engine]!.length > 1
      ? Math.min(this.#host.now - this.start[engine]!, this.#timing.turnS)
      : 0;
  }
}
