import type { CollectiveKind } from '../dit/kinds.ts';
import { contentionOf } from './contention.ts';
import type { SystemFile } from './format.ts';
import { networkTransportOf } from './networkTransport.ts';
import {
  type CollectiveRate,
  FLOW_CARRIERS,
  type FlowKey,
  type FlowNumbers,
  type FlowTransport,
  NET,
  NET_HIERARCHICAL,
  STAGED_COPY,
  STAGED_SM,
  type StagedCopyTransport,
  stagedSmName,
  type Transport,
} from './transport.ts';

type FlowEntry = NonNullable<SystemFile['transports']['shm']>;
type Rates = Pick<FlowEntry, CollectiveKind>;
type OfRanks = NonNullable<FlowEntry['ranks']>[string];

/**
 * The transports of a checked machine file.
 *
 * @param fail reports what does not fit at a path of the file.
 */
export function transportsOf(
  file: SystemFile,
  fail: (path: readonly PropertyKey[], message: string) => never,
): Transport[] {
  const {
    [STAGED_SM]: stagedSm,
    [STAGED_COPY]: stagedCopy,
    [NET]: net,
    [NET_HIERARCHICAL]: hierarchical,
    ...flows
  } = file.transports;
  const collectivesOf = (key: readonly string[], rates: Rates): FlowTransport['collectives'] => {
    const rate = (kind: keyof Rates): CollectiveRate => {
      const entry = rates[kind] ?? rates['all-to-all'];
      const besideH2d = contentionOf(entry.besideH2d, ['transports', ...key, kind, 'besideH2d'], fail);
      return { bytesPerS: entry.rate.value, besideH2d };
    };
    return {
      'all-to-all': rate('all-to-all'),
      'all-gather': rate('all-gather'),
      'all-reduce': rate('all-reduce'),
    };
  };
  /** Numbers that hold for every number of ranks, and those of the numbers of ranks that have their own. */
  const numbersOf = (
    key: readonly string[],
    entry: Rates & { ranks?: Record<string, OfRanks> | undefined },
    usual: Pick<FlowNumbers, 'latencyS' | 'deviceBufferBytes'>,
  ): FlowNumbers & Pick<FlowTransport, 'byRanks'> => {
    const byRanks = Object.entries(entry.ranks ?? {}).map(([ranks, own]): [number, FlowNumbers] => [
      Number(ranks),
      {
        latencyS: own.latency?.value ?? usual.latencyS,
        deviceBufferBytes: own.deviceBuffers?.value ?? usual.deviceBufferBytes,
        collectives: collectivesOf([...key, 'ranks', ranks], {
          'all-to-all': own['all-to-all'] ?? entry['all-to-all'],
          'all-gather': own['all-gather'] ?? own['all-to-all'] ?? entry['all-gather'],
          'all-reduce': own['all-reduce'] ?? own['all-to-all'] ?? entry['all-reduce'],
        }),
      },
    ]);
    return { ...usual, collectives: collectivesOf(key, entry), byRanks: new Map(byRanks) };
  };
  const transports: Transport[] = Object.entries(flows).flatMap(([name, entry]): FlowTransport[] => {
    if (entry === undefined) return [];
    const latencyS = entry.latency.value;
    const deviceBufferBytes = entry.deviceBuffers?.value ?? 0;
    const numbers = numbersOf([name], entry, { latencyS, deviceBufferBytes });
    const hostShare = entry.hostShare?.value ?? 1;
    const carrier = FLOW_CARRIERS[name as FlowKey];
    return [{ kind: 'flow', name, carrier, path: entry.path, hostShare, fill: null, ...numbers }];
  });
  if (stagedSm !== undefined) {
    const byCtas = Object.entries(stagedSm.ctas).map(([text, entry]): FlowTransport => {
      const ctas = Number(text);
      const usual = { latencyS: stagedSm.latency.value, deviceBufferBytes: 0 };
      return {
        ...{
          kind: 'flow',
          name: stagedSmName(ctas),
          carrier: { by: 'kernel', ctas, ring: stagedSm.ring ?? 0 },
          path: 'host',
          hostShare: entry.hostShare?.value ?? 1,
        },
        fill:
          stagedSm.fill === undefined || entry.fillCost === undefined
            ? null
            : { bytes: stagedSm.fill.value * ctas, cost: entry.fillCost.value },
        ...numbersOf([STAGED_SM, 'ctas', text], entry, usual),
      };
    });
    transports.push(...byCtas);
    const usual = byCtas.find((transport) => transport.name === stagedSmName(stagedSm.defaultCtas));
    if (usual === undefined) {
      return fail(
        ['transports', STAGED_SM, 'defaultCtas'],
        `expected one of ${Object.keys(stagedSm.ctas).join(', ')}, got ${stagedSm.defaultCtas}`,
      );
    }
    transports.push({ ...usual, name: STAGED_SM });
  }
  if (stagedCopy !== undefined) {
    const copies: StagedCopyTransport = {
      kind: 'staged-copy',
      name: STAGED_COPY,
      carrier: { by: 'copy-engines' },
      latencyS: stagedCopy.latency.value,
      flagS: stagedCopy.flag.value,
      pieceBytes: stagedCopy.piece.value,
      cacheBytes: stagedCopy.cache?.value ?? 0,
    };
    transports.push(copies);
  }
  for (const [name, entry] of [
    [NET, net],
    [NET_HIERARCHICAL, hierarchical],
  ] as const)
    if (entry !== undefined) transports.push(networkTransportOf(file, name, entry, fail));
  return transports;
}
