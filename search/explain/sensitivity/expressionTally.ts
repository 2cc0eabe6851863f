import type { StepTally } from '../../../model/analytic/stepTally.ts';
import { constant, type Laurent } from './laurent.ts';

/** The seconds of a step as one expression: where they go is left out. */
export class ExpressionTally implements StepTally<Laurent> {
  #stepTimeS = constant(0);
  #markedS = constant(0);

  get stepTimeS(): Laurent {
    return this.#stepTimeS;
  }

  begin(): void {
    this.#stepTimeS = constant(0);
  }

  compute(seconds: Laurent): void {
    this.#add(seconds);
  }

  collective(seconds: Laurent): void {
    this.#add(seconds);
  }

  /** Both together first: what a wait was short of is what compute took, which is gone then. */
  overlapped(computeS: Laurent, waitS: Laurent): void {
    this.#add(computeS.plus(waitS));
  }

  exposed(seconds: Laurent): void {
    this.#add(seconds);
  }

  prefetch(): void {}

  mark(): void {
    this.#markedS = this.#stepTimeS;
  }

  repeat(times: number): void {
    this.#add(this.#stepTimeS.minus(this.#markedS).times(constant(times)));
  }

  #add(seconds: Laurent): void {
    this.#stepTimeS = this.#stepTimeS.plus(seconds);
  }
}
