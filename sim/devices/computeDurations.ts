import { SEGMENT_CLASSES } from '../../model/dit/kinds.ts';
import { slowdownOf } from '../../model/physics/compute.ts';
import type { FlatProgram } from '../../model/program/flatProgram.ts';
import type { System } from '../../model/system/system.ts';

/** What compute and delays take at a clock, and for how long compute keeps other kernels out. */
export function atClock({ compute, durationS: given }: FlatProgram, { gpu }: System, clock: number) {
  const durationS = Float64Array.from(given);
  const noRoomS = new Float64Array(given.length);
  for (const op of compute) {
    durationS[op.id] = SEGMENT_CLASSES.reduce(
      (sum, of) => sum + op.secondsOf[of] * slowdownOf(gpu, of, clock),
      0,
    );
    noRoomS[op.id] = op.noRoomS * slowdownOf(gpu, op.class, clock);
  }
  return { durationS, noRoomS };
}
