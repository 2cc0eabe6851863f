import { z } from 'zod';
import { gpu } from './gpuFormat.ts';
import { network, networkTransport } from './networkFormat.ts';
import { besideH2d, pcieLink, physical, plain } from './numbers.ts';
import { PEERS } from './system.ts';
import {
  FLOW_CARRIERS,
  type FlowKey,
  NET,
  NET_HIERARCHICAL,
  STAGED_COPY,
  STAGED_SM,
  TRANSPORT_PATHS,
} from './transport.ts';

/** A node of the tree; `pcie` or measured rates describe the link to its parent. */
const treeNode = z.strictObject({
  parent: z.string().optional(),
  pcie: pcieLink.optional(),
  down: physical('rate')
    .optional()
    .describe('payload rate towards the GPUs, instead of the one that pcie gives'),
  up: physical('rate').optional(),
  duplex: physical('rate').optional().describe('both directions together, where that is less than twice one'),
  memory: physical('rate').optional().describe('host memory at this node, reads plus writes of all GPUs'),
  reads: physical('rate')
    .optional()
    .describe('what all GPUs together read of it; without a limit of its own if left out'),
  writes: physical('rate').optional(),
  sharpness: plain(1, 100)
    .optional()
    .describe('of the limits of host memory: near one, less than demand and limit is had; hard if left out'),
  writeWeight: plain(0.1, 10)
    .optional()
    .describe('of D2H against H2D where a soft limit of host memory shares them out; 1 if left out'),
});

const collectiveRate = z.strictObject({
  rate: physical('rate').describe('per GPU and direction, alone, large messages'),
  besideH2d,
});

const hostShare = plain(0.01, 1)
  .optional()
  .describe(
    "how much of what is staged in host memory reaches it: the rest is read from the CPU's cache; 1 if left out",
  );

/** all-gather and all-reduce default to the all-to-all's numbers. */
const collectiveRates = {
  'all-to-all': collectiveRate,
  'all-gather': collectiveRate.optional(),
  'all-reduce': collectiveRate.optional(),
};

/** Numbers of a transport between so many ranks; what is left out is as for every other number of them. */
const ofRanks = z
  .record(
    z.string().regex(/^([2-9]|[1-9]\d+)$/, 'expected a number of ranks, at least 2'),
    z.strictObject({
      latency: physical('time').optional(),
      'all-to-all': collectiveRate.optional(),
      'all-gather': collectiveRate.optional(),
      'all-reduce': collectiveRate.optional(),
      deviceBuffers: physical('bytes').optional(),
    }),
  )
  .optional()
  .describe('numbers that hold between so many ranks only');

const flowTransport = z.strictObject({
  path: z.enum(TRANSPORT_PATHS),
  latency: physical('time'),
  ...collectiveRates,
  deviceBuffers: physical('bytes').optional().describe("NCCL's own buffers in each GPU's memory"),
  hostShare,
  ranks: ofRanks,
});

const optionalFlow = flowTransport.optional();
const flowTransports = Object.fromEntries(
  Object.keys(FLOW_CARRIERS).map((name) => [name, optionalFlow]),
) as Record<FlowKey, typeof optionalFlow>;

const stagedSm = z.strictObject({
  path: z.literal('host'),
  latency: physical('time'),
  defaultCtas: z.int().min(1),
  ctas: z
    .record(
      z.string().regex(/^\d+$/),
      z.strictObject({
        ...collectiveRates,
        hostShare,
        ranks: ofRanks,
        fillCost: plain(0, 4).optional().describe("the fill's own time, in times of its bytes at the rate"),
      }),
    )
    .describe('by CTAs per direction'),
  ring: z
    .literal([2, 4, 8, 16, 32])
    .optional()
    .describe(
      "slices of 256 KiB that staging holds of a CTA at a time, few enough for the CPU's cache; left out: whole messages",
    ),
  fill: physical('bytes').optional().describe('that a CTA has written before its reader begins'),
});

const stagedCopy = z.strictObject({
  latency: physical('time'),
  flag: physical('time').describe('a flag write between a D2H piece and the next'),
  piece: physical('bytes'),
  cache: physical('bytes')
    .optional()
    .describe(
      "of the CPU's last-level cache that staged bytes find between three ranks and more: a piece that lies so many staged bytes back is still in it to the share 1/e; left out: host memory serves all reads",
    ),
});

export const systemFile = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  name: z.string(),
  peer: z.enum(PEERS),
  gpu,
  gpus: z.array(z.string()).min(1).max(64).describe('tree node of each GPU'),
  tree: z.record(z.string(), treeNode),
  network: network
    .optional()
    .describe('several hosts alike: `gpus`, `tree` and `host` describe each; what joins them stands here'),
  transports: z.strictObject({
    ...flowTransports,
    [STAGED_SM]: stagedSm.optional(),
    [STAGED_COPY]: stagedCopy.optional(),
    [NET]: networkTransport.optional(),
    [NET_HIERARCHICAL]: networkTransport.optional(),
  }),
  defaultTransport: z.string(),
  host: z.strictObject({
    memory: physical('bytes'),
    pageable: physical('rate'),
    pageableOut: physical('rate')
      .optional()
      .describe(
        'D2H into pageable memory that nobody has touched, as `tensor.to("cpu")` makes it; without, as `pageable`',
      ),
    launchLead: physical('time'),
    launchWindow: physical('time'),
    deviceReserve: physical('bytes'),
    eagerLaunch: physical('time').optional().describe('host time of one eager launch of a kernel'),
  }),
  notes: z.array(z.string()).default([]),
});

export type SystemFile = z.output<typeof systemFile>;
