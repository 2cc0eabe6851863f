import { join } from 'node:path';
import { z } from 'zod';
import { COLLECTIVE_KINDS } from '../../../model/dit/kinds.ts';
import { packageRoot } from '../../../model/input/packageFiles.ts';
import { quantity } from '../../../model/input/quantity.ts';
import { checked, readYamlFile } from '../../../model/input/yamlFile.ts';

const measured = (dimension: 'time' | 'bytes' | 'rate') =>
  z.string().transform((text) => quantity(text, dimension));

const figure = z.strictObject({
  machine: z.string(),
  hosts: z.int().min(2),
  kind: z.enum(COLLECTIVE_KINDS),
  size: measured('bytes').describe("nccl-tests' size column"),
  time: measured('time').optional(),
  busbw: measured('rate').optional(),
});

const format = z.strictObject({
  machines: z.record(
    z.string(),
    z.strictObject({
      card: z.string(),
      nic: z.string(),
      inHost: z.strictObject({ rate: z.string(), allReduce: z.string(), source: z.string() }),
    }),
  ),
  sources: z.array(
    z.strictObject({
      name: z.string(),
      url: z.url().optional(),
      note: z.string().optional(),
      figures: z.array(figure).min(1),
    }),
  ),
});

export type CollectiveMachine = z.output<typeof format>['machines'][string];

/** A figure of nccl-tests between hosts, and who published it. */
export interface CollectiveFigure extends Omit<z.output<typeof figure>, 'machine'> {
  source: string;
  url: string | null;
  note: string | null;
  machine: CollectiveMachine;
}

/** The figures of nccl-tests between hosts that others have published. @throws UserError with the place of what does not fit. */
export function readCollectives(
  file = join(packageRoot, 'experiments', 'published', 'collectives.yaml'),
): CollectiveFigure[] {
  const { machines, sources } = checked(readYamlFile(file), format);
  return sources.flatMap(({ name, url = null, note = null, figures }) =>
    figures.map(({ machine, ...own }) => {
      const described = machines[machine];
      if (described === undefined) throw new Error(`${file}: ${machine} is none of its machines`);
      return { source: name, url, note, machine: described, ...own };
    }),
  );
}
