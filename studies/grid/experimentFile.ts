import { dirname } from 'node:path';
import { z } from 'zod';
import { quantity } from '../../model/input/quantity.ts';
import { UserError } from '../../model/input/userError.ts';
import { checked, readYamlFile, type YamlFile } from '../../model/input/yamlFile.ts';
import type { PlanSource } from '../../model/plan/planFile.ts';
import { GUIDANCE_MODES, type GuidanceMode } from '../../model/workload/workload.ts';
import { cellPlans } from './cellPlans.ts';

const workload = z.strictObject({
  model: z.string().describe('a name of the catalogue, or a file'),
  blocks: z.int().min(1).optional().describe('measured in place of the whole depth'),
  sizes: z.array(z.string()).min(1),
});

/** What an arm and a cell say of their plans; files are looked for from the experiment's folder. */
const plans = {
  transports: z.array(z.string()).min(1).optional().describe('each preset is measured with each of them'),
  plans: z.array(z.string()).default([]).describe('presets with settings, files, or plans.jsonl#name'),
  planFiles: z.array(z.string()).default([]).describe('files, of which all plans are measured'),
};
const anyPlan = (given: { plans: string[]; planFiles: string[] }) =>
  given.plans.length + given.planFiles.length > 0;
const noPlan = { message: 'expected plans or planFiles, got neither' };

const arm = z
  .strictObject({ sp: z.int().min(1), tp: z.int().min(1).default(1), ...plans })
  .refine(anyPlan, noPlan);

const choice = z.strictObject({
  cap: z.string().describe('most GPU memory that the choice was made for, such as 3.9 GiB'),
  plan: z.string().describe('name of one of the plans'),
  transport: z.string().optional().describe('of the plans that it was chosen from; left out, of all'),
});

const cell = z
  .strictObject({
    model: z.string(),
    blocks: z.int().min(1).optional(),
    size: z.string(),
    sp: z.int().min(1),
    tp: z.int().min(1).default(1),
    cfg: z.enum(GUIDANCE_MODES).optional().describe("guidance; by default the model's own"),
    ...plans,
    choices: z.array(choice).default([]).describe('whose regret `chunkflow regret` looks for'),
  })
  .refine(anyPlan, noPlan);

/** A declarative grid of measured steps: every workload in every arm is one generated program, and so is every cell. */
const experimentFormat = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
    split: z.enum(['fit', 'held-out']).describe('whether a fit may read its results'),
    machine: z.string(),
    measure: z.array(z.string()).describe('arguments of the generated programs'),
    workloads: z.array(workload).default([]),
    arms: z.array(arm).default([]),
    cells: z.array(cell).default([]).describe('programs one by one, each with plans of its own'),
    beside: z
      .array(z.string())
      .default([])
      .describe('experiments that measured more plans of the same cells: choices compete with these too'),
  })
  .refine(({ workloads, arms }) => (workloads.length === 0) === (arms.length === 0), {
    message: 'workloads and arms: expected both or neither, got one of them',
  })
  .refine(({ arms, cells }) => arms.length + cells.length > 0, {
    message: 'expected workloads and arms, or cells, got neither',
  });

export type Experiment = z.output<typeof experimentFormat> & {
  /** Of the experiment's file. */
  folder: string;
  place: YamlFile['place'];
};

/** A plan that was chosen for a cap on the GPU's memory. */
export interface Choice {
  capBytes: number;
  plan: string;
  /** Of the plans that it was chosen from; left out, of any. */
  transport?: string | undefined;
}

/** One program of an experiment. */
export interface Cell {
  /** Names its folder and its results. */
  id: string;
  model: string;
  size: string;
  blocks: number | undefined;
  sp: number;
  tp: number;
  /** The model's own where there is none. */
  cfg?: GuidanceMode | undefined;
  machine: string;
  /** Names, as results have them: a preset with its settings, or what a file calls its plan. */
  plans: readonly string[];
  /** The plans that come from files, by name. */
  planFiles?: ReadonlyMap<string, PlanSource>;
  choices?: readonly Choice[];
}

/** @throws UserError with file, line and key for what is not an experiment. */
export function readExperiment(file: string): Experiment {
  const source = readYamlFile(file);
  return { ...checked(source, experimentFormat), folder: dirname(file), place: source.place };
}

/**
 * The programs of an experiment, in its order: of its arms, then its cells.
 *
 * @throws UserError where two of them, or two plans of one, would have one name, and for files of plans that cannot be read.
 */
export function cellsOf(experiment: Experiment): Cell[] {
  const cells = [...gridCells(experiment), ...ownCells(experiment)];
  const seen = new Set<string>();
  for (const { id } of cells) {
    if (seen.has(id))
      throw new UserError(
        `${experiment.name}: ${id} is there twice; give its plans in one arm`,
        experiment.place([]),
      );
    seen.add(id);
  }
  return cells;
}

function gridCells({ arms, workloads, machine, folder, place }: Experiment): Cell[] {
  return arms.flatMap((given, index) => {
    const { sp, tp } = given;
    const own = cellPlans(given, folder, place(['arms', index]));
    return workloads.flatMap(({ model, blocks, sizes }) =>
      sizes.map((size) => ({
        ...{
          id: cellId(model, size, [`sp${sp}`, tp > 1 && `tp${tp}`]),
          model,
          size,
          blocks,
          sp,
          tp,
          machine,
        },
        ...own,
      })),
    );
  });
}

function ownCells({ cells, machine, folder, place }: Experiment): Cell[] {
  return cells.map((given, index): Cell => {
    const { model, size, blocks, sp, tp, cfg } = given;
    const parts = [
      blocks !== undefined && `b${blocks}`,
      `sp${sp}`,
      tp > 1 && `tp${tp}`,
      cfg !== undefined && `cfg-${cfg}`,
    ];
    const own = cellPlans(given, folder, place(['cells', index]));
    const choices = given.choices.map(({ cap, plan, transport }, number): Choice => {
      const key = ['cells', index, 'choices', number];
      if (!own.plans.includes(plan))
        throw new UserError(`${key.join('.')}.plan: ${plan} is no plan of the cell`, place([...key, 'plan']));
      const capBytes = capOf(cap, place([...key, 'cap']));
      return { capBytes, plan, ...(transport !== undefined && { transport }) };
    });
    return { id: cellId(model, size, parts), model, size, blocks, sp, tp, cfg, machine, ...own, choices };
  });
}

function capOf(text: string, place: ReturnType<YamlFile['place']>): number {
  try {
    return quantity(text, 'bytes');
  } catch (error) {
    throw new UserError(`cap: ${(error as Error).message}`, place);
  }
}

function cellId(model: string, size: string, parts: readonly (string | false)[]): string {
  const file = model.replace(/^.*\//, '').replace(/\.ya?ml$/, '');
  return [file, size, ...parts.filter((part) => part !== false)]
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-');
}
