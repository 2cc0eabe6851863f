import { NET, NET_HIERARCHICAL } from '../transport.ts';
import type { NicText } from './machineText.ts';
import { defaultNumber, rateNumber } from './written.ts';

/** What of a machine file several hosts change. */
interface OneHost {
  name: string;
  gpus: string[];
  tree: Record<string, object>;
  transports: Record<string, object>;
  defaultTransport: string;
}

export interface Between {
  hosts: number;
  nic: NicText;
  hasNvlink: boolean;
  /** Whether NICs reach the GPUs' memory. */
  isDirect: boolean;
}

/** Of a port's rate: what NVIDIA calls a NIC's peak with NCCL, 24 of 25 GB/s. */
const PAYLOAD = {
  is: 0.96,
  from: 'published',
  source: '24 GB/s of a 200 Gb/s NIC: NVIDIA in NVIDIA/nccl-tests issue 119',
  interval: [0.92, 0.98],
} as const;

/** Ports beyond this need PCIe 5. */
const PCIE_4_GBIT_PER_S = 200;

/**
 * A machine of one host as several of them: NICs beside their GPUs, so that a GPU and its NIC meet below the host, each on a rail of its
 * own where there is one for each GPU; and NCCL between the hosts.
 */
export function severalHosts(one: OneHost, { hosts, nic, hasNvlink, isDirect }: Between): object {
  const { count, gbitPerS } = nic;
  const { gpus, tree } = one;
  const own = Array.from({ length: count }, (_, index) => gpus[Math.floor((index * gpus.length) / count)]!);
  const nics = own.map((gpu) => ({
    parent: (tree[gpu] as { parent: string }).parent,
    pcie: { gen: gbitPerS > PCIE_4_GBIT_PER_S ? 5 : 4, lanes: 16 },
    rate: rateNumber((gbitPerS / 8) * 1e9, 'datasheet', `${gbitPerS} Gb/s`),
    direct: isDirect,
  }));
  const net = {
    path: 'network',
    ...(gpus.length > 1 && { within: one.defaultTransport }),
    latency: defaultNumber('25 us', "NCCL's own estimate of a ring's start and first hop between hosts"),
    peer: defaultNumber('2 us', 'a hop of 14 us, eight messages at a time'),
    deviceBuffers: defaultNumber('1 GiB', '16 channels of two directions'),
    peerBuffers: defaultNumber('16 MiB', 'two channels of 4 MiB, two directions'),
  };
  const onRails = hasNvlink && count % gpus.length === 0;
  return {
    ...one,
    name: `${hosts} hosts of ${one.name}, ${count} x ${gbitPerS} Gb/s each`,
    network: {
      hosts,
      nics: Object.fromEntries(nics.map((of, index) => [`nic${index}`, of])),
      payload: PAYLOAD,
      rails: onRails ? 'optimized' : 'flat',
    },
    transports: { ...one.transports, [NET]: net, [NET_HIERARCHICAL]: net },
    defaultTransport: NET,
  };
}
