import type { RunnableCommand } from '../../../command.ts';
import { addChartFile, type ChartFlags } from '../../../flags/chart.ts';
import { addWorkloadOptions, type WorkloadFlags } from '../../../flags/workload.ts';

export interface PlotRooflineFlags extends WorkloadFlags, ChartFlags {}

export const command: RunnableCommand = {
  description: "a model's segments on the roofline of a machine's GPU, and what of a step each takes",
  declare: (command) => addChartFile(addWorkloadOptions(command)),
  load: () => import('./run.ts'),
};
