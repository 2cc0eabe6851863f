import { z } from 'zod';
import { planFormat } from '../model/plan/planDocument.ts';
import { DIRECTIONS } from '../model/system/direction.ts';
import { doubtFormat } from './doubt.ts';
import { machineFormat } from './machine.ts';
import { planReportFormat } from './planReport.ts';
import { breakEven, bytes, count, seconds } from './values.ts';
import { workloadFormat } from './workload.ts';

const searchedPlan = planReportFormat.omit({ breakEven: true, doubt: true, request: true }).extend({
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
      beyondPlanS: z.number().describe('seconds of the step that copies outside the stream of blocks take'),
      knobs: z.array(z.strictObject({ name: z.string(), value: z.string() })),
      paste: z.string(),
      notes: z.array(z.string()),
      considered: count,
    })
    .nullable(),
});

/** What `plan --json` prints. */
export const planChoiceFormat = z.strictObject({
  schema: z.literal('chunkflow/plan-choice@2'),
  workload: workloadFormat,
  machine: machineFormat,
  caps: z.strictObject({ gpuBytes: bytes, pinnedBytes: bytes.describe('of one rank') }),
  verdict: z.string(),
  plan: planFormat.describe('the choice as a file; --plan takes it'),
  choice: searchedPlan.extend({
    doubt: doubtFormat,
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
  runs: z
    .strictObject({
      generated: z.string().nullable().describe('why `generate` makes no program of it; null where it does'),
      attached: z
        .string()
        .nullable()
        .describe('why it cannot drive a PyTorch model by `attach`; null where it can'),
      ownTransport: z.boolean().describe('whether its collectives go over a transport that NCCL has not'),
    })
    .optional()
    .describe('what can run the choice; the command line says it'),
});

export type PlanChoice = z.input<typeof planChoiceFormat>;
export type SearchedPlan = z.input<typeof searchedPlan>;
export type FoundPlan = z.input<typeof foundPlan>;
