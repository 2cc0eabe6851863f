import type { MeasuredRun } from '../../codegen/measure/readMeasurement.ts';
import type { System } from '../../model/system/system.ts';

/**
 * A run of cases without those that NCCL cannot have carried as they say: its environment decides which of its transports it
 * takes, and the run's record has the variables that do. Runs of before that was written are taken at their word.
 *
 * @returns notes on what is left out, and on what may be of another transport.
 */
export function asNcclWent(run: MeasuredRun, system: System): { run: MeasuredRun; notes: string[] } {
  const { place, ncclVariables, program } = run.run;
  if (place !== 'real' || ncclVariables === undefined) return { run, notes: [] };
  const disabled = ncclVariables.NCCL_P2P_DISABLE === '1';
  const pathOf = (name: string) => {
    const found = system.transports.find((transport) => transport.name === name);
    return found?.kind === 'flow' && found.carrier.by === 'nccl' ? found.path : null;
  };
  const names = [
    ...new Set(
      run.cases.flatMap(({ parameters }) => (parameters.kind === 'copies' ? [] : [parameters.transport])),
    ),
  ];
  const where = `${run.file}:${run.line}: ${program}`;
  const wrong = names.filter((name) => disabled && (pathOf(name) === 'nvlink' || pathOf(name) === 'peer'));
  const doubtful = names.filter((name) => !disabled && pathOf(name) === 'host');
  return {
    run: {
      ...run,
      cases: run.cases.filter(
        ({ parameters }) => parameters.kind === 'copies' || !wrong.includes(parameters.transport),
      ),
    },
    notes: [
      ...wrong.map((name) => `${where}: NCCL_P2P_DISABLE=1 rules ${name} out; its cases are left out`),
      ...doubtful.map(
        (name) =>
          `${where}: ${name} was measured without NCCL_P2P_DISABLE=1; GPUs that reach each other take another path`,
      ),
    ],
  };
}
