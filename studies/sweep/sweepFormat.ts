import { z } from 'zod';
import { ATTENTION_KERNELS, COMPUTE_DTYPES } from '../../model/dit/kinds.ts';
import { TOPOLOGIES } from '../../model/system/cards/topologies.ts';
import { EXCHANGE_STYLES, GUIDANCE_MODES } from '../../model/workload/workload.ts';

/** Who answers: the closed form, the simulator, or the search for a plan. */
export const ASKS = ['predict', 'simulate', 'plan'] as const;
export type Ask = (typeof ASKS)[number];

/** Steps of a range are held in a list: more of them are a mistake, not a sweep. */
const MOST_STEPS = 100_000;

const scalar = z.union([z.string(), z.number()]);
const range = z.strictObject({
  from: scalar,
  to: scalar,
  steps: z.int().min(2).max(MOST_STEPS).describe('how many values, both ends among them'),
  log: z.boolean().default(false).describe('even on a logarithmic scale'),
});
/** A list of values, or a range of numbers with one unit. */
const values = z.union([z.array(scalar).min(1), range]);
export type Values = z.output<typeof values>;
export type ValueRange = z.output<typeof range>;

const texts = z.array(z.string()).min(1).optional();
const whole = z.array(z.int().min(1)).min(1).optional();
const oneOf = <const Names extends readonly string[]>(names: Names) =>
  z.array(z.enum(names)).min(1).optional();

const model = z.union([
  z.string(),
  z.strictObject({
    model: z.string().describe('a name of the catalogue, or a file'),
    entry: z.string().optional().describe("the catalogue's model that a checkpoint is"),
    sizes: texts.describe("in place of the grid's"),
  }),
]);

const plan = z.union([
  z.string().describe('a preset with settings, another tool with its own, or a file'),
  z
    .object({ preset: z.string() })
    .catchall(values)
    .describe('a preset, and lists or ranges of its settings, of which all combinations are tried'),
]);

const grid = z
  .strictObject({
    name: z.string().optional(),
    ask: z.enum(ASKS).optional().describe("in place of the sweep's"),
    models: z.array(model).default([]),
    profiles: z.array(z.string()).default([]).describe('in place of models: files of the Python package'),
    sizes: texts.describe(
      "pixels and frames, of models that give none of their own; the model's reference size unless given",
    ),
    dtype: texts.describe('of weights'),
    blocks: whole,
    batch: whole,
    sp: whole,
    ring: whole,
    tp: whole,
    cfg: oneOf(GUIDANCE_MODES),
    exchange: oneOf(EXCHANGE_STYLES),
    textRows: whole,
    expertsOnGpu: whole,
    referenceImage: texts,
    computeDtype: oneOf(COMPUTE_DTYPES),
    attention: oneOf(ATTENTION_KERNELS),
    eager: z.array(z.boolean()).min(1).optional(),
    machines: z.array(z.string()).min(1).describe('names, cards such as 2xrtx-4090, or files'),
    gpus: whole.describe('of cards'),
    pcie: texts.describe('of cards: generation and lanes, such as 4x8'),
    topology: oneOf(TOPOLOGIES).describe('of cards'),
    set: z.record(z.string(), values).default({}).describe("numbers of the machine, by --set's keys"),
    transport: texts,
    plans: z.array(plan).default([]),
    gpuMemory: values.optional().describe('caps on the memory of each GPU'),
    hostMemory: values.optional().describe('caps on pinned memory of each rank'),
    front: z
      .union([z.boolean(), z.int().min(2)])
      .default(false)
      .describe('of ask: plan, a row for every plan of the front, looked for under so many caps'),
  })
  .refine(({ models, profiles }) => models.length + profiles.length > 0, {
    message: 'expected models or profiles, got neither',
  });

/** A declarative grid of predictions; several grids are a union. */
export const sweepFormat = z.strictObject({
  sweep: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/)
    .describe('its name'),
  ask: z.enum(ASKS).default('predict'),
  doubt: z.boolean().default(true).describe('95 % intervals of predicted and simulated steps'),
  breakEven: z.boolean().default(false).describe('sizes from which plans are hidden, of ask: predict'),
  grids: z.array(grid).min(1),
});

export type GridText = z.output<typeof grid>;
export type SweepText = z.output<typeof sweepFormat>;
