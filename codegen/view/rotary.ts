import type { RotaryAxis } from '../../model/dit/rope.ts';
import { real, whole } from '../escape.ts';

/** The fields of a RotaryAxis in the order of runtime/compute/rotary_table.hpp, as C++. */
export function rotaryAxisView(axis: RotaryAxis): string[] {
  return [
    whole(axis.rowsPerIndex),
    whole(axis.indices),
    real(axis.firstPosition),
    real(axis.positionStep),
    real(axis.leastPosition),
    whole(axis.firstPair),
    whole(axis.pairStep),
    whole(axis.pairs),
    real(axis.scale),
    real(axis.base),
    real(axis.exponentStep),
  ];
}
