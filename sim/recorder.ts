import type { Engine } from './engine.ts';
/** Collects what a timeline shows while an engine runs. */
export interface Recorder {
  begin(engine: Engine): void;
  chunk(engine: number, op: number, startS: number, endS: number): void;
  /** Rates may have changed. */
  rates(): void;
}
