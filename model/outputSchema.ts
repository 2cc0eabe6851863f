import { z } from 'zod';

const seconds = z.number().min(0);
const bytes = z.number().min(0);
const count = z.int().min(0);

const breakEven = z
  .strictObject({
    tokens: z.number().nullable(),
    frames: z.number().nullable(),
    batch: z.number().nullable(),
  })
  .describe('sizes from which weights are hidden; null where the question has no answer');

const workload = z.strictObject({
  model: z.string().describe('catalogue id'),
  name: z.string(),
  width: count,
  height: count,
  frames: count.describe('1 for images'),
  batch: z.number().min(0),
  sp: count.describe('Ulysses sequence-parallel degree'),
  tp: count.describe('tensor-parallel degree'),
  cfg: z.enum(['none', 'sequential', 'batched', 'parallel']),
  exchange: z.enum(['packed', 'separate', 'separate-cross', 'kv-gather']),
  tokens: z.number().min(0).describe('image or video tokens of one sample'),
  ranks: count.describe('ranks that meet in a collective'),
  passes: count.describe('trips through all blocks in one step'),
  blocks: count.describe('blocks of one pass'),
  experts: count,
  assumptions: z
    .array(z.string())
    .describe('what the model file or checkpoint did not say, one sentence each'),
  weightBytes: bytes.describe(
    "one rank's block weights of one pass: what is streamed when nothing is resident",
  ),
  outsideBytes: bytes.describe('weights outside the blocks on one rank, always resident'),
  flops: z.number().min(0).describe('FLOPs of one rank in one step'),
  collectiveBytes: bytes.describe('bytes that one rank sends in one step'),
  activationBytes: bytes,
  collectiveBufferBytes: bytes,
});

const machine = z.strictObject({
  id: z.string(),
  name: z.string(),
  peer: z.enum(['real', 'mirrored', 'colocated']).describe("what stands at a collective's other end"),
  gpu: z.string(),
  gpus: count,
  gpuMemoryBytes: bytes,
  hostMemoryBytes: bytes,
  transport: z.string().describe('of the collectives, where a plan names none'),
});

const paperCriterion = z
  .strictObject({
    prefetchS: seconds.describe('of an average block, on a link that nothing else uses'),
    computeS: seconds.describe('of an average block'),
    hidden: z.boolean(),
    breakEven,
  })
  .describe("the paper's own criterion: prefetch against compute, without the collectives");

const planReport = z.strictObject({
  plan: z.string().describe('preset and settings, as --plan takes them'),
  transport: z.string(),
  stepTimeS: seconds,
  versusNone: z
    .number()
    .min(0)
    .nullable()
    .describe('step time over that of no offload on the same transport'),
  computeS: seconds.describe('on the critical path of rank 0'),
  collectiveS: seconds.describe('on the critical path, inflation included'),
  exposedPrefetchS: seconds.describe('waiting for weights and for nothing else'),
  collectiveInflationS: seconds.describe('what collectives take longer than alone'),
  prefetchS: seconds.describe('H2D of one step alone, at full rate'),
  windowS: seconds.describe('windows of one step that it could hide in'),
  gpuPeakBytes: bytes,
  hostPinnedBytes: bytes.describe('of one rank'),
  boundBy: z.enum(['compute', 'link', 'yield', 'memory']),
  breakEven,
  clock: z.number().describe('fraction of the highest clock'),
  powerW: z.number().nullable().describe('mean over the step; null where the machine file knows no power'),
  verdict: z.string(),
});

const prediction = z.strictObject({
  schema: z.literal('chunkflow/prediction@1'),
  workload,
  machine,
  plans: z.array(planReport),
  paperCriterion,
});

const simulatedPlan = planReport.extend({
  closedFormStepTimeS: seconds.describe('what `predict` says of the same plan'),
  steady: z.boolean().describe('whether steps had stopped changing before the one reported'),
  steps: count.describe('steps simulated'),
  trace: z.string().nullable().describe('file that --trace wrote for this plan'),
});

const simulation = z.strictObject({
  schema: z.literal('chunkflow/simulation@1'),
  workload,
  machine,
  plans: z.array(simulatedPlan),
  paperCriterion,
});

const models = z.strictObject({
  schema: z.literal('chunkflow/models@1'),
  models: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      modality: z.enum(['image', 'video']),
      parameters: count.describe('all experts, blocks and outside'),
      weightBytes: bytes.describe('of all parameters'),
      experts: count,
      blocks: count.describe('blocks of one pass'),
      blockBytes: z.strictObject({ min: bytes, max: bytes }).describe('weights of one block'),
      hidden: count,
      heads: count.describe('SP x TP must divide it'),
      evaluations: count.describe('network evaluations a denoising step'),
      reference: z.strictObject({ width: count, height: count, frames: count, tokens: count }),
    }),
  ),
});

const machines = z.strictObject({
  schema: z.literal('chunkflow/machines@1'),
  machines: z.array(
    machine.omit({ transport: true }).extend({
      peakFlops: z.number().describe('dense bf16 FLOP/s of one GPU'),
      h2dBytesPerS: z.number().describe('one long copy to one GPU, alone'),
      transports: z.array(z.string()),
      defaultTransport: z.string(),
      numbers: z
        .array(
          z.strictObject({
            key: z.string(),
            value: z.string(),
            from: z.enum(['datasheet', 'published', 'measured', 'fitted', 'default']),
            source: z.string(),
          }),
        )
        .describe('every number of the file and where it came from; --set takes these keys'),
    }),
  ),
});

/** Schemas of the documents that the commands print with --json, by the name that `chunkflow schema` takes. */
export const outputSchemas = { prediction, simulation, models, machines } as const;

export type Prediction = z.input<typeof prediction>;
export type Simulation = z.input<typeof simulation>;
export type PlanReport = z.input<typeof planReport>;
export type SimulatedPlan = z.input<typeof simulatedPlan>;
export type ModelList = z.input<typeof models>;
export type MachineList = z.input<typeof machines>;
export type OutputName = keyof typeof outputSchemas;
