import { type FlowKey, STAGED_COPY } from '../transport.ts';
import type { CardFile } from './cardFormat.ts';
import type { Topology } from './topologies.ts';
import type { HostLink } from './tree.ts';
import { defaultNumber, type FileNumber, rateNumber } from './written.ts';

/**
 * NCCL's all-to-all of large messages as a share of the slower direction of a GPU's link, where nothing was measured.
 *
 * - `shm`: through host memory 23.2 of 55.4 GB/s on a pair of H200s, 22.2 of 55 on two H100 PCIe.
 * - `nvlink`: 275 of 450 GB/s each direction on that pair.
 * - `p2p`: nothing was measured; copies between peers reach the whole link, NCCL's kernels less.
 */
const SHARE = { shm: 0.41, nvlink: 0.61, p2p: 0.8 } as const;

const PAIR = 'as on a pair of H200s';
/** What is left of a collective and of H2D while both run, of links that GPUs have for themselves and of a shared one. */
const BESIDE_OWN = { collective: defaultNumber(0.526, PAIR), h2d: defaultNumber(0.741, PAIR) };
const BESIDE_SHARED = {
  collective: defaultNumber(0.5, 'as on two H100 PCIe on one root'),
  h2d: defaultNumber(0.5, 'as on two H100 PCIe on one root'),
};
/** NVLink is another link than H2D's. */
const BESIDE_NVLINK = { collective: defaultNumber(0.9, PAIR), h2d: defaultNumber(0.985, PAIR) };

interface FlowTransport {
  path: string;
  latency: FileNumber;
  'all-to-all': { rate: FileNumber; besideH2d: { collective: FileNumber; h2d: FileNumber } };
}

/** Transports of a machine file between such cards, and the one that NCCL takes by itself. */
export function transportsOf(
  card: CardFile,
  topology: Topology,
  link: HostLink,
  hasNvlink: boolean,
): { transports: Record<string, object>; defaultTransport: string } {
  const beside = topology === 'shared-root' || topology === 'switch' ? BESIDE_SHARED : BESIDE_OWN;
  const share = (of: keyof typeof SHARE, bytesPerS: number) =>
    rateNumber(SHARE[of] * bytesPerS, 'default', `${SHARE[of]} of the link`);
  const flows: Partial<Record<FlowKey, FlowTransport>> = {};
  if (hasNvlink && card.nvlink !== undefined)
    flows.nvlink = {
      ...{ path: 'nvlink', latency: defaultNumber('12 us', PAIR) },
      'all-to-all': { rate: share('nvlink', card.nvlink.rate.value), besideH2d: BESIDE_NVLINK },
    };
  // NCCL takes peer access only below one switch.
  if (card.peerToPeer.is && topology === 'switch')
    flows.p2p = {
      ...{ path: 'peer', latency: defaultNumber('15 us', 'between nvlink and shm') },
      'all-to-all': { rate: share('p2p', link.bytesPerS), besideH2d: beside },
    };
  flows.shm = {
    ...{ path: 'host', latency: defaultNumber('20 us') },
    'all-to-all': { rate: share('shm', link.bytesPerS), besideH2d: beside },
  };
  return {
    // A single engine would have to copy both directions at once.
    transports: { ...flows, ...(card.copyEngines.is > 1 && { [STAGED_COPY]: STAGED_COPIES }) },
    defaultTransport: Object.keys(flows)[0]!,
  };
}

const STAGED_COPIES = {
  latency: defaultNumber('2 us', 'as measured on H200'),
  flag: defaultNumber('2 us', 'as measured on H200'),
  piece: defaultNumber('4 MiB', 'as measured on H200'),
};
