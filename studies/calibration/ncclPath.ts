import type { MeasuredRun } from '../../measure/readMeasurement.ts';
import type { System } from '../../model/system/system.ts';
import { ncclPaths } from '../dataset/ncclPaths.ts';

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
  const { ruledOut, doubtful } = ncclPaths(run, system, names);
  const where = `${run.file}:${run.line}: ${run.run.program}`;
  return {
    run: {
      ...run,
      cases: run.cases.filter(
        ({ parameters }) => parameters.kind === 'copies' || !ruledOut.includes(parameters.transport),
      ),
    },
    notes: [
      ...ruledOut.map((name) => `${where}: NCCL_P2P_DISABLE=1 rules ${name} out; its cases are left out`),
      ...doubtful.map(
        (name) =>
          `${where}: ${name} was measured without NCCL_P2P_DISABLE=1; GPUs that reach each other take another path`,
      ),
    ],
  };
}
