import { z } from 'zod';
import { GUIDANCE_MODES } from '../../../model/workload/workload.ts';
import {
  ATTENTION_KERNELS,
  CARDS,
  COMPUTE_DTYPES,
  LAYOUT_AXES,
  OFFLOAD_KINDS,
  STORAGE_DTYPES,
  TOOLS,
} from './vocabulary.ts';

const count = z.int().min(1);
const seconds = z.number().positive();
const text = z.string().min(1);

/** Degrees of parallelism; an axis that is left out has degree 1. */
const layout = z.strictObject({
  ...Object.fromEntries(LAYOUT_AXES.map((axis) => [axis, count.optional()])),
  fsdp: z.boolean().optional(),
}) as z.ZodType<Partial<Record<(typeof LAYOUT_AXES)[number], number>> & { fsdp?: boolean }>;

const offload = z.strictObject({
  kind: z.enum(OFFLOAD_KINDS),
  /** The tool's own option, as its users write it. */
  setting: text,
  /** Weights copied to the GPU in every pass, where the source says. */
  streamedBytes: z.number().positive().optional(),
  /** The same streaming in this project's words, where it can say it. */
  plan: text.optional(),
});

/** Settings that a source may leave open: `null` in the record, with the candidates under `unknown`. */
export const OPEN_SETTINGS = {
  card: z.enum(CARDS),
  width: count,
  height: count,
  frames: count,
  steps: count,
  passes: count,
  guidance: z.enum(GUIDANCE_MODES),
  storage: z.enum(STORAGE_DTYPES),
  compute: z.enum(COMPUTE_DTYPES),
  attention: z.enum(ATTENTION_KERNELS),
  compiled: z.boolean(),
  layout,
  offload,
} as const;

type OpenSettings = typeof OPEN_SETTINGS;
export type OpenSetting = keyof OpenSettings;
export const OPEN_SETTING_NAMES = Object.keys(OPEN_SETTINGS) as OpenSetting[];

const mapped = <Result>(change: (schema: z.ZodType) => z.ZodType): Result =>
  Object.fromEntries(OPEN_SETTING_NAMES.map((name) => [name, change(OPEN_SETTINGS[name])])) as Result;

const nullable = mapped<{ [Name in OpenSetting]: z.ZodNullable<OpenSettings[Name]> }>((schema) =>
  schema.nullable(),
);
const candidates = mapped<{ [Name in OpenSetting]: z.ZodOptional<z.ZodArray<OpenSettings[Name]>> }>(
  (schema) => z.array(schema).min(1).optional(),
);

/** One figure with the setting it was measured in. */
export const recordFormat = z.strictObject({
  id: z.string().regex(/^[a-z0-9.-]+$/, 'expected lower-case letters, digits, points and hyphens'),
  /** Where in the source the number stands, in our words. */
  read: text,
  ...nullable,
  cardAsWritten: text,
  gpus: count,
  /** Between the GPUs, where the source says or the card leaves no choice. */
  interconnect: z.enum(['nvlink', 'pcie']).nullable().default(null),
  /** Between GPU and host memory, such as "PCIe 5.0 x16". */
  hostLink: text.nullable().default(null),
  model: text,
  /** Its name in this project's catalogue of models, if it stands there. */
  catalogueModel: text.nullable(),
  batch: count,
  /** A quantity of the run: a step's time, that of all steps, or that of the run from prompt to output. */
  measured: z.union([
    z.strictObject({ stepS: seconds }),
    z.strictObject({ denoiseS: seconds }),
    z.strictObject({ runS: seconds, includes: z.array(text).min(1) }),
  ]),
  /** The source itself rounds or says "about". */
  isAbout: z.boolean().default(false),
  /** False, or what was set by this figure or by the runs it comes from. */
  usedToTune: z.union([z.literal(false), text]).default(false),
  unknown: z.strictObject(candidates).default({}),
});

/** A list of sources; what all figures of one share stands once. */
export const fileFormat = z
  .array(
    z.strictObject({
      url: z.url(),
      /** Commit, release or day of the text that was read. */
      version: text,
      tool: z.enum(TOOLS),
      shared: z.record(z.string(), z.unknown()),
      records: z.array(z.record(z.string(), z.unknown())).min(1),
    }),
  )
  .min(1);

export type StepRecord = z.output<typeof recordFormat> & {
  url: string;
  version: string;
  tool: (typeof TOOLS)[number];
};
