import { SEGMENT_CLASSES } from '../../model/dit/kinds.ts';
import { slowdownOf } from '../../model/physics/compute.ts';
import type { System } from '../../model/system/system.ts';
import type { CompiledProgram } from './compiledProgram.ts';

/** What compute and delays take at a clock, and for how long compute keeps other kernels out. */
export function atClock({ ops, durationS: given }: CompiledProgram, { gpu }: System, clock: number) {
  const durationS = Float64Array.from(given);
  const noRoomS = new Float64Array(given.length);
  for (const op of ops) {
    if (op.kind !== 'compute') continue;
    durationS[op.id] = SEGMENT_CLASSES.reduce(
      (sum, of) => sum + op.secondsOf[of] * slowdownOf(gpu, of, clock),
      0,
    );
    noRoomS[op.id] = op.noRoomS * slowdownOf(gpu, op.class, clock);
  }
  return { durationS, noRoomS };
}
