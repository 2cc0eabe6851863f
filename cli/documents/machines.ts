import { z } from 'zod';
import { PROVENANCES } from '../../model/system/system.ts';
import { machineFormat } from './machine.ts';

/** What `machines --json` prints. */
export const machinesFormat = z.strictObject({
  schema: z.literal('chunkflow/machines@1'),
  machines: z.array(
    machineFormat.omit({ transport: true }).extend({
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

export type MachineList = z.input<typeof machinesFormat>;
