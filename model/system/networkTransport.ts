import type { CollectiveKind } from '../dit/kinds.ts';
import { shown } from '../input/userError.ts';
import { contentionOf } from './contention.ts';
import type { SystemFile } from './format.ts';
import type { NetworkTransportFile } from './networkFormat.ts';
import {
  type CollectiveRate,
  type Contention,
  type FlowTransport,
  NET,
  type NetworkKey,
} from './transport.ts';

/** Nothing was measured: what links and host memory leave both follows from the routes of their bytes. */
const FROM_ROUTES: Contention = { collective: 1, h2d: 1, gapS: null };

/** A transport over the network, checked. Its rates are of what crosses the network, and at most the line rate of its host's NICs. */
export function networkTransportOf(
  file: SystemFile,
  name: NetworkKey,
  entry: NetworkTransportFile,
  fail: (path: readonly PropertyKey[], message: string) => never,
): FlowTransport {
  const at = ['transports', name];
  const { network } = file;
  if (network === undefined) return fail(at, 'there is no network: it joins several hosts; give network');
  const { within } = entry;
  const flows = Object.keys(file.transports).filter((key) => key !== NET && isOfHost(file, key));
  if (within === undefined ? file.gpus.length > 1 : !flows.includes(within))
    fail(
      [...at, 'within'],
      `expected the transport of what stays in a host, one of ${flows.join(', ') || 'none'}, got ${within === undefined ? 'nothing' : shown(within)}`,
    );
  const lineBytesPerS = Object.values(network.nics).reduce((sum, nic) => sum + nic.rate.value, 0);
  const rate = (kind: CollectiveKind): CollectiveRate => {
    const own = entry[kind] ?? entry['all-to-all'];
    const besideH2d = own?.besideH2d && contentionOf(own.besideH2d, [...at, kind, 'besideH2d'], fail);
    return { bytesPerS: own?.rate?.value ?? lineBytesPerS, besideH2d: besideH2d ?? FROM_ROUTES };
  };
  return {
    ...{ kind: 'flow', name, carrier: { by: 'nccl' }, path: 'network', hostShare: 1, fill: null },
    latencyS: entry.latency.value,
    deviceBufferBytes: entry.deviceBuffers?.value ?? 0,
    collectives: {
      'all-to-all': rate('all-to-all'),
      'all-gather': rate('all-gather'),
      'all-reduce': rate('all-reduce'),
    },
    byRanks: new Map(),
    network: {
      algorithm: name === NET ? 'flat' : 'hierarchical',
      within: within ?? null,
      peerS: entry.peer?.value ?? 0,
      peerBufferBytes: entry.peerBuffers?.value ?? 0,
    },
  };
}

/** Whether a transport of a machine file is one flow for each rank within a host. */
function isOfHost({ transports }: SystemFile, key: string): boolean {
  const entry = transports[key as keyof SystemFile['transports']];
  return entry !== undefined && 'path' in entry && entry.path !== 'network' && !('ctas' in entry);
}
