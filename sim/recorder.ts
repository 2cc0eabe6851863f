/** What an engine tells whoever draws its timeline. */
export interface Recorder {
  /** A chunk of operation `op` moved on copy engine `engine` (2 x GPU, plus 1 for D2H). */
  chunk(engine: number, op: number, startS: number, endS: number): void;
  /** The links have been shared anew at `timeS`: what each resource carries from now on. */
  rates(timeS: number, bytesPerS: readonly number[]): void;
}
