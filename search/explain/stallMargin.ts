import { scaledSystem } from '../../model/physics/variants/scaled.ts';
import type { Plan } from '../../model/plan/plan.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { chosenTransport } from '../../model/system/transport.ts';
import type { Search } from '../search.ts';
import { searchOn } from '../searchOracle.ts';

/** How far a machine may be off before a plan stalls: costs 1 % against no offload on its own transport. */
export interface StallMargin {
  /** Factor on the link rate from which on the plan stalls; null where it stalls already. */
  link: number | null;
  /** Factor on the compute efficiency, likewise: faster compute leaves less to hide behind. */
  compute: number | null;
}

const STALLS = 1.01;
/** Range and fineness in which the factor of a stall is looked for. */
const LEAST_FACTOR = 1 / 16;
const MOST_FACTOR = 16;
const FACTOR_STEPS = 12;

/** How far the machine of a search may be off before a plan stalls there. */
export function stallMargin(search: Search, plan: Plan): StallMargin {
  const slowdownAt = (factors: Parameters<typeof scaledSystem>[1]) =>
    slowdown(searchOn(search, scaledSystem(search.system, factors)), plan);
  return {
    link: stallsAt((link) => slowdownAt({ link }), LEAST_FACTOR),
    compute: stallsAt((compute) => slowdownAt({ compute }), MOST_FACTOR),
  };
}

/** A plan's step over that of no offload on the same transport. */
function slowdown({ oracle, workload, system }: Search, plan: Plan): number {
  const none = makePlan('none', workload, system, chosenTransport(plan));
  return oracle(plan).stepTimeS / oracle({ ...none, pieceBytes: plan.pieceBytes }).stepTimeS;
}

/** The factor, from 1 on towards the farthest, at which a plan begins to cost 1 %; null where it does so at 1. */
function stallsAt(slowdownAt: (factor: number) => number, farthest: number): number | null {
  if (slowdownAt(1) > STALLS) return null;
  let fine = 1;
  let stalls = farthest;
  if (slowdownAt(stalls) <= STALLS) return stalls;
  for (let step = 0; step < FACTOR_STEPS; step += 1) {
    const middle = Math.sqrt(fine * stalls);
    if (slowdownAt(middle) <= STALLS) fine = middle;
    else stalls = middle;
  }
  return fine;
}
