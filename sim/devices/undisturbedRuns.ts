import type { FlowSystem } from '../sharing/flowSystem.ts';
import type { UndisturbedRun } from './undisturbedRun.ts';

/** Engines whose run has its links to itself, and the resources that they have. */
export class UndisturbedRuns {
  readonly #flows: FlowSystem;
  /** By engine: the resources of its route. */
  readonly #uses: readonly (readonly { resource: number }[])[];
  readonly #runs: (UndisturbedRun | undefined)[];
  /** By resource: the engine that has it to itself; -1 for none. */
  readonly #aloneOn: Int32Array;

  constructor(flows: FlowSystem, uses: readonly (readonly { resource: number }[])[], resourceCount: number) {
    this.#flows = flows;
    this.#uses = uses;
    this.#runs = uses.map(() => undefined);
    this.#aloneOn = new Int32Array(resourceCount).fill(-1);
  }

  /** Whether nobody is on an engine's links. */
  hasItsLinks(engine: number): boolean {
    for (const { resource } of this.#uses[engine]!) {
      if (this.#flows.activeOn(resource) > 0 || this.#aloneOn[resource]! >= 0) return false;
    }
    return true;
  }

  begin(engine: number, run: UndisturbedRun): void {
    this.#runs[engine] = run;
    for (const { resource } of this.#uses[engine]!) this.#aloneOn[resource] = engine;
  }

  /** Ends an engine's run, at its end or since it is disturbed. */
  leave(engine: number): UndisturbedRun {
    for (const { resource } of this.#uses[engine]!) this.#aloneOn[resource] = -1;
    const run = this.#runs[engine]!;
    this.#runs[engine] = undefined;
    return run;
  }

  /** The engine that has a resource to itself; -1 for none. */
  engineOn(resource: number): number {
    return this.#aloneOn[resource]!;
  }
}
