import type { Op, StepProgram } from '../model/program/stepProgram.ts';
import type { SteadyStep } from './stepLedger.ts';

/** Whether an operation is a copy of weights. */
export function isPrefetch(op: Op): boolean {
  return op.kind === 'copy' && op.role === 'prefetch';
}

/**
 * From when on an operation had nothing but weights to wait for: the end of the one before it in its stream and of
 * everything else that it waits for. Its start less this is exposed prefetch.
 *
 * @param before The operation before it in its stream in this step; -1 for the stream's first.
 */
export function readyButForWeightsS(
  program: StepProgram,
  step: SteadyStep,
  id: number,
  before: number,
): number {
  const others = program.ops[id]!.waits.filter((wait) => !isPrefetch(program.ops[wait.op]!));
  return Math.max(
    before >= 0 ? step.endOf(before) : step.previousEndS,
    ...others.map((wait) => step.endOf(wait.op, wait.stepsAgo)),
  );
}
