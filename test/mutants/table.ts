import { CARD_MUTANTS } from './cards.ts';
import { READERS } from './checkpoints.ts';
import { CODEGEN } from './codegen.ts';
import { DEVICES } from './devices.ts';
import { EXPERIMENTS } from './experiments.ts';
import { HIDING } from './hiding.ts';
import { HOSTS } from './hosts.ts';
import { IMPORTS } from './imports.ts';
import { INPUT } from './input.ts';
import { JOB_MUTANTS } from './jobs.ts';
import { LEAST_SQUARES } from './leastSquares.ts';
import type { MutantGroup } from './mutant.ts';
import { NODES } from './nodes.ts';
import { OPTIMISER } from './optimiser.ts';
import { OPTIMIZE } from './optimize.ts';
import { PROFILE } from './profile.ts';
import { PROGRAM } from './program.ts';
import { SHARING } from './sharing.ts';
import { SWEEP_MUTANTS } from './sweep.ts';
import { SYSTEM } from './system.ts';
import { TOOLS } from './tools.ts';

/** All planted faults of the core. */
export const MUTANTS: readonly MutantGroup[] = [
  ...SHARING,
  ...DEVICES,
  ...SYSTEM,
  ...HOSTS,
  ...CARD_MUTANTS,
  ...HIDING,
  ...PROGRAM,
  ...LEAST_SQUARES,
  ...CODEGEN,
  ...READERS,
  ...INPUT,
  ...JOB_MUTANTS,
  ...EXPERIMENTS,
  ...OPTIMIZE,
  ...OPTIMISER,
  ...PROFILE,
  ...IMPORTS,
  ...TOOLS,
  ...SWEEP_MUTANTS,
  ...NODES,
];
