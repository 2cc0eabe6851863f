import type { MeasuredRun } from '../../measure/readMeasurement.ts';
import type { System } from '../../model/system/system.ts';
import type { FlowTransport } from '../../model/system/transport.ts';

/** Transports that a run names and whose collectives NCCL may have carried otherwise. */
export interface NcclPaths {
  /** What NCCL cannot have taken, by what says so. */
  ruledOut: { name: string; by: string }[];
  /** Go through host memory, which NCCL takes between GPUs that reach each other only where it is told to. */
  doubtful: string[];
}

/**
 * Holds transports against what a run recorded of its environment and hosts, which decide the path that NCCL takes. Runs that did
 * not record it are taken at their word, and so are those without real peers.
 *
 * @param names of transports; those that are not NCCL's, or not the machine's, are neither ruled out nor doubtful.
 */
export function ncclPaths({ run }: MeasuredRun, system: System, names: readonly string[]): NcclPaths {
  if (run.place !== 'real' || run.ncclVariables === undefined) return { ruledOut: [], doubtful: [] };
  const peersDisabled = run.ncclVariables.NCCL_P2P_DISABLE === '1';
  const ofNccl = [...new Set(names)].flatMap((name) => {
    const found = system.transports.find((transport) => transport.name === name);
    return found?.kind === 'flow' && found.carrier.by === 'nccl' ? [found] : [];
  });
  const ruledOut = ofNccl.flatMap(({ name, path }) => {
    const by = reasonAgainst(path, run);
    return by === null ? [] : [{ name, by }];
  });
  const doubtful = ofNccl.filter(({ path }) => !peersDisabled && path === 'host').map(({ name }) => name);
  return { ruledOut, doubtful: doubtful.filter((name) => !ruledOut.some((of) => of.name === name)) };
}

/** Why NCCL cannot have gone that way; null where nothing says so. */
function reasonAgainst(
  path: FlowTransport['path'],
  { devices, ncclVariables = {} }: MeasuredRun['run'],
): string | null {
  const { NCCL_P2P_DISABLE: p2p, NCCL_SHM_DISABLE: shm } = ncclVariables;
  const isNetwork = path === 'network';
  // NCCL takes ranks for those of one host where their NCCL_HOSTID agree, whatever host they are on.
  const hosts = new Set(devices.map(({ node, ncclHostId }) => ncclHostId ?? node));
  if (hosts.size > 1 && !hosts.has(undefined)) return isNetwork ? null : 'ranks on several hosts';
  if (p2p === '1' && shm === '1') return isNetwork ? null : 'NCCL_P2P_DISABLE=1 with NCCL_SHM_DISABLE=1';
  if (p2p === '1' && (path === 'nvlink' || path === 'peer')) return 'NCCL_P2P_DISABLE=1';
  return isNetwork && hosts.size === 1 && !hosts.has(undefined) ? 'ranks on one host' : null;
}

/** What is ruled out, as a note says it: "NCCL_P2P_DISABLE=1 rules nvlink and peer out". */
export function ruledOutText({ ruledOut }: NcclPaths): string {
  const reasons = [...new Set(ruledOut.map(({ by }) => by))];
  return reasons
    .map((by) => {
      const names = ruledOut.filter((of) => of.by === by).map(({ name }) => name);
      return `${by} ${by.startsWith('ranks') ? 'rule' : 'rules'} ${names.join(' and ')} out`;
    })
    .join(', ');
}
