import { z } from 'zod';
import { COMMIT } from '../../codegen/sourceCommit.ts';
import { LAUNCH_MODES } from '../../measure/records.ts';
import { planFormat } from '../../model/plan/planDocument.ts';
import { CATEGORIES } from '../../model/program/timeline.ts';
import { GUIDANCE_MODES } from '../../model/workload/workload.ts';

const bytes = z.number().min(0);
const seconds = z.number().min(0);

/** Who measured, of records that say it: the first datasets lack all of these. */
const provenance = {
  node: z.string().min(1).optional().describe('of rank 0'),
  nodes: z.array(z.string().min(1)).min(2).optional().describe('by rank, where they are several'),
  gpus: z
    .array(
      z.strictObject({
        pciBus: z.string(),
        uuid: z.string().optional().describe('left out where names are'),
      }),
    )
    .min(1)
    .optional()
    .describe('by rank'),
  commit: z
    .string()
    .regex(COMMIT)
    .optional()
    .describe('of the source that generated the program, -dirty where files had changed; where it is known'),
  seed: z.int().min(0).optional().describe('of random weights and inputs'),
  slurmJob: z.string().optional().describe('where there was one'),
};

/** One measured plan of one cell of an experiment, in one mode: a line of a dataset. */
export const stepRunFormat = z.strictObject({
  schema: z.literal('chunkflow/steps@1'),
  experiment: z.string(),
  split: z.enum(['fit', 'held-out']).describe('whether a fit may read it'),
  cell: z.strictObject({
    id: z.string(),
    model: z.string(),
    size: z.string(),
    blocks: z.int().min(1).describe('blocks of a pass'),
    sp: z.int().min(1),
    tp: z.int().min(1),
    cfg: z.enum(GUIDANCE_MODES).optional().describe("guidance, where it is not the model's own"),
    machine: z.string(),
  }),
  plan: z.string(),
  planFile: planFormat.optional().describe('the plan itself, where no preset made it'),
  mode: z.enum(LAUNCH_MODES),
  place: z.enum(['host', 'mirrored', 'real']),
  transport: z.string().describe('none for one rank'),
  fingerprint: z.string().describe('of the generated program that was measured'),
  stepProgram: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe('SHA-256 of the lowered StepProgram as JSON, its first 16 digits'),
  stepS: z.number().positive().describe('median of all recorded steps'),
  madS: seconds.describe('median of the absolute deviations from the median'),
  visitS: z.array(z.number().positive()).min(1).describe('median of each round'),
  steps: z.int().min(1).describe('recorded steps, all rounds together'),
  smHz: z.number().positive().nullable().describe('mean over the rounds; null where it was not sampled'),
  powerW: z.number().min(0).nullable().describe('likewise'),
  memory: z.strictObject({
    claimedBytes: bytes.describe('what the plan said the device would need'),
    reserveBytes: bytes
      .optional()
      .describe('of the claim: context, libraries and transport buffers; the first datasets lack it'),
    deviceBytes: bytes.describe('the most that was in use'),
    pinnedBytes: bytes,
    claimedPinnedBytes: bytes,
  }),
  sameOutput: z.boolean().describe('the same bits as the first plan of the run'),
  segments: z
    .array(
      z.strictObject({
        name: z.string(),
        category: z.enum(CATEGORIES),
        count: z.int().min(1),
        seconds,
      }),
    )
    .describe('rank 0 over one step; empty where no timeline was measured'),
  device: z.strictObject({ name: z.string(), driver: z.string(), cuda: z.string() }),
  ...provenance,
  libraries: z.string(),
  runtime: z.string().describe('hash of the runtime library; empty where the records do not say'),
  startedAt: z.string().describe('of the run'),
});

export type Provenance = Pick<StepRun, keyof typeof provenance>;

/** The part of a step that says who measured it; nothing of what it does not say. */
export function provenanceOf(step: Provenance): Provenance {
  const { node, nodes, gpus, commit, seed, slurmJob } = step;
  return Object.fromEntries(
    Object.entries({ node, nodes, gpus, commit, seed, slurmJob }).filter(([, value]) => value !== undefined),
  );
}

export type StepRun = z.output<typeof stepRunFormat>;
