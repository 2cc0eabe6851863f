import { z } from 'zod';
import { COLLECTIVE_KINDS } from '../model/dit/kinds.ts';
import { PEERS } from '../model/system/system.ts';
import { bytes, bytesPerS, count, seconds } from './values.ts';

const speeds = z.strictObject({
  compute: z.strictObject({ gemm: z.number(), attention: z.number(), elementwise: z.number() }),
  collectives: z.number(),
});

/** Where it runs. */
export const machineFormat = z.strictObject({
  id: z.string(),
  name: z.string(),
  peer: z.enum(PEERS).describe("what stands at a collective's other end"),
  gpu: z.string(),
  gpus: count,
  gpuMemoryBytes: bytes,
  hostMemoryBytes: bytes,
  transport: z.string().describe('of the collectives, where a plan names none'),
  notes: z.array(z.string()).optional().describe('numbers that were set and have no effect'),
  betweenHosts: z
    .array(
      z.strictObject({
        collective: z.enum(COLLECTIVE_KINDS),
        toNeighbour: z.boolean().describe('each rank sends to the next of a ring only'),
        hosts: count,
        perHost: count.describe('ranks of a group on each host'),
        startUpS: seconds,
        bytesPerS: bytesPerS.describe('that a rank sends, alone'),
        besideH2dBytesPerS: bytesPerS.describe('that a rank sends while all of them load'),
        h2dBytesPerS: bytesPerS.describe('of a rank while all of them load'),
        h2dBesideBytesPerS: bytesPerS.describe('of a rank beside the collective'),
        limit: z
          .string()
          .describe('what is full first: a link, switch or memory, what stays in the host, or the transport'),
      }),
    )
    .optional()
    .describe('collectives that leave their host, where there are several hosts'),
  anchor: z
    .strictObject({
      plan: z.string(),
      stepS: seconds,
      collectiveS: seconds.nullable().describe('of that step, where it was measured'),
      size: z.string().describe('pixels and frames; empty for a profile'),
      transport: z.string().nullable().describe('whose collectives were brought along'),
      speeds: speeds.describe("factors on the machine file's"),
    })
    .optional()
    .describe('a measured step that compute and collectives were brought to, with --measured'),
});
