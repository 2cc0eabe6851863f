import { copyRates } from '../model/physics/rates.ts';
import type { Plan } from '../model/plan/plan.ts';
import { evenPaceS, makePlan } from '../model/presets/presets.ts';
import { chosenTransport } from '../model/system/transport.ts';
import type { Caps } from './caps.ts';
import { type Backend, hidingRooms } from './hidingRoom.ts';
import { leastStreamedBytes, pooledPassS } from './pooledBound.ts';
import { type Search, TIE } from './search.ts';
import { PlanMaker, type PlanVariables } from './streamedPlan.ts';
import { hiddenOptimum, leastPassS, streamOptimum } from './streamOptimum.ts';
import { type Aim, secondsPerByte, solvedOptimum, weightRoom } from './streamProgram.ts';

/** Shares of the free time that seeds leave unused: what the closed form calls hidden to the last byte may not quite be. */
const MARGINS = [0, 0.05, 0.12] as const;
/** Chunk that residents are placed for; every size is then tried with them. */
const USUAL_CHUNK_BYTES = 16 * 1024 * 1024;
const INTEGER_GAP = 1e-3;
/** Numbers of buffers that residents are placed for, fewest first; more are neighbours. */
const SLOTS_PLACED = 2;

type Placement = Pick<PlanVariables, 'slots' | 'residentBytes'>;

/** Makes a transport's first plans: where to keep what, by integer programs, with all chunk sizes, windows, pauses and pieces. */
export class Placer {
  readonly #search: Search;
  readonly #caps: Caps;

  constructor(search: Search, caps: Caps) {
    this.#search = search;
    this.#caps = caps;
  }

  seeds(family: readonly Backend[], clock: number): Plan[] {
    const { workload, system, space } = this.#search;
    const maker = new PlanMaker(workload, system, clock);
    const [{ transport }] = family as [Backend];
    const none = makePlan('none', workload, system, chosenTransport({ transport }));
    const plans: Plan[] = family.map(({ pieceBytes }) => ({ ...none, pieceBytes }));
    // Residents are placed for all sizes of pieces at once, since they move the same bytes.
    for (const placement of this.#placements(family, clock)) {
      for (const backend of family) {
        for (const chunkBytes of space.chunkBytes) {
          for (const windows of space.windows) {
            const variables = {
              backend,
              chunkBytes,
              windows,
              issue: 'near',
              paceS: 0,
              ...placement,
            } as const;
            const plan = maker.make(variables);
            if (plan === null) continue;
            plans.push(plan);
            if (windows !== 'open' || !space.paced || !Number.isFinite(chunkBytes)) continue;
            const paceS = evenPaceS(workload, system, plan.blocks, chunkBytes);
            const paced = paceS > 0 ? maker.make({ ...variables, paceS }) : null;
            if (paced !== null) plans.push(paced);
          }
        }
      }
    }
    return plans;
  }

  /** By buffers: what gives the shortest step; where all copies can hide, the least memory that hides them, with some to spare. */
  #placements(family: readonly Backend[], clock: number): Placement[] {
    const { highs, workload, system, space } = this.#search;
    const room = weightRoom(workload, system, this.#caps, family[0]!);
    const perByteS = secondsPerByte(workload, system, USUAL_CHUNK_BYTES);
    const asked = (slots: number, margin: number, aim: Aim) =>
      [
        ...([workload, system, family, room] as const),
        { secondsPerByte: perByteS, slots, margin },
        { clock, integer: true, gap: INTEGER_GAP, aim },
      ] as const;
    const placed: Placement[] = [];
    const rooms = hidingRooms(workload, system, family, clock);
    const { h2d } = copyRates(system, workload.ranks);
    const aloneS = rooms.reduce((sum, one) => sum + one.aloneS, 0);
    /** Solvers' shortest passes for the numbers of buffers so far, each found when its last digits decide. */
    const shortest: (() => number)[] = [];
    for (const slots of space.slots.slice(0, SLOTS_PLACED)) {
      // More buffers leave less for residents: often so much less that no placement makes up for it.
      const streamedBytes = leastStreamedBytes(workload, room, slots);
      if (streamedBytes === null) continue;
      const pooledS = pooledPassS(rooms, streamedBytes, h2d);
      // No answer is below a pass without copies.
      if (pooledS > leastPassS(rooms) && shortest.some((passS) => pooledS > passS())) continue;
      const byTime = asked(slots, 0, { least: 'time' });
      const hidden = hiddenOptimum(...byTime);
      const fastest = hidden ?? solvedOptimum(highs, ...byTime);
      if (fastest === null) continue;
      // An integer program's answer is within its gap of the optimum.
      shortest.push(() => (hidden === null ? fastest : solvedOptimum(highs, ...byTime)!).passS);
      if (fastest.passS > aloneS * (1 + TIE)) {
        placed.push({ slots, residentBytes: fastest.residentBytes });
        continue;
      }
      for (const margin of MARGINS) {
        const lean = streamOptimum(
          highs,
          ...asked(slots, margin, { least: 'memory', passS: aloneS * (1 + TIE / 4) }),
        );
        if (lean !== null) placed.push({ slots, residentBytes: lean.residentBytes });
      }
    }
    return placed;
  }
}
