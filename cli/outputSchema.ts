import { z } from 'zod';
import { BOUNDS } from '../model/analytic/report.ts';
import { MODALITIES } from '../model/dit/dit.ts';
import { planFormat } from '../model/plan/planDocument.ts';
import { profileFormat } from '../model/profile/profileFormat.ts';
import { DIRECTIONS } from '../model/system/direction.ts';
import { PEERS, PROVENANCES } from '../model/system/system.ts';
import { EXCHANGE_STYLES, GUIDANCE_MODES } from '../model/workload/workload.ts';

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

const everyWorkload = z.strictObject({
  model: z.string().describe('id in the catalogue, or in the profile'),
  name: z.string(),
  ranks: count.describe('ranks that meet in a collective'),
  passes: count.describe('trips through all blocks in one step'),
  blocks: count.describe('blocks of one pass'),
  assumptions: z
    .array(z.string())
    .describe('what the model file, checkpoint or profile did not say, one sentence each'),
  weightBytes: bytes.describe(
    "one rank's block weights of one pass: what is streamed when nothing is resident",
  ),
  outsideBytes: bytes.describe('weights outside the blocks on one rank, always resident'),
  collectiveBytes: bytes.describe('bytes that one rank sends in one step'),
  activationBytes: bytes,
  collectiveBufferBytes: bytes,
});

const boundWorkload = everyWorkload.extend({
  from: z.literal('model').describe('the catalogue, a model file or a checkpoint'),
  width: count,
  height: count,
  frames: count.describe('1 for images'),
  batch: z.number().min(0),
  sp: count.describe('Ulysses sequence-parallel degree'),
  tp: count.describe('tensor-parallel degree'),
  cfg: z.enum(GUIDANCE_MODES),
  exchange: z.enum(EXCHANGE_STYLES),
  tokens: z.number().min(0).describe('image or video tokens of one sample'),
  experts: count,
  flops: z.number().min(0).describe('FLOPs of one rank in one step'),
});

const profiledWorkload = everyWorkload.extend({
  from: z.literal('profile'),
  fingerprint: z.string(),
  made: profileFormat.shape.made,
  stepsMeasured: count,
  inputs: profileFormat.shape.step.shape.inputs,
  measured: z
    .strictObject({
      computeS: seconds.describe('windows'),
      collectiveS: seconds.describe('from issue to wait; predictions take them from the machine'),
      outsideS: seconds.describe('outside of the blocks'),
    })
    .describe('in one step, as it was profiled'),
});

const workload = z.discriminatedUnion('from', [boundWorkload, profiledWorkload]);

const machine = z.strictObject({
  id: z.string(),
  name: z.string(),
  peer: z.enum(PEERS).describe("what stands at a collective's other end"),
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
  boundBy: z.enum(BOUNDS),
  breakEven,
  clock: z.number().describe('fraction of the highest clock; of a profile 1, the clock that it was made at'),
  powerW: z
    .number()
    .nullable()
    .describe('mean over the step; null where the machine file knows no power, and for a profile'),
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

const searchedPlan = planReport.omit({ breakEven: true }).extend({
  versusNone: z
    .number()
    .min(0)
    .describe(
      'step time over that of no offload on the transport that was named, or the machine has by default',
    ),
  fits: z.boolean().describe('within both caps'),
});

const foundPlan = searchedPlan.extend({
  document: planFormat.describe('the plan as a file; --plan takes it'),
});

const slope = z.strictObject({
  dStep: z.number().describe('in the unit of the sensitivity'),
  dStepSI: z.number().describe('seconds of step per SI unit of the parameter'),
  elasticity: z.number().describe('per cent of the step for one per cent of the parameter'),
});

const explanation = z.strictObject({
  breakEvens: breakEven.extend({
    h2dBytesPerS: z.number().nullable().describe('smallest rate of the link at which weights are hidden'),
    computeSpeed: z.number().nullable().describe("largest speed of compute, as a factor on this machine's"),
    sp: z.array(
      z.strictObject({
        degree: count,
        hidden: z.boolean(),
        stepTimeS: seconds,
        noneS: seconds.describe('no offload at this degree'),
      }),
    ),
    spBeyond: z.array(count).describe('degrees for which the machine has too few GPUs'),
  }),
  sensitivities: z.array(
    slope.extend({
      parameter: z.string(),
      value: z.string(),
      unit: z.string().describe('of `dStep`'),
      how: z.enum(['symbolic', 'numeric']),
      why: z.string().nullable().describe('why there is no symbolic one'),
      expression: z.string().nullable().describe('the derivative, SI units, mathjs syntax'),
      withClock: slope.nullable().describe('with the clock that the power cap then allows'),
    }),
  ),
  mixedTransportGainS: seconds.describe('most that a transport of its own for each collective could save'),
});

const frontPoint = foundPlan.extend({
  capBytes: bytes.describe('GPU memory that it was looked for in'),
  boundS: seconds.describe('no plan within the cap is faster'),
  gap: z.number(),
});

const uncertainty = z.strictObject({
  from: z.enum(['file', 'hand']).describe("the intervals: the machine's file, or --uncertain"),
  intervals: z.array(
    z.strictObject({
      direction: z.enum(DIRECTIONS),
      interval: z.tuple([z.number(), z.number()]).describe("factors on the machine's numbers"),
    }),
  ),
  nominal: foundPlan.describe('the best plan where the machine is as its file says'),
  isNominal: z.boolean().describe('whether that is the choice'),
  scenarios: z
    .array(
      z.strictObject({
        factors: z.partialRecord(z.enum(DIRECTIONS), z.number()).describe('empty for the machine itself'),
        fastestS: seconds.describe('step of the fastest plan that was compared'),
        nominalS: seconds,
        choiceS: seconds,
      }),
    )
    .describe('steps that decided are simulated, the others from the closed form'),
  nominalWorst: z.number().describe('largest step of the nominal plan over that of the fastest, less 1'),
  choiceWorst: z.number(),
  costAtNominal: z
    .number()
    .describe("the choice's step over the nominal plan's, less 1, where the machine is as its file says"),
  margins: z
    .array(
      z.strictObject({
        of: z.enum(['choice', 'nominal']),
        link: z.number().nullable(),
        compute: z.number().nullable(),
      }),
    )
    .nullable()
    .describe(
      'with --uncertain: factors at which a plan costs 1 % against no offload; null where it does already',
    ),
});

const peer = z.strictObject({
  name: z.string(),
  why: z.string().nullable().describe('why there is no setting'),
  setting: foundPlan
    .extend({
      versusChoice: z.number().describe('step time over that of the choice'),
      beyondPlanS: z.number().describe('seconds of the step that a plan cannot express'),
      knobs: z.array(z.strictObject({ name: z.string(), value: z.string() })),
      paste: z.string(),
      notes: z.array(z.string()),
      considered: count,
    })
    .nullable(),
});

const planChoice = z.strictObject({
  schema: z.literal('chunkflow/plan-choice@2'),
  workload,
  machine,
  caps: z.strictObject({ gpuBytes: bytes, pinnedBytes: bytes.describe('of one rank') }),
  verdict: z.string(),
  plan: planFormat.describe('the choice as a file; --plan takes it'),
  choice: searchedPlan.extend({
    closedFormStepTimeS: seconds.describe('what `predict` says of the same plan'),
    steady: z.boolean().describe('whether steps had stopped changing before the one reported'),
    versusNoneOnOwn: z
      .number()
      .describe("step time over that of no offload on the choice's own transport: what streaming costs"),
  }),
  bound: z
    .strictObject({
      stepTimeS: seconds,
      transport: z.string(),
      clock: z.number().describe('fraction of the highest clock that it was taken at'),
      secondsPerGpuByte: z.number().describe('what it falls by for one more byte of GPU memory'),
    })
    .describe('no plan of the space within the caps is faster'),
  gap: z
    .number()
    .describe(
      'how far the choice is above the bound, as a share of it; rounding may leave it a hair below nothing',
    ),
  proven: z
    .boolean()
    .describe(
      'whether no plan of the space is faster by more than 0.1 %; where not, the gap is what is known',
    ),
  counts: z.strictObject({
    considered: z.number().describe('all plans of the space'),
    boundedAway: z.number().describe('those over a transport whose bound is no better than the choice'),
    ranked: count.describe('in closed form'),
    simulated: count,
  }),
  compared: z.array(searchedPlan).describe('presets, whether they fit or not'),
  explanation: explanation.nullable().describe('with --explain'),
  front: z.array(frontPoint).nullable().describe('with --front, least memory first'),
  uncertainty: uncertainty
    .nullable()
    .describe('what is not known of the machine; null with --nominal, and where all is known'),
  peer: peer.nullable().describe('with --for'),
});

const models = z.strictObject({
  schema: z.literal('chunkflow/models@1'),
  models: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      modality: z.enum(MODALITIES),
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
            from: z.enum(PROVENANCES),
            source: z.string(),
          }),
        )
        .describe('every number of the file and where it came from; --set takes these keys'),
    }),
  ),
});

/** Schemas of the documents that the commands print with --json. */
export const outputSchemas = { prediction, simulation, 'plan-choice': planChoice, models, machines } as const;

export type Prediction = z.input<typeof prediction>;
export type Simulation = z.input<typeof simulation>;
export type PlanReport = z.input<typeof planReport>;
export type SimulatedPlan = z.input<typeof simulatedPlan>;
export type PlanChoice = z.input<typeof planChoice>;
export type SearchedPlan = z.input<typeof searchedPlan>;
export type FoundPlan = z.input<typeof foundPlan>;
export type ModelList = z.input<typeof models>;
export type MachineList = z.input<typeof machines>;

/** Schemas of all documents, by the name that `chunkflow schema` takes: those that are printed, and files that others write. */
export const documentSchemas = { ...outputSchemas, profile: profileFormat } as const;

export type DocumentName = keyof typeof documentSchemas;
/** What is computed, as documents say it. */
export type WorkloadFields = Prediction['workload'];
