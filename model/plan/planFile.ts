import { z } from 'zod';
import { UserError } from '../input/userError.ts';
import { checked, placed, readYamlFile, type YamlFile } from '../input/yamlFile.ts';
import { transportOf } from '../system/load.ts';
import type { System } from '../system/system.ts';
import type { Workload } from '../workload/workload.ts';
import { fitsSlots } from './issueOrder.ts';
import type { Plan } from './plan.ts';

export const PLAN_SCHEMA = 'chunkflow/plan@1';

/** What `Plan.preset` says of a plan that no preset made. */
export const FROM_FILE = 'file';

const bytes = z.int().min(0);

const format = z.strictObject({
  schema: z.literal(PLAN_SCHEMA),
  name: z.string().min(1).describe('as tables and results call it'),
  model: z.string().describe('catalogue id of the model whose blocks these are'),
  chunkBytes: bytes.min(1).nullable().describe('largest copy; null for whole blocks'),
  slots: z.int().min(0),
  yieldRule: z.enum(['none', 'drain', 'wait', 'launch-window']),
  paceS: z.number().min(0),
  drainAtPassStart: z.boolean(),
  sequential: z.boolean(),
  transport: z.string().describe('`none` where there are no collectives'),
  pieceBytes: bytes,
  stagedInCopyStream: z.boolean(),
  blocks: z
    .array(z.strictObject({ residentBytes: bytes, issueAt: z.int(), windowBytes: z.array(bytes) }))
    .describe('one for each block of a pass'),
});

/** Whether a plan is given as a file rather than as a preset with settings. */
export function isPlanFile(text: string): boolean {
  return /\.(json|ya?ml)$/.test(text);
}

/**
 * Reads a plan that `planText` wrote, for any size of the model that it was made for: blocks weigh the same at all of them.
 *
 * @throws UserError with the place in the file for whatever does not fit the format, the workload or the machine.
 */
export function readPlan(file: string, workload: Workload, system: System): Plan {
  const source = readYamlFile(file);
  const { schema: _, model, chunkBytes, ...plan } = checked(source, format);
  if (model !== workload.model.id)
    throw new UserError(
      `model: the plan is for ${model}, not for ${workload.model.id}`,
      source.place(['model']),
    );
  const { blocks } = workload;
  if (plan.blocks.length !== blocks.length)
    throw new UserError(
      `blocks: the plan has ${plan.blocks.length}, ${model} has ${blocks.length}`,
      source.place(['blocks']),
    );
  for (const index of blocks.keys()) checkBlock(source, plan.blocks, workload, index);
  const streamed = plan.blocks.flatMap(({ windowBytes }, index) => (windowBytes.length > 0 ? [index] : []));
  const issueAt = streamed.map((index) => plan.blocks[index]!.issueAt);
  if (streamed.length > 0 && !fitsSlots({ streamed, issueAt, slots: plan.slots }, blocks.length))
    throw new UserError(
      `slots: with ${plan.slots} a block would be fetched into a buffer that is still in use; give more, or issue later`,
      source.place(['slots']),
    );
  checkTransport(source, plan.transport, workload, system);
  return { ...plan, preset: FROM_FILE, chunkBytes: chunkBytes ?? Number.POSITIVE_INFINITY };
}

function checkBlock(
  source: YamlFile,
  planned: Plan['blocks'],
  { blocks, model }: Workload,
  index: number,
): void {
  const { residentBytes, issueAt, windowBytes } = planned[index]!;
  const { weightBytes } = blocks[index]!;
  const place = source.place(['blocks', index]);
  const name = `blocks.${index}`;
  const given = residentBytes + windowBytes.reduce((sum, part) => sum + part, 0);
  if (given !== weightBytes)
    throw new UserError(
      `${name}: resident and streamed bytes are ${given} together, the block of ${model.id} has ${weightBytes}`,
      place,
    );
  if (issueAt > index || issueAt <= index - blocks.length)
    throw new UserError(
      `${name}.issueAt: expected from ${index - blocks.length + 1} to ${index}, got ${issueAt}`,
      place,
    );
  const running = blocks[(issueAt + blocks.length) % blocks.length]!;
  const windows = 1 + running.segments.filter(({ kind }) => kind === 'collective').length;
  if (windowBytes.length > windows)
    throw new UserError(
      `${name}.windowBytes: block ${(issueAt + blocks.length) % blocks.length}, which runs then, has ${windows} windows, got ${windowBytes.length}`,
      place,
    );
}

function checkTransport(source: YamlFile, name: string, workload: Workload, system: System): void {
  if (workload.ranks > 1) {
    placed(source, ['transport'], () => transportOf(system, name));
    return;
  }
  if (name === 'none') return;
  throw new UserError(
    `transport: one rank has no collectives: expected none, got ${name}`,
    source.place(['transport']),
  );
}

/** A plan as a file: JSON, a block in each line. */
export function planText(plan: Plan, workload: Workload): string {
  const { preset: _, blocks, chunkBytes, ...rest } = plan;
  const head = {
    ...{ schema: PLAN_SCHEMA, name: plan.name, model: workload.model.id },
    ...{ chunkBytes: Number.isFinite(chunkBytes) ? chunkBytes : null },
    ...rest,
  };
  const lines = blocks.map((block) => `  ${JSON.stringify(block)}`);
  return `${JSON.stringify(head, null, 1).replace(/\n}$/, '')},\n "blocks": [\n${lines.join(',\n')}\n ]\n}\n`;
}
