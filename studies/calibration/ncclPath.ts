import type { MeasuredRun } from '../../measure/readMeasurement.ts';
import type { System } from '../../model/system/system.ts';
import { ncclPaths, ruledOutText } from '../dataset/ncclPaths.ts';

/**
 * A run of cases without those that NCCL cannot have carried as they say: its environment decides which of its transports it
 * takes, and the run's record has the variables that do. Runs of before that was written are taken at their word.
 *
 * @returns notes on what is left out, and on what may be of another transport.
 */
export function asNcclWent(run: MeasuredRun, system: System): { run: MeasuredRun; notes: string[] } {
  const names = run.cases.flatMap(({ parameters }) =>
    parameters.kind === 'copies' ? [] : [parameters.transport],
  );
  const paths = ncclPaths(run, system, names);
  const left = paths.ruledOut.map(({ name }) => name);
  const where = `${run.file}:${run.line}: ${run.run.program}`;
  return {
    run: {
      ...run,
      cases: run.cases.filter(
        ({ parameters }) => parameters.kind === 'copies' || !left.includes(parameters.transport),
      ),
    },
    notes: [
      ...(left.length === 0 ? [] : [`${where}: ${ruledOutText(paths)}; its cases are left out`]),
      ...paths.doubtful.map(
        (name) =>
          `${where}: ${name} was measured without NCCL_P2P_DISABLE=1; GPUs that reach each other take another path`,
      ),
    ],
  };
}
