/** What an engine tells whoever draws its timeline. */
export interface Recorder {
  /** A chunk of operation `op`, or the part of one that fitted into a turn, has moved. */
  chunk(op: number, startS: number, endS: number, bytes: number): void;
  /**
   * The links have been shared anew at `timeS`: what each resource carries from now on. A recorder without it costs no
   * time at resources that hold nobody back.
   */
  rates?(timeS: number, bytesPerS: readonly number[]): void;
}
