import { z } from 'zod';
import { PEERS } from '../model/system/system.ts';
import { bytes, count, seconds } from './values.ts';

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
