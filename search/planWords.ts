import { MiB } from '../model/input/byteUnits.ts';
import type { Plan } from '../model/plan/plan.ts';
import { FROM_SEARCH } from '../model/plan/recipe.ts';
import { NO_TRANSPORT } from '../model/system/transport.ts';
import { passWeightBytes, type Workload } from '../model/workload/workload.ts';

/**
 * How a plan streams, as a clause.
 *
 * @example "keep 4.2 of 26.2 GiB, stream the rest in whole windows through 2 buffers over staged-copy in pieces of 8 MiB"
 */
export function streamingWords(plan: Plan, workload: Workload): string {
  const { slots, paceS, transport, pieceBytes } = plan;
  const each = workload.experts > 1 ? ' of each expert' : '';
  const all = `${gibibytes(passWeightBytes(workload))} GiB${each}`;
  const pieces = pieceBytes > 0 ? ` in pieces of ${mebibytes(pieceBytes)} MiB` : '';
  const over = transport === NO_TRANSPORT ? '' : ` over ${transport}${pieces}`;
  if (slots === 0) return `keep all ${all}${over}`;
  const kept = keptBytes(plan);
  const what = kept === 0 ? `stream all ${all}` : `keep ${gibibytes(kept)} of ${all}, stream the rest`;
  const pauses = paceS > 0 ? ` with pauses of ${(paceS * 1e6).toFixed(0)} us` : '';
  const buffers = slots === 1 ? 'one buffer' : `${slots} buffers`;
  return `${what} in ${copyWords(plan, workload)}${pauses} through ${buffers}${over}`;
}

/** What is copied at a time, and what collectives and passes have to do with it. */
function copyWords(
  { chunkBytes, yieldRule, sequential, drainAtPassStart }: Plan,
  { ranks }: Workload,
): string {
  const landed = drainAtPassStart ? ', all landed when a pass starts,' : '';
  if (sequential) return 'whole blocks that nothing overlaps';
  const yields = ranks > 1 ? `${YIELD_WORDS[yieldRule]}${landed}` : landed;
  if (Number.isFinite(chunkBytes)) return `chunks of ${mebibytes(chunkBytes)} MiB${yields}`;
  return yieldRule === 'wait' ? `whole windows${landed}` : `whole blocks${yields}`;
}

const YIELD_WORDS = {
  none: ' that yield to nothing',
  wait: '',
  drain: ' that collectives wait for',
  'launch-window': ' that pause while collectives are launched',
} as const satisfies Record<Plan['yieldRule'], string>;

/**
 * The plan under a name that says what it is, for tables and files. A search's own name is that of the seed, which local search may
 * have left far behind. It is the search's own, too, and no preset's any more.
 */
export function namedByContent(plan: Plan, workload: Workload): Plan {
  const { chunkBytes, slots, yieldRule, paceS, transport, pieceBytes, sequential, drainAtPassStart } = plan;
  const share = (100 * keptBytes(plan)) / passWeightBytes(workload);
  const chunk = Number.isFinite(chunkBytes) ? `${mebibytes(chunkBytes)}MiB` : 'whole';
  const parts =
    slots === 0
      ? ['all-resident']
      : [
          `${sequential ? 'sequential' : RULE_NAMES[yieldRule]}/${slots}x${chunk}`,
          `keep${share.toFixed(1)}%`,
        ];
  if (drainAtPassStart) parts.push('pass-drain');
  if (paceS > 0) parts.push(`pace${(paceS * 1e6).toFixed(0)}us`);
  if (transport !== NO_TRANSPORT) parts.push(transport);
  if (pieceBytes > 0) parts.push(`piece${mebibytes(pieceBytes)}MiB`);
  return { ...plan, name: parts.join(','), recipe: FROM_SEARCH };
}

const RULE_NAMES = {
  none: 'open',
  wait: 'wait',
  drain: 'drain',
  'launch-window': 'launch',
} as const satisfies Record<Plan['yieldRule'], string>;

function keptBytes({ blocks }: Plan): number {
  return blocks.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}

function mebibytes(bytes: number): string {
  return String(+(bytes / MiB).toFixed(2));
}
