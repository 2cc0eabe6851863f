import { cappedClock, powerOf, stepEnergyJ, stepPowerW } from '../model/physics/power.ts';
import { copyRates } from '../model/physics/rates.ts';
import type { System } from '../model/system/system.ts';
import type { Workload } from '../model/workload/workload.ts';
import type { Caps } from './caps.ts';
import { type Backend, hidingRooms } from './hidingRoom.ts';
import { leastStreamedBytes, pooledPassS } from './pooledBound.ts';
import type { Highs } from './solver.ts';
import { leastPassS, streamOptimum } from './streamOptimum.ts';
import { weightRoom } from './streamProgram.ts';

/** A step that no plan within the caps goes below, over one transport. */
export interface CapBound {
  stepTimeS: number;
  /** Fraction of the highest clock that the bound was taken at. */
  clock: number;
  /** Seconds that the bound falls by for one more byte of GPU memory; 0 where that is not what limits it, or unknown. */
  secondsPerGpuByte: number;
}

/** Numbers of buffers: each by itself, and the last one for it and all more. */
const SLOTS_TRIED = [1, 2, 3, 4] as const;
const MANY_SLOTS = 4;
/** The bound and its clock agree when another round would move it by less than this share. */
const CLOCK_AGREES = 1e-3;
const CLOCK_ROUNDS = 3;

/**
 * A bound in closed form: all time that compute and collectives leave is one room for all copies. Below `capBound`, and a
 * hundred times cheaper.
 *
 * @returns null where nothing fits the caps.
 */
export function pooledBound(
  workload: Workload,
  system: System,
  backends: readonly Backend[],
  caps: Caps,
): CapBound | null {
  const room = weightRoom(workload, system, caps, backends[0]!);
  const streamed = SLOTS_TRIED.map((slots) => leastStreamedBytes(workload, room, slots)).filter(
    (bytes): bytes is number => bytes !== null,
  );
  if (room.gpuBytes < 0 || streamed.length === 0) return null;
  return streamedBound(workload, system, backends, Math.min(...streamed));
}

/** The same for plans that stream so many bytes a pass. */
export function streamedBound(
  workload: Workload,
  system: System,
  backends: readonly Backend[],
  streamedBytes: number,
): CapBound {
  const stepAt = (clock: number) => pooledStepS(workload, system, backends, streamedBytes, clock);
  const power = powerOf(workload, system);
  const clock = power === null ? 1 : cappedClock(power, stepEnergyJ(workload, power), stepAt);
  return { stepTimeS: stepAt(clock), clock, secondsPerGpuByte: 0 };
}

/**
 * The lower bound of all plans under caps, whatever their chunks, windows, waits, buffers and residents: compute and
 * collectives by themselves, and what of the copies finds no room beside them, by linear programs that know of the buffers and
 * of what each block leaves room for.
 *
 * A plan with two buffers needs twice its largest streamed block, so small caps cost more than the bytes that do not fit. From
 * four buffers on, a ring of bytes at least as large as four of them stands for all.
 *
 * Under a power cap no step runs at a higher clock than the bound itself would; a bound that was taken at a lower one is
 * scaled by the two, since no work gains more than the clock does.
 *
 * @returns null where nothing fits the caps.
 */
export function capBound(
  highs: Highs,
  workload: Workload,
  system: System,
  backends: readonly Backend[],
  caps: Caps,
): CapBound | null {
  const pooled = pooledBound(workload, system, backends, caps);
  if (pooled === null) return null;
  const power = powerOf(workload, system);
  let { clock } = pooled;
  for (let round = 0; ; round += 1) {
    const bound = boundAt(highs, workload, system, backends, caps, clock);
    if (bound === null || power === null) return bound;
    const { stepTimeS } = bound;
    const energy = stepEnergyJ(workload, power);
    const isWithinCap = stepPowerW(power, energy, 1, stepTimeS) <= power.capW;
    const highest = isWithinCap ? 1 : cappedClock(power, energy, () => stepTimeS);
    const safeS = stepTimeS * Math.min(1, clock / highest);
    if (safeS >= stepTimeS * (1 - CLOCK_AGREES) || round === CLOCK_ROUNDS) {
      return { ...bound, stepTimeS: Math.max(safeS, pooled.stepTimeS), clock: highest };
    }
    clock = highest;
  }
}

function pooledStepS(
  workload: Workload,
  system: System,
  backends: readonly Backend[],
  streamedBytes: number,
  clock: number,
): number {
  const rooms = hidingRooms(workload, system, backends, clock);
  return workload.passes * pooledPassS(rooms, streamedBytes, copyRates(system, workload.ranks).h2d);
}

function boundAt(
  highs: Highs,
  workload: Workload,
  system: System,
  backends: readonly Backend[],
  caps: Caps,
  clock: number,
): CapBound | null {
  const room = weightRoom(workload, system, caps, backends[0]!);
  // What could be the lowest comes first; where even the pooled bound of a number of buffers is higher, its program is not solved.
  const tried = SLOTS_TRIED.flatMap((slots) => {
    const streamed = leastStreamedBytes(workload, room, slots);
    return streamed === null
      ? []
      : [{ slots, pooledS: pooledStepS(workload, system, backends, streamed, clock) }];
  }).sort((a, b) => a.pooledS - b.pooledS || Math.abs(a.slots - 2) - Math.abs(b.slots - 2));
  const leastS = workload.passes * leastPassS(hidingRooms(workload, system, backends, clock));
  let best: CapBound | null = null;
  for (const { slots, pooledS } of tried) {
    // A program's pass is no shorter than one without copies.
    if (best !== null && (pooledS >= best.stepTimeS || best.stepTimeS <= leastS)) break;
    const optimum = streamOptimum(
      ...([highs, workload, system, backends, room] as const),
      {
        secondsPerByte: 1 / copyRates(system, workload.ranks).h2d,
        slots: slots < MANY_SLOTS ? slots : null,
        leastSlots: MANY_SLOTS,
      },
      { clock, integer: false, gap: 0 },
    );
    if (optimum === null) continue;
    const stepTimeS = workload.passes * optimum.passS;
    if (best !== null && best.stepTimeS <= stepTimeS) continue;
    best = { stepTimeS, clock, secondsPerGpuByte: workload.passes * optimum.secondsPerGpuByte };
  }
  return best;
}
