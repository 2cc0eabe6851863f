import type { MeasuredRun } from '../../measure/readMeasurement.ts';
import type { System } from '../../model/system/system.ts';

/** Transports that a run names and whose collectives NCCL may have carried otherwise. */
export interface NcclPaths {
  /** Need GPUs that reach each other, and `NCCL_P2P_DISABLE=1` forbids that: NCCL went through host memory. */
  ruledOut: string[];
  /** Go through host memory, which NCCL takes between GPUs that reach each other only where it is told to. */
  doubtful: string[];
}

/**
 * Holds transports against the environment that a run recorded, which decides the path that NCCL takes. Runs that did not record it
 * are taken at their word, and so are those without real peers.
 *
 * @param names of transports; those that are not NCCL's, or not the machine's, are neither ruled out nor doubtful.
 */
export function ncclPaths({ run }: MeasuredRun, system: System, names: readonly string[]): NcclPaths {
  const { place, ncclVariables } = run;
  if (place !== 'real' || ncclVariables === undefined) return { ruledOut: [], doubtful: [] };
  const disabled = ncclVariables.NCCL_P2P_DISABLE === '1';
  const pathOf = (name: string) => {
    const found = system.transports.find((transport) => transport.name === name);
    return found?.kind === 'flow' && found.carrier.by === 'nccl' ? found.path : null;
  };
  const distinct = [...new Set(names)];
  return {
    ruledOut: distinct.filter((name) => disabled && ['nvlink', 'peer'].includes(pathOf(name) ?? '')),
    doubtful: distinct.filter((name) => !disabled && pathOf(name) === 'host'),
  };
}
