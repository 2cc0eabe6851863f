import { z } from 'zod';
import { PEERS } from '../model/system/system.ts';
import { bytes, count } from './values.ts';

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
});
