import type { EventKind } from './events.ts';

/** What the copy engines need from the simulation around them. */
export interface CopyEngineHost {
  readonly now: number;
  at(timeS: number, kind: EventKind, index: number): void;
  /** A chunk has become or ceased to be a flow: the links are to be shared anew. */
  flowsChange(): void;
  /** The run at this channel's head is done; its flows and undisturbed parts have moved so many bytes. */
  copyDone(channel: number, movedBytes: number): void;
  /** No chunk of this channel may start at present. */
  held(channel: number): boolean;
  /** When a kernel in this channel's stream finds room; now, or when compute leaves some. */
  roomAtS(channel: number): number;
  /** Whether compute ever leaves none. */
  readonly mayShut: boolean;
  /** Bytes of a chunk moved from startS to endS. Only called while recording. */
  chunk(channel: number, startS: number, endS: number, bytes: number): void;
  readonly recording: boolean;
  /** Seconds between back-to-back chunks at present: collectives on the links make it longer. */
  readonly gapS: number;
  /** The route of an engine's read of a staged piece, of which memory serves a share. */
  stagedRead(engine: number, share: number): number;
}
