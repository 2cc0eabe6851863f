import type { Commands } from './command.ts';

/** All commands, in the order of `--help`. */
export const COMMANDS: Commands = {
  models: () => import('./commands/models/command.ts'),
  machines: () => import('./commands/machines/command.ts'),
  plans: () => import('./commands/plans/command.ts'),
  predict: () => import('./commands/predict/command.ts'),
  simulate: () => import('./commands/simulate/command.ts'),
  plan: () => import('./commands/plan/command.ts'),
  sweep: () => import('./commands/sweep/command.ts'),
  query: () => import('./commands/query/command.ts'),

  explore: () => import('./commands/explore/command.ts'),
  generate: () => import('./commands/generate/command.ts'),
  build: () => import('./commands/build/command.ts'),
  measure: () => import('./commands/measure/command.ts'),
  bundle: () => import('./commands/bundle/command.ts'),
  calibrate: () => import('./commands/calibrate/command.ts'),
  fit: () => import('./commands/fit/command.ts'),
  import: () => import('./commands/import/command.ts'),
  validate: () => import('./commands/validate/command.ts'),
  nodes: () => import('./commands/nodes/command.ts'),
  trace: () => import('./commands/trace/command.ts'),
  plot: () => import('./commands/plot/command.ts'),
  report: () => import('./commands/report/command.ts'),
  experiment: () => import('./commands/experiment/command.ts'),
  regret: () => import('./commands/regret/command.ts'),
  headlines: () => import('./commands/headlines/command.ts'),
  doctor: () => import('./commands/doctor/command.ts'),
  readings: () => import('./commands/readings/command.ts'),
  schema: () => import('./commands/schema/command.ts'),
  completion: () => import('./commands/completion/command.ts'),
};
