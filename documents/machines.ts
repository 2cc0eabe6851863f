import { z } from 'zod';
import { COMPUTE_DTYPES } from '../model/dit/kinds.ts';
import { PROVENANCES } from '../model/system/system.ts';
import { machineFormat } from './machine.ts';
import { bytes } from './values.ts';

const numbers = z.array(
  z.strictObject({
    key: z.string(),
    value: z.string(),
    from: z.enum(PROVENANCES),
    source: z.string(),
  }),
);

const card = z.strictObject({
  id: z.string(),
  name: z.string(),
  gpuMemoryBytes: bytes,
  deviceMemoryBytesPerS: z.number(),
  peakFlops: z.partialRecord(z.enum(COMPUTE_DTYPES), z.number()).describe('dense, FP32 accumulation'),
  powerCapW: z.number(),
  link: z.string().describe('to the host, as PCIe 4x16'),
  nvlinkBytesPerS: z.number().nullable().describe('each direction; null without NVLink'),
  numbers: numbers.describe('every number of the card and where it came from'),
});

/** What `machines --json` prints. */
export const machinesFormat = z.strictObject({
  schema: z.literal('chunkflow/machines@1'),
  machines: z.array(
    machineFormat.omit({ transport: true, betweenHosts: true }).extend({
      peakFlops: z.number().describe('dense bf16 FLOP/s of one GPU'),
      h2dBytesPerS: z.number().describe('one long copy to one GPU, alone'),
      transports: z.array(z.string()),
      defaultTransport: z.string(),
      numbers: numbers.describe('every number of the file and where it came from; --set takes these keys'),
    }),
  ),
  cards: z
    .array(card)
    .optional()
    .describe('GPUs that machines can be made of, as in 2xrtx-4090; absent where one machine is asked for'),
});

export type MachineList = z.input<typeof machinesFormat>;
