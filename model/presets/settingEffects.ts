import { UserError } from '../input/userError.ts';
import type { IssueOrder } from '../plan/issueOrder.ts';
import type { Plan } from '../plan/plan.ts';
import { windowsOf } from '../plan/windows.ts';
import type { System } from '../system/system.ts';
import { transportNamed } from '../system/transport.ts';
import type { Workload } from '../workload/workload.ts';
import type { PlanKeys } from './planText.ts';
import { type Policy, PRESETS } from './policies.ts';

/** A plan with what it was made of. */
export interface MadePlan {
  plan: Plan;
  preset: string;
  policy: Policy;
  keys: PlanKeys;
  order: IssueOrder;
}

/** Settings that say how weights are streamed, in the order in which the effect of one is judged. */
const STREAMING = [
  'residentLayers',
  'resident',
  'chunkBytes',
  'prefetch',
  'slots',
  'windows',
  'paceS',
] as const;

/** Settings as users type them. */
const TYPED: Readonly<Record<keyof PlanKeys, string>> = {
  resident: 'resident',
  residentLayers: 'resident-layers',
  prefetch: 'prefetch',
  slots: 'slots',
  chunkBytes: 'chunk',
  windows: 'windows',
  paceS: 'pace',
  transport: 'transport',
  pieceBytes: 'piece',
};

/**
 * Why a preset has no use for a setting on any workload and machine; undefined where it has one, and for names that are no
 * preset.
 *
 * @param key as users type it, such as `prefetch`.
 */
export function unusedByPreset(preset: string, key: string): string | undefined {
  const policy = Object.hasOwn(PRESETS, preset) ? PRESETS[preset]!.policy : undefined;
  return policy && unusedByPolicy(preset, policy, key);
}

function unusedByPolicy(preset: string, policy: Policy, key: string): string | undefined {
  if (policy.allResident === true && STREAMING.some((streaming) => TYPED[streaming] === key)) {
    return `${preset} keeps all weights on the GPU; leave it out, or take a preset that streams, such as yield`;
  }
  if (policy.sequential === true && key === 'prefetch') {
    return `${preset} copies each block just before it runs; leave it out, or take layerwise`;
  }
  if (policy.windows === 'open' && key === 'windows') {
    return `${preset} issues a block's bytes at once; leave it out, or take yield, which deals them to windows`;
  }
  return undefined;
}

/**
 * Refuses settings that cannot change the plan whatever their value, and values beyond the largest that does.
 *
 * A value that a preset would have taken anyway is no mistake.
 *
 * @throws UserError that names the setting and what it would need.
 */
export function refuseIdleSettings(made: MadePlan, workload: Workload, system: System): void {
  for (const key of Object.keys(made.keys) as (keyof PlanKeys)[]) {
    const why = unusedByPolicy(made.preset, made.policy, TYPED[key]) ?? idleHere(key, made, workload, system);
    if (why !== undefined)
      throw new UserError(`--plan ${made.plan.name}: ${TYPED[key]}: has no effect: ${why}`);
  }
}

function idleHere(
  key: keyof PlanKeys,
  made: MadePlan,
  workload: Workload,
  system: System,
): string | undefined {
  if (key === 'transport') {
    return workload.ranks > 1
      ? undefined
      : 'one rank has no collectives; leave it out, or give --sp or --tp of at least 2';
  }
  if (key === 'pieceBytes') return idlePiece(made, workload, system);
  return idleWithoutStreaming(key, made, workload) ?? beyondLimit(key, made, workload);
}

function idlePiece({ plan }: MadePlan, workload: Workload, system: System): string | undefined {
  if (workload.ranks === 1) {
    return 'one rank has no collectives; leave it out, or give --sp or --tp of at least 2';
  }
  if (transportNamed(system, plan.transport).kind === 'staged-copy') return undefined;
  const inPieces = system.transports.find(({ kind }) => kind === 'staged-copy');
  const remedy = inPieces === undefined ? '' : `, or give transport=${inPieces.name}`;
  return `collectives over ${plan.transport} are not cut into pieces; leave it out${remedy}`;
}

/** Settings of how bytes are streamed where `resident` and `resident-layers` leave none to stream. */
function idleWithoutStreaming(
  key: keyof PlanKeys,
  { plan, keys, order }: MadePlan,
  workload: Workload,
): string | undefined {
  const layersKeepAll = order.streamed.length === 0 && keys.resident !== 1;
  if (key === 'residentLayers') {
    return keys.resident === 1 ? 'resident=1 keeps every block; leave one of them out' : undefined;
  }
  if (key === 'resident') {
    return layersKeepAll
      ? `resident-layers keeps all ${workload.blocks.length} blocks; leave one of them out`
      : undefined;
  }
  // A large chunk is what rounds a share of a block up to all of it.
  const streams = key === 'chunkBytes' ? order.streamed.length > 0 : plan.slots > 0;
  if (streams) return undefined;
  const keeper = layersKeepAll ? 'resident-layers' : 'resident';
  return `${keeper} leaves nothing to stream; leave it out, or keep less`;
}

/** Values that count only up to what the streamed blocks allow. */
function beyondLimit(
  key: keyof PlanKeys,
  { policy, keys, order }: MadePlan,
  workload: Workload,
): string | undefined {
  const streamed = order.streamed.length;
  const blocks = streamed === 1 ? 'one block is streamed' : `${streamed} blocks are streamed`;
  if (key === 'prefetch') {
    const most = policy.order === 'top-up' ? Math.max(1, streamed - 1) : streamed;
    return keys.prefetch! > most ? `more than ${most}: ${blocks}; give at most ${most}` : undefined;
  }
  if (key === 'slots') {
    const most = Math.max(order.slots, streamed);
    return keys.slots! > most ? `more than ${most}: ${blocks}; give at most ${most}` : undefined;
  }
  if (key === 'windows') {
    const most = Math.max(...workload.blocks.map(windowsOf));
    if (most === 1) {
      return workload.ranks === 1
        ? 'without collectives a block is one window; leave it out, or give --sp or --tp of at least 2'
        : 'without collectives a block is one window; leave it out';
    }
    return keys.windows!.length > most
      ? `fractions behind the ${most} windows of a block; give at most ${most}`
      : undefined;
  }
  return undefined;
}
