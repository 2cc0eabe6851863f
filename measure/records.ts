import { z } from 'zod';
import { COMMIT } from '../codegen/sourceCommit.ts';
import { caseParameters } from '../model/calibration/cases.ts';

/** NaN and infinities come as null. */
const reading = z.number().nullable();
/** Nothing that is measured here lasts a day: such a number is damage, and a fit would go after it. */
const seconds = z.number().max(86_400);
const bytes = z.number().min(0);
const index = z.number().int().min(0);
/** Where a program ran: on CPU threads, or on GPUs with these peers. */
export const PLACES = ['host', 'mirrored', 'colocated', 'real'] as const;
export type Place = (typeof PLACES)[number];

/** How steps were launched. */
export const LAUNCH_MODES = ['eager', 'graph'] as const;

const mode = z.enum(LAUNCH_MODES);

/** Begins a run: what was measured, on what, with which settings. */
const run = z.strictObject({
  record: z.literal('run'),
  schema: z.literal('chunkflow/measurement@1'),
  program: z.string(),
  title: z.string(),
  fingerprint: z.string(),
  runtime: z
    .string()
    .optional()
    .describe('hash of the runtime library; records before it was written lack it'),
  tool: z.string(),
  commit: z
    .string()
    .regex(COMMIT)
    .optional()
    .describe('of the source that generated the program, where it is known; first records lack it'),
  slurmJob: z.string().optional().describe('as Slurm writes it, 4711 or 4700_3; where there is one'),
  backend: z.enum(['cuda', 'host']),
  place: z.enum(PLACES),
  ranks: index,
  groupSize: index,
  startedAt: z.string(),
  devices: z.array(
    z.strictObject({
      name: z.string(),
      uuid: z.string(),
      driver: z.string(),
      cuda: z.string(),
      pciBus: z.string(),
      node: z.string().optional().describe('that has the device; first records lack it'),
      vbios: z.string().optional(),
      link: z
        .strictObject({ lanes: index, mostLanes: index, mostGeneration: index })
        .optional()
        .describe('of PCIe, as the driver has it: now, and at the most; first records lack it'),
      ncclHostId: z.string().optional().describe('what NCCL takes for its host, where NCCL_HOSTID is set'),
      memoryBytes: bytes,
    }),
  ),
  libraries: z.string(),
  nccl: z.string(),
  ncclVariables: z
    .record(z.string(), z.string())
    .optional()
    .describe('which decide what transport NCCL takes, as far as they were set; first records lack it'),
  options: z.record(z.string(), z.unknown()),
  inputs: z
    .strictObject({
      given: z.array(z.string()),
      random: z.array(z.string()),
      computed: z.array(z.string()),
    })
    .optional()
    .describe('where residual streams and constants of the step came from; first records lack it'),
});

/** By rank, then by slot or block. */
const rates = z.array(z.array(z.number().positive())).min(1);

/** Whole blocks, each copied by all ranks at once; the spread is that of each block's slowest rank. */
const blockRates = z.strictObject({
  bytesPerS: rates,
  maxOverMin: z.number().min(1),
  variation: z.number().min(0).describe('standard deviation over mean'),
});

/**
 * How fast the pinned arenas are copied from, slot by slot; an arena is cut into slots for one block each, those of the blocks
 * and then spare ones.
 */
const arena = z
  .strictObject({
    record: z.literal('arena'),
    layout: z.enum(['same', 'reversed', 'surveyed']),
    blocks: z.array(index).min(1).describe('that the arenas hold'),
    slotBytes: z.array(bytes).min(1),
    groupOfSlot: z.array(index).describe('blocks change places within a group of slots'),
    sampleBytes: bytes.describe('the most that is copied of a slot'),
    repeats: index.describe('of which the median is kept'),
    alone: rates.describe('of every slot while the other ranks stand still'),
    together: z
      .array(
        z.strictObject({
          shift: index.describe('rank r copies from the slot that is r times so much further in its group'),
          bytesPerS: rates.describe("by each rank's own slot"),
        }),
      )
      .min(1),
    slotOf: z.array(z.array(index)).min(1).describe('by rank, of each of `blocks`'),
    inOrder: blockRates.describe('with the blocks in order on every rank'),
    placed: blockRates.describe('with the blocks where they are in this run'),
    remark: z.string().nullable().describe('why the layout is not quite what was asked for'),
    surveyS: seconds,
  })
  .superRefine((record, context) => {
    const ranks = record.alone.length;
    const slots = record.slotBytes.length;
    const columns: [string, readonly (readonly number[])[], number][] = [
      ['groupOfSlot', Array(ranks).fill(record.groupOfSlot), slots],
      ['alone', record.alone, slots],
      ...record.together.map(({ bytesPerS }): [string, readonly (readonly number[])[], number] => [
        'together',
        bytesPerS,
        slots,
      ]),
      ['slotOf', record.slotOf, record.blocks.length],
      ['inOrder', record.inOrder.bytesPerS, record.blocks.length],
      ['placed', record.placed.bytesPerS, record.blocks.length],
    ];
    for (const [name, byRank, length] of columns) {
      if (byRank.length !== ranks || byRank.some((ofRank) => ofRank.length !== length))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: `expected ${length} numbers of each of ${ranks} ranks`,
        });
    }
    const isPlace = (ofRank: readonly number[]) =>
      ofRank.every((slot) => slot < slots) && new Set(ofRank).size === ofRank.length;
    if (!record.slotOf.every(isPlace))
      context.addIssue({ code: 'custom', path: ['slotOf'], message: 'expected a slot for each block' });
  });

const memory = z.strictObject({
  record: z.literal('memory'),
  plan: index,
  name: z.string(),
  claimedBytes: bytes,
  claim: z.record(z.string(), bytes),
  allocatedPeakBytes: bytes,
  devicePeakBytes: bytes,
  contextBytes: bytes,
  pinnedBytes: bytes,
  claimedPinnedBytes: bytes,
});

const output = z.strictObject({
  record: z.literal('output'),
  plan: index,
  steps: index,
  mode,
  digests: z.array(
    z.strictObject({ rank: index, residual: z.string(), digest: z.string().regex(/^[0-9a-f]{16}$/) }),
  ),
  finite: z.boolean(),
});

const verification = z.strictObject({
  record: z.literal('verify'),
  plan: index,
  chunks: index,
  wrong: index,
  first: z
    .strictObject({ position: index, block: index, from: bytes, to: bytes })
    .nullable()
    .describe('the first chunk that was not there when its block began'),
});

const visit = z.strictObject({
  record: z.literal('visit'),
  plan: index,
  round: index,
  mode,
  stepS: z.array(seconds.positive()).min(1),
  enqueueS: z.array(seconds),
  smHz: reading,
  powerW: reading,
  temperatureC: reading,
});

const timeline = z
  .strictObject({
    record: z.literal('timeline'),
    plan: index,
    rank: index,
    stepS: seconds.positive(),
    position: z.array(index),
    statement: z.array(index),
    part: z.array(index),
    startS: z.array(seconds),
    endS: z.array(seconds),
  })
  .refine(
    ({ position, ...columns }) =>
      [columns.statement, columns.part, columns.startS, columns.endS].every(
        ({ length }) => length === position.length,
      ),
    'columns of different length',
  );

/** A round of a calibration program's case. */
const calibrationCase = z.strictObject({
  record: z.literal('case'),
  case: index,
  id: z.string(),
  round: index,
  parameters: caseParameters,
  ranks: z
    .array(
      z.strictObject({
        callS: z.array(seconds).describe('each collective, from the compute stream and back to it'),
        downS: seconds.describe('all chunks to the device; 0 without any'),
        upS: seconds,
        windowS: seconds.describe("from the first call's start to the last one's end"),
        windowBytes: z.number().describe('copied to the device meanwhile'),
        outlasted: z.boolean().describe('whether there were chunks until the last call ended'),
      }),
    )
    .min(1),
});

/** A block's segment by itself, over and over. */
const segment = z.strictObject({
  record: z.literal('segment'),
  plan: index,
  name: z.string(),
  position: index,
  statement: index,
  beside: z.enum(['nothing', 'copies', 'collectives']),
  gapS: z.number().min(0).describe('pause after each run'),
  windowS: z
    .number()
    .positive()
    .optional()
    .describe('for about how long it ran, clock and power read in the second half; first records lack it'),
  runS: seconds.positive(),
  runs: index,
  smHz: reading,
  powerW: reading,
});

/** Copies with a pause after each, while one segment runs over and over. */
const paced = z.strictObject({
  record: z.literal('paced'),
  plan: index,
  name: z.string(),
  position: index,
  statement: index,
  chunkBytes: bytes,
  chunks: index,
  paceS: z.number().positive().describe('the pause that was asked for'),
  periodS: seconds.positive().describe('from a copy to the next, on average'),
  outlasted: z.boolean().describe('whether the segment ran until the last copy ended'),
});

const summary = z.strictObject({
  record: z.literal('summary'),
  plan: index,
  name: z.string(),
  mode,
  medianS: seconds.positive(),
  madS: z.number().min(0),
  p10S: z.number(),
  p90S: z.number(),
  minS: z.number(),
  steps: index,
  rounds: index,
  spread: z.number(),
  steady: z.boolean(),
  tracedOverNot: reading,
});

/** Closes a run that could still write; without it the run was cut off. */
const end = z.union([
  z.strictObject({ record: z.literal('end'), ok: z.literal(true), wallS: z.number() }),
  z.strictObject({ record: z.literal('end'), ok: z.literal(false), error: z.string() }),
]);

/** The forms of a results file's lines, by what they say they are. */
export const recordFormats = {
  run,
  arena,
  memory,
  output,
  verify: verification,
  visit,
  timeline,
  case: calibrationCase,
  segment,
  paced,
  summary,
  end,
} as const;

export type RecordName = keyof typeof recordFormats;
export type MeasurementRecord<Name extends RecordName> = z.output<(typeof recordFormats)[Name]>;
