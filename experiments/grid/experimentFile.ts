import { z } from 'zod';
import { UserError } from '../../model/input/userError.ts';
import { checked, readYamlFile } from '../../model/input/yamlFile.ts';

const workload = z.strictObject({
  model: z.string().describe('a name of the catalogue, or a file'),
  blocks: z.int().min(1).optional().describe('measured in place of the whole depth'),
  sizes: z.array(z.string()).min(1),
});

const arm = z.strictObject({
  sp: z.int().min(1),
  tp: z.int().min(1).default(1),
  transports: z.array(z.string()).min(1).optional().describe('each plan is measured with each of them'),
  plans: z.array(z.string()).min(1),
});

/** A declarative grid of measured steps: every workload in every arm is one generated program. */
const experimentFormat = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  split: z.enum(['fit', 'held-out']).describe('whether a fit may read its results'),
  machine: z.string(),
  measure: z.array(z.string()).describe('arguments of the generated programs'),
  workloads: z.array(workload).min(1),
  arms: z.array(arm).min(1),
});

export type Experiment = z.output<typeof experimentFormat>;

/** One program of an experiment. */
export interface Cell {
  /** Names its folder and its results. */
  id: string;
  model: string;
  size: string;
  blocks: number | undefined;
  sp: number;
  tp: number;
  machine: string;
  plans: readonly string[];
}

/** @throws UserError with file, line and key for what is not an experiment. */
export function readExperiment(file: string): Experiment {
  return checked(readYamlFile(file), experimentFormat);
}

/**
 * The programs of an experiment, in its order.
 *
 * @throws UserError where two of them would have one name.
 */
export function cellsOf({ machine, workloads, arms, name }: Experiment): Cell[] {
  const cells = arms.flatMap(({ sp, tp, transports, plans }) =>
    workloads.flatMap(({ model, blocks, sizes }) =>
      sizes.map((size) => ({
        ...{ id: cellId(model, size, sp, tp), model, size, blocks, sp, tp, machine },
        plans: (transports ?? [null]).flatMap((transport) =>
          plans.map((plan) => (transport === null ? plan : `${plan},transport=${transport}`)),
        ),
      })),
    ),
  );
  const seen = new Set<string>();
  for (const { id } of cells) {
    if (seen.has(id)) throw new UserError(`${name}: ${id} is there twice; give its plans in one arm`);
    seen.add(id);
  }
  return cells;
}

function cellId(model: string, size: string, sp: number, tp: number): string {
  const file = model.replace(/^.*\//, '').replace(/\.ya?ml$/, '');
  return `${file}-${size}-sp${sp}${tp === 1 ? '' : `-tp${tp}`}`.toLowerCase().replace(/[^a-z0-9.-]/g, '-');
}
