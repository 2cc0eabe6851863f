import { join } from 'node:path';
import { type Generated, generate } from '../../codegen/generate.ts';
import { withBlocks } from '../../model/dit/depth.ts';
import { loadDit } from '../../model/dit/load.ts';
import { parseSize } from '../../model/dit/tokens.ts';
import { packageRoot } from '../../model/input/packageFiles.ts';
import { makePlan } from '../../model/presets/presets.ts';
import { loadSystem } from '../../model/system/load.ts';
import { bindWorkload, type WorkloadOptions } from '../../model/workload/bind.ts';
import { paddedToRanks } from '../../model/workload/padded.ts';

/** A model that ships with the tests, or one of the catalogue. */
export function modelFile(name: string): string {
  return name.startsWith('tiny-') ? join(packageRoot, 'experiments', 'tiny', `${name}.yaml`) : name;
}

export interface TinyScenario {
  model: string;
  machine: string;
  size: string;
  plans: readonly string[];
  layout?: Omit<WorkloadOptions, 'size'>;
  /** Only so many blocks. */
  blocks?: number;
  id?: string;
  commit?: string | null;
}

/** Generates a program in one call, as `chunkflow generate` does. */
export function generateScenario({
  model,
  machine,
  size,
  plans,
  layout = {},
  blocks,
  id,
  commit = null,
}: TinyScenario): Generated {
  const system = loadSystem(machine);
  const whole = loadDit(modelFile(model));
  const dit = blocks === undefined ? whole : withBlocks(whole, blocks);
  const workload = paddedToRanks(bindWorkload(dit, { size: parseSize(size), cfg: 'none', ...layout }));
  return generate(
    workload,
    system,
    plans.map((plan) => makePlan(plan, workload, system)),
    // Files that a test compares with committed ones must not change with every commit.
    { commit, ...(id === undefined ? {} : { id }) },
  );
}

/** Every preset. */
export const ALONE = [
  'none',
  'sequential',
  'layerwise',
  'layerwise-strided',
  'chunked,chunk=1MiB',
  'paced,chunk=1MiB',
];
/** Every preset, and every transport for the collectives. */
export const SHARED = [
  ...ALONE,
  'layerwise-drain',
  'chunkflow-paper,chunk=1MB',
  'yield,chunk=1MiB,resident=0.5',
  'none,transport=staged-sm:16',
  'none,transport=staged-copy',
  'yield,chunk=2MiB,transport=staged-copy,piece=64KiB',
  'layerwise,transport=staged-copy,piece=64KiB',
];

/** The example that the repository keeps, so that a reader sees what comes out without running anything. */
export const GOLDEN: TinyScenario = {
  model: 'tiny-cross',
  machine: 'host-x2',
  size: '128x128x5',
  layout: { sp: 2 },
  plans: ['none', 'layerwise', 'yield,chunk=2MiB', 'yield,chunk=2MiB,transport=staged-copy,piece=64KiB'],
  id: 'golden',
};
