import type { CopyOp } from '../../model/program/stepProgram.ts';
import type { CopyEngineHost } from './copyEngineHost.ts';

/** Bytes are whole numbers; what is left below one is rounding. */
export const NOTHING_LEFT_BYTES = 0.5;

/** A run of copies at the head of its stream: chunks of weights, or one piece of a staged collective. */
export type CopyRun = Pick<
  CopyOp,
  | 'id'
  | 'role'
  | 'direction'
  | 'bytes'
  | 'chunkBytes'
  | 'paceS'
  | 'pausedByHost'
  | 'sourceBytesPerS'
  | 'source'
>;

/** The run at the head of each stream of copies ("channel"): how far it has got, and whether its next chunk may start. */
export class CopyChannels {
  readonly #host: Pick<CopyEngineHost, 'now' | 'held'>;
  /** The engine that serves each channel. */
  readonly engineOf: readonly number[];
  /** Bytes of the run that have not moved, and that have. */
  readonly left: Float64Array;
  readonly moved: Float64Array;
  /** Bytes of a whole chunk, and of the present or next one that have not moved. */
  readonly chunk: Float64Array;
  readonly chunkLeft: Float64Array;
  /** Bytes/s of engine and source. */
  readonly bound: Float64Array;
  /** Seconds from a chunk's last byte until the next chunk is ready. */
  readonly pace: Float64Array;
  /** Whether a launch on the host holds the next chunk. */
  readonly pausable: Uint8Array;
  /** End of the pause behind the last chunk. */
  readonly blockedUntil: Float64Array;
  /** The staged piece; null for other copies, and for all where memory serves every read. */
  readonly piece: (CopyRun | null)[];
  readonly #ready: Uint8Array;

  constructor(host: Pick<CopyEngineHost, 'now' | 'held'>, engineOf: readonly number[]) {
    const count = engineOf.length;
    this.#host = host;
    this.engineOf = engineOf;
    this.left = new Float64Array(count);
    this.moved = new Float64Array(count);
    this.chunk = new Float64Array(count);
    this.chunkLeft = new Float64Array(count);
    this.bound = new Float64Array(count);
    this.pace = new Float64Array(count);
    this.pausable = new Uint8Array(count);
    this.blockedUntil = new Float64Array(count);
    this.piece = engineOf.map(() => null);
    this.#ready = new Uint8Array(count);
  }

  /** A run has reached the head of its stream and may go. */
  submit(channel: number, run: CopyRun, bytesPerS: number, paceS: number, piece: CopyRun | null): void {
    this.piece[channel] = piece;
    this.#ready[channel] = 1;
    this.left[channel] = run.bytes;
    this.moved[channel] = 0;
    this.chunk[channel] = run.chunkBytes;
    this.chunkLeft[channel] = Math.min(run.chunkBytes, run.bytes);
    this.bound[channel] = Math.min(bytesPerS, run.sourceBytesPerS);
    this.pace[channel] = paceS;
    this.pausable[channel] = run.pausedByHost ? 1 : 0;
  }

  /** Whether its next chunk may start now. */
  runnable(channel: number): boolean {
    return (
      this.#ready[channel] === 1 &&
      this.blockedUntil[channel]! <= this.#host.now &&
      !(this.pausable[channel] === 1 && this.#host.held(channel))
    );
  }

  /** Bytes of its chunk have moved. */
  move(channel: number, bytes: number): void {
    this.left[channel]! -= bytes;
    this.chunkLeft[channel]! -= bytes;
    this.moved[channel]! += bytes;
  }

  /** Its chunk has ended. Returns whether the run has ended with it; otherwise the next chunk is whole. */
  endChunk(channel: number): boolean {
    if (this.left[channel]! < NOTHING_LEFT_BYTES) {
      this.#ready[channel] = 0;
      return true;
    }
    this.chunkLeft[channel] = Math.min(this.chunk[channel]!, this.left[channel]!);
    return false;
  }
}
