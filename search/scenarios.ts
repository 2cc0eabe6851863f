import { moved } from '../model/physics/variants/moved.ts';
import type { Direction } from '../model/system/direction.ts';
import type { System } from '../model/system/system.ts';
import type { Unknown } from '../model/system/unknowns.ts';

/** A machine that the file may stand for: some of its directions at an end of their intervals. */
export interface MachineScenario {
  /** Empty for the machine itself. */
  factors: Readonly<Partial<Record<Direction, number>>>;
  system: System;
}

/**
 * What takes room to hide copies in (-1: at its lower end) and what makes it (+1): slower links, lower retained fractions and
 * faster compute leave less room. Overheads and collectives alone shift time and room alike.
 */
const LITTLE_ROOM: Readonly<Partial<Record<Direction, 'low' | 'high'>>> = {
  h2d: 'low',
  duplex: 'low',
  link: 'low',
  beside: 'low',
  compute: 'high',
};

/**
 * The scenarios that a robust plan is judged by, always the same for the same unknowns: the machine itself, each direction at
 * each end of its interval, and two joint corners, the one with the least room for copies and the one with the most.
 *
 * @param groupSize ranks that load at once.
 */
export function scenariosOf(
  system: System,
  unknowns: readonly Unknown[],
  groupSize: number,
): MachineScenario[] {
  const ends = unknowns.flatMap(({ direction, interval }) =>
    interval.filter((factor) => factor !== 1).map((factor) => ({ [direction]: factor })),
  );
  const corners = (['low', 'high'] as const).map((side) => cornerOf(unknowns, side));
  const joint = corners.filter((factors) => Object.keys(factors).length > 1);
  return [{}, ...ends, ...joint].map((factors: MachineScenario['factors']) => ({
    factors,
    system: Object.entries(factors).reduce(
      (machine, [direction, factor]) => moved(machine, direction as Direction, factor, groupSize),
      system,
    ),
  }));
}

/** All directions that make or take room, each at the end that leaves the least of it, or the most. */
function cornerOf(unknowns: readonly Unknown[], room: 'low' | 'high'): MachineScenario['factors'] {
  const factors = unknowns.flatMap(({ direction, interval: [low, high] }) => {
    const least = LITTLE_ROOM[direction];
    if (least === undefined) return [];
    const factor = (least === 'low') === (room === 'low') ? low : high;
    return factor === 1 ? [] : [[direction, factor] as const];
  });
  return Object.fromEntries(factors);
}
