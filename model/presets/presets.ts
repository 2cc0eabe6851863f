import { shown, UserError } from '../input/userError.ts';
import { blockComputeS, windowTimesS } from '../physics/compute.ts';
import { copyRates } from '../physics/rates.ts';
import { wrongBesideCompute } from '../plan/besideCompute.ts';
import { DEVICE_PAGE_BYTES } from '../plan/devicePage.ts';
import { fitsSlots, type IssueOrder, leadingBursts, residentBlocks, topUp } from '../plan/issueOrder.ts';
import type { BlockPlan, Plan } from '../plan/plan.ts';
import { isPlanFile, readPlan } from '../plan/planFile.ts';
import { dealChunks, fractionsToShares, issuerOf } from '../plan/windows.ts';
import type { System } from '../system/system.ts';
import { NO_TRANSPORT, transportNamed } from '../system/transport.ts';
import type { BlockKind, Workload } from '../workload/workload.ts';
import { type PlanKeys, parsePlanText } from './planText.ts';
import { type Policy, PRESETS } from './policies.ts';
import { type MadePlan, refuseIdleSettings } from './settingEffects.ts';
import { namesTool, TOOL_NAMES } from './tools/names.ts';
import { toolPlan } from './tools/toolPlan.ts';

/** Names and one-line summaries of the presets, for help texts. */
export const presetHelp: readonly { name: string; summary: string }[] = Object.entries(PRESETS).map(
  ([name, { summary }]) => ({ name, summary }),
);

/**
 * A plan from a preset and its settings, as users type it: `yield,chunk=16MiB,resident=0.25`; from another tool's own settings:
 * `sglang,prefetch=2`; or from a file, by its ending
 * `.json`, or from a line of one: `plans.jsonl#name`.
 *
 * Keys: `resident` (fraction of every block), `resident-layers` (whole blocks: a count, or a fraction below 1),
 * `prefetch`, `slots`, `chunk`, `windows` (fractions such as 0.3/0.3, the last window takes the rest), `pace`,
 * `transport`, `piece`.
 *
 * @throws UserError that names the key, the value and what was expected, also for a setting that has no effect here.
 */
export function makePlan(text: string, workload: Workload, system: System, transport?: string): Plan {
  if (isPlanFile(text)) return readPlan(text, workload, system);
  if (namesTool(text)) return toolPlan(text, workload, system, transport).plan;
  const made = fromPreset(text, workload, system, transport);
  refuseIdleSettings(made, workload, system);
  return made.plan;
}

/**
 * The plan of a preset for another degree or machine than its text was given for: settings that have no effect there, such
 * as `transport` on one rank, are passed over.
 */
export function presetPlan(text: string, workload: Workload, system: System, transport?: string): Plan {
  if (namesTool(text)) return toolPlan(text, workload, system, transport).plan;
  return fromPreset(text, workload, system, transport).plan;
}

function fromPreset(text: string, workload: Workload, system: System, transport?: string): MadePlan {
  const { preset, keys } = parsePlanText(text);
  const known = Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : undefined;
  if (known === undefined) {
    throw new UserError(
      `--plan ${shown(preset)}: is no preset; expected one of ${Object.keys(PRESETS).join(', ')}, or a tool: ${TOOL_NAMES.join(', ')}`,
    );
  }
  const { policy } = known;
  const chunkBytes = keys.chunkBytes ?? policy.chunkBytes;
  const order = issueOrder(workload, policy, keys);
  const slots = slotsOf(order, keys);
  if (!fitsSlots({ ...order, slots }, workload.blocks.length)) {
    throw new UserError(
      `--plan ${text}: with slots=${slots} a block would be fetched into a buffer that is still in use; ${fittingSetting(workload, policy, keys)}`,
    );
  }
  const blocks = planBlocks(order, workload, system, policy, keys, chunkBytes);
  const chosen = workload.ranks > 1 ? transportNamed(system, keys.transport ?? transport) : undefined;
  const wrong = chosen === undefined ? null : wrongBesideCompute(workload, system, chosen);
  if (wrong !== null) throw new UserError(`--transport ${chosen!.name}: ${wrong}`);
  const plan: Plan = {
    name: text,
    recipe: { by: 'preset', preset, text },
    chunkBytes,
    slots: blocks.every((block) => block.windowBytes.length === 0) ? 0 : slots,
    blocks,
    yieldRule: policy.yieldRule,
    paceS:
      policy.paced === true || keys.paceS !== undefined
        ? (keys.paceS ?? evenPaceS(workload, system, blocks, chunkBytes))
        : 0,
    drainAtPassStart: policy.drainAtPassStart ?? false,
    sequential: policy.sequential ?? false,
    transport: chosen?.name ?? NO_TRANSPORT,
    pieceBytes: keys.pieceBytes ?? (chosen?.kind === 'staged-copy' ? chosen.pieceBytes : 0),
    stagedInCopyStream: chosen?.kind === 'staged-copy' && policy.yieldRule === 'wait',
  };
  return { plan, preset, policy, keys, order };
}

/** Whether a preset without settings finds every buffer free in time; those that copy whole bursts ahead need two blocks. */
export function presetFits(preset: string, workload: Workload): boolean {
  const order = issueOrder(workload, PRESETS[preset]!.policy, {});
  return fitsSlots(order, workload.blocks.length);
}

/** Device buffers: as many as asked for, but never more than there are streamed blocks to sit in them. */
function slotsOf(order: IssueOrder, { slots }: PlanKeys): number {
  return slots === undefined ? order.slots : Math.min(slots, Math.max(order.slots, order.streamed.length));
}

/** The change of `slots` or `prefetch`, or else of the preset, after which every block finds its buffer free. */
function fittingSetting(workload: Workload, policy: Policy, keys: PlanKeys): string {
  const { slots: _, ...withoutSlots } = keys;
  const fits = (changed: PlanKeys) => {
    const order = issueOrder(workload, policy, changed);
    return fitsSlots({ ...order, slots: slotsOf(order, changed) }, workload.blocks.length);
  };
  const usual = issueOrder(workload, policy, keys).slots;
  if (keys.slots !== undefined && keys.slots < usual && fits({ ...keys, slots: usual })) {
    return `give at least ${usual} slots`;
  }
  const ahead = Math.min(keys.prefetch ?? 1, workload.blocks.length);
  const smaller = Array.from({ length: ahead - 1 }, (_, index) => ahead - 1 - index);
  const kept = smaller.find((prefetch) => fits({ ...keys, prefetch }));
  if (kept !== undefined) return `give prefetch=${kept}`;
  const freed = smaller.find((prefetch) => fits({ ...withoutSlots, prefetch }));
  if (freed !== undefined) return `leave out slots and give prefetch=${freed}`;
  return 'take chunked, whose next block has a buffer of its own, or none';
}

function nothingStreamed(): IssueOrder {
  return { streamed: [], issueAt: [], slots: 0 };
}

function issueOrder(workload: Workload, policy: Policy, keys: PlanKeys): IssueOrder {
  if (policy.allResident === true) return nothingStreamed();
  const count = workload.blocks.length;
  const asked = keys.residentLayers ?? 0;
  const residents = asked < 1 ? Math.round(asked * count) : asked;
  if (residents > count) {
    throw new UserError(`--plan: resident-layers=${residents}: ${workload.model.name} has ${count} blocks`);
  }
  if (residents === count || keys.resident === 1) return nothingStreamed();
  const resident = residentBlocks(count, residents, policy.residents);
  const streamed = Array.from({ length: count }, (_, index) => index).filter((index) => !resident.has(index));
  if (policy.sequential === true) return { streamed, issueAt: streamed, slots: 1 };
  const prefetch =
    keys.prefetch ??
    (keys.slots === undefined || policy.order === 'leading' ? 1 : Math.max(1, keys.slots - 1));
  return policy.order === 'leading'
    ? leadingBursts(streamed, count, prefetch)
    : topUp(streamed, count, prefetch);
}

function planBlocks(
  order: IssueOrder,
  workload: Workload,
  system: System,
  policy: Policy,
  keys: PlanKeys,
  chunkBytes: number,
): BlockPlan[] {
  const { blocks: kinds } = workload;
  const windowsOf = once((kind: BlockKind) => windowTimesS(kind, system.gpu));
  const sharesOf = once((running: BlockKind) => {
    if (policy.windows === 'open') return [1];
    const windows = windowsOf(running);
    return keys.windows === undefined ? windows : fractionsToShares(keys.windows, windows.length);
  });
  const dealt = once((kind: BlockKind) =>
    once((running: BlockKind) => {
      const residentBytes = keepResident(kind.weightBytes, chunkBytes, keys.resident ?? 0);
      const streamedBytes = kind.weightBytes - residentBytes;
      const windowBytes = streamedBytes === 0 ? [] : dealChunks(streamedBytes, chunkBytes, sharesOf(running));
      return { residentBytes, windowBytes };
    }),
  );
  const places = new Map(order.streamed.map((index, place) => [index, place]));
  return kinds.map((kind, index) => {
    const place = places.get(index);
    if (place === undefined) return { residentBytes: kind.weightBytes, issueAt: index, windowBytes: [] };
    const issueAt = order.issueAt[place]!;
    const { residentBytes, windowBytes } = dealt(kind)(kinds[issuerOf(issueAt, kinds.length)]!);
    return windowBytes.length === 0
      ? { residentBytes, issueAt: index, windowBytes: [] }
      : { residentBytes, issueAt, windowBytes: [...windowBytes] };
  });
}

/** A function that is asked about each kind of block once, however many blocks of it a model has. */
function once<Value>(of: (kind: BlockKind) => Value): (kind: BlockKind) => Value {
  const known = new Map<BlockKind, Value>();
  return (kind) => {
    const before = known.get(kind);
    if (before !== undefined) return before;
    const value = of(kind);
    known.set(kind, value);
    return value;
  };
}

/**
 * Bytes that stay, as near to the fraction as whole chunks allow, in pages: a block's resident front and the buffer that
 * its rest is copied into are mapped side by side.
 */
function keepResident(weightBytes: number, chunkBytes: number, fraction: number): number {
  const chunks = Math.round(Math.ceil(weightBytes / chunkBytes) * fraction);
  const bytes = Number.isFinite(chunkBytes) ? chunks * chunkBytes : weightBytes * fraction;
  return Math.min(weightBytes, Math.round(bytes / DEVICE_PAGE_BYTES) * DEVICE_PAGE_BYTES);
}

/** The pause after each chunk that spreads an average block's copy over an average block's time without offload. */
export function evenPaceS(
  workload: Workload,
  system: System,
  blocks: readonly BlockPlan[],
  chunkBytes: number,
): number {
  const streamedBytes = blocks.reduce((sum, block) => sum + block.windowBytes.reduce((a, b) => a + b, 0), 0);
  const chunks = Math.ceil(streamedBytes / chunkBytes);
  if (chunks === 0) return 0;
  const rate = copyRates(system, workload.ranks).h2d;
  const computeOf = once((block) => blockComputeS(block, system.gpu));
  const computeS = workload.blocks.reduce((sum, block) => sum + computeOf(block), 0);
  const copyS =
    streamedBytes / rate + chunks * (system.gpu.copyEngine.gapS + system.gpu.copyEngine.paceOverheadS);
  return Math.max(0, (computeS - copyS) / chunks);
}
