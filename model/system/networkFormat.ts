import { z } from 'zod';
import { besideH2d, pcieLink, physical, plain } from './numbers.ts';

/** How switches join NICs: those of one number (a rail) at a switch of their own, or all of a host's at one. */
export const RAILS = ['optimized', 'flat'] as const;

/** A NIC of each host, by its name. */
const nic = z.strictObject({
  parent: z.string().describe('tree node that it is plugged into'),
  pcie: pcieLink.optional(),
  down: physical('rate')
    .optional()
    .describe('payload rate towards the NIC, what is sent, instead of the one that pcie gives'),
  up: physical('rate').optional(),
  rate: physical('rate').describe('of its port, each direction, as on its data sheet'),
  gpus: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('that use it; left out for all NICs: in order, evenly'),
  direct: z
    .boolean()
    .default(true)
    .describe('GPUDirect RDMA: bytes go between GPU and NIC without crossing host memory'),
});

export const network = z.strictObject({
  hosts: z.int().min(2).max(64),
  nics: z.record(z.string().regex(/^[A-Za-z0-9_.-]+$/), nic),
  payload: plain(0.1, 1).describe(
    "of a port's rate that messages get: headers and NCCL's own protocol take the rest",
  ),
  rails: z.enum(RAILS),
  oversubscription: plain(1, 64)
    .optional()
    .describe('ports below a leaf switch over what it has upwards; 1 if left out: it blocks nobody'),
});
export type NetworkFile = z.output<typeof network>;

const networkRate = z.strictObject({
  rate: physical('rate')
    .optional()
    .describe('per GPU and direction, of what crosses the network; left out: what its NICs give'),
  besideH2d: besideH2d.optional().describe('as measured; left out: what links and host memory leave both'),
});

export const networkTransport = z.strictObject({
  path: z.literal('network'),
  within: z.string().optional().describe('transport of what stays in a host; left out where it has one GPU'),
  latency: physical('time'),
  peer: physical('time').optional().describe('that each peer on another host adds to it'),
  'all-to-all': networkRate.optional(),
  'all-gather': networkRate.optional(),
  'all-reduce': networkRate.optional(),
  deviceBuffers: physical('bytes').optional().describe("NCCL's own buffers in each GPU's memory"),
  peerBuffers: physical('bytes').optional().describe('more of them for each peer on another host'),
});
export type NetworkTransportFile = z.output<typeof networkTransport>;
