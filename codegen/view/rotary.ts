import type { RotaryAxis } from '../../model/dit/rope.ts';
import { real, whole } from '../escape.ts';

/** The fields of a RotaryAxis in the order of runtime/compute/rotary_table.hpp, as C++. */
export function rotaryAxisView(axis: RotaryAxis): Record<keyof RotaryAxis, string> {
  return {
    rowsPerIndex: whole(axis.rowsPerIndex),
    indices: whole(axis.indices),
    firstPosition: real(axis.firstPosition),
    positionStep: real(axis.positionStep),
    leastPosition: real(axis.leastPosition),
    firstPair: whole(axis.firstPair),
    pairStep: whole(axis.pairStep),
    pairs: whole(axis.pairs),
    scale: real(axis.scale),
    base: real(axis.base),
    exponentStep: real(axis.exponentStep),
  };
}
