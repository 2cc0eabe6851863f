import { closedForm } from '../model/analytic/closedForm.ts';
import { UserError } from '../model/input/userError.ts';
import { memoryNeed } from '../model/physics/memory.ts';
import type { Plan } from '../model/plan/plan.ts';
import { makePlan, presetHelp } from '../model/presets/presets.ts';
import { chosenTransport } from '../model/system/transport.ts';
import { type Caps, fits } from './caps.ts';
import type { Backend } from './hidingRoom.ts';
import type { Search } from './search.ts';

type Room = Pick<Search, 'workload' | 'system'>;

/** Variants of a preset that are so near in closed form are equally fast. */
const AS_FAST = 2.5e-4;

/** How finely a share of the weights that stays is looked for. */
const SHARES = 200;

/**
 * Every preset over some backends, as it is, with the largest share of each block that fits, or with the most whole blocks that do:
 * of these the leanest that the closed form calls as fast as any, since whatever keeps less is no faster. So whoever sets a preset by
 * hand finds nothing that the search has not looked at. The fastest in closed form come first.
 *
 * @param clock that closed forms are taken at.
 */
export function presetCandidates(
  room: Room,
  backends: readonly Backend[],
  caps: Caps,
  clock: number,
): Plan[] {
  const { workload, system } = room;
  const candidates = presetHelp.flatMap(({ name }) => {
    // What stays is the same over all backends of a transport.
    const texts = new Map<string, readonly string[]>();
    return backends.flatMap((backend) => {
      const known = texts.get(backend.transport) ?? fittingTexts(name, room, backend, caps);
      texts.set(backend.transport, known);
      const variants = known.flatMap((text) => {
        const plan = presetOver(text, room, backend);
        return plan === null ? [] : [{ plan, stepS: closedForm(workload, system, plan, clock).stepTimeS }];
      });
      const leastS = Math.min(...variants.map(({ stepS }) => stepS));
      // The plain preset is the leanest and stands first.
      return variants.filter(({ stepS }) => stepS <= leastS * (1 + AS_FAST)).slice(0, 1);
    });
  });
  return candidates.sort((a, b) => a.stepS - b.stepS).map(({ plan }) => plan);
}

function fittingTexts(preset: string, room: Room, backend: Backend, caps: Caps): string[] {
  const plain = presetOver(preset, room, backend);
  if (plain === null) return [];
  const isWithin = (plan: Plan | null) => plan !== null && fits(room.workload, room.system, plan, caps);
  const texts = isWithin(plain) ? [preset] : [];
  if (plain.slots === 0) return texts;
  for (const key of ['resident', 'resident-layers']) {
    const textOf = (share: number) => `${preset},${key}=${share / SHARES}`;
    let share = Math.min(SHARES - 1, Math.ceil(SHARES * keptShare(plain, room, caps)));
    // A guess from the memory of the plain preset is a few shares too high where buffers are large or chunks round up.
    for (; share > 0; share -= 1) {
      if (!isWithin(presetOver(textOf(share), room, backend))) continue;
      texts.push(textOf(share));
      break;
    }
  }
  return texts;
}

/** Share of what a plan streams that the caps would let stay, if buffers became as much smaller. */
function keptShare(plan: Plan, { workload, system }: Room, caps: Caps): number {
  const { gpuPeakBytes, slotBytes } = memoryNeed(workload, system, plan);
  const streamed =
    workload.experts *
    plan.blocks.reduce((sum, { windowBytes }) => sum + windowBytes.reduce((a, b) => a + b, 0), 0);
  return Math.max(0, (caps.gpuBytes - gpuPeakBytes) / Math.max(1, streamed - slotBytes));
}

/** Null where a preset with its settings makes no plan of the workload. */
function presetOver(
  text: string,
  { workload, system }: Room,
  { transport, pieceBytes }: Backend,
): Plan | null {
  try {
    const plan = makePlan(text, workload, system, chosenTransport({ transport }));
    return { ...plan, pieceBytes };
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
