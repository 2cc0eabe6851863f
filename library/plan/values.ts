import { GiB } from '../../model/input/byteUnits.ts';
import { quantity } from '../../model/input/quantity.ts';
import { shown, UserError } from '../../model/input/userError.ts';
import { DIRECTIONS, type Direction } from '../../model/system/direction.ts';
import type { System } from '../../model/system/system.ts';
import type { Unknown } from '../../model/system/unknowns.ts';
import type { Workload } from '../../model/workload/workload.ts';
import { type Caps, machineCaps } from '../../search/caps.ts';

/**
 * What a plan may take: as asked, or all that there is.
 *
 * @throws UserError for what is no size, and for more than there is.
 */
export function capsOf(
  { gpuMemory, hostMemory }: { gpuMemory?: string; hostMemory?: string },
  workload: Workload,
  system: System,
): Caps {
  const all = machineCaps(workload, system);
  return {
    gpuBytes: capOf('--gpu-memory', gpuMemory, all.gpuBytes, `a GPU of ${system.id} has`),
    pinnedBytes: capOf('--host-memory', hostMemory, all.pinnedBytes, `a rank's share of ${system.id} is`),
  };
}

function capOf(flag: string, text: string | undefined, most: number, what: string): number {
  if (text === undefined) return most;
  const bytes = sizeOf(flag, text);
  if (bytes <= most) return bytes;
  throw new UserError(
    `${flag} ${text}: ${what} ${+(most / GiB).toFixed(1)} GiB; give no more, or take another machine`,
  );
}

function sizeOf(flag: string, text: string): number {
  try {
    return quantity(text, 'bytes');
  } catch {
    throw new UserError(`${flag}: expected a size such as 16GiB, got ${shown(text)}`);
  }
}

/** @throws UserError where both are given: they contradict each other. */
export function refuseBoth({ nominal, uncertain }: { nominal?: boolean; uncertain?: string }): void {
  if (nominal !== true || uncertain === undefined) return;
  throw new UserError(
    `--nominal takes the machine as exact, --uncertain ${uncertain} does not; leave one out`,
  );
}

const RANGE = /^(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)$/;
/** Factors beyond these are another machine, not an uncertain one. */
const FACTORS = { least: 0.1, most: 10 };

/**
 * The intervals of `link=0.9..1.05,compute=0.95..1.02`; what is left out is exact.
 *
 * @throws UserError for anything else.
 */
export function uncertaintyOf(text: string): Unknown[] {
  const unknowns = new Map<Direction, Unknown>();
  for (const part of text.split(',')) {
    const [key = '', range = ''] = part.split('=').map((side) => side.trim());
    const direction = DIRECTIONS.find((known) => known === key);
    const [, low, high] = RANGE.exec(range) ?? [];
    if (direction === undefined || low === undefined || high === undefined)
      throw new UserError(
        `--uncertain ${shown(text)}: ${shown(part)}: expected ${DIRECTIONS.slice(0, -1).join(', ')} or ${DIRECTIONS.at(-1)}=low..high, such as link=0.9..1.05`,
      );
    if (unknowns.has(direction))
      throw new UserError(`--uncertain ${shown(text)}: ${direction} is given twice; leave one out`);
    unknowns.set(direction, { direction, interval: rangeOf(text, direction, Number(low), Number(high)) });
  }
  return [...unknowns.values()];
}

function rangeOf(text: string, name: string, low: number, high: number): readonly [number, number] {
  const { least, most } = FACTORS;
  if (low >= least && high <= most && low < high) return [low, high];
  throw new UserError(
    `--uncertain ${shown(text)}: ${name}: expected factors on the machine's numbers, the lower first, from ${least} to ${most}, got ${low}..${high}`,
  );
}
