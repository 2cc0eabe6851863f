import { pcieBytesPerS } from '../pcie.ts';
import type { CardFile, HostFile, PcieLink } from './cardFormat.ts';
import type { Topology } from './topologies.ts';
import { type FileNumber, numberOf, rateNumber } from './written.ts';

/** Payload rates of a card's link to its host. */
export interface HostLink {
  down: FileNumber;
  up: FileNumber;
  /** Bytes/s of the slower direction. */
  bytesPerS: number;
}

/** A PCIe link by the one law of them. */
export function pcieHostLink({ gen, lanes }: PcieLink): HostLink {
  const source = `payload of PCIe ${gen} x${lanes}`;
  const rate = (direction: 'down' | 'up') => pcieBytesPerS(gen, lanes, direction);
  return {
    down: rateNumber(rate('down'), 'datasheet', source),
    up: rateNumber(rate('up'), 'datasheet', source),
    bytesPerS: Math.min(rate('down'), rate('up')),
  };
}

/** A chip-to-chip link, whose rates the card's file has. */
export function c2cHostLink({ down, up }: { down: CardNumber; up: CardNumber }): HostLink {
  return { down: numberOf(down), up: numberOf(up), bytesPerS: Math.min(down.value, up.value) };
}

type CardNumber = CardFile['memory'];

/** Between two sockets; UPI and Infinity Fabric links carry more on paper. */
const SOCKET_LINK: FileNumber = { is: '100 GB/s', from: 'default', source: 'between two sockets' };

/** Widest slot: what a switch or a shared root port hangs on, whatever its cards have. */
const UPLINK_LANES = 16;

/** Nodes of a machine file's tree, and the node of each GPU. */
export function treeOf(
  count: number,
  topology: Topology,
  link: HostLink,
  pcie: PcieLink | null,
  { memoryRate }: HostFile,
): { gpus: string[]; tree: Record<string, object> } {
  const gpus = Array.from({ length: count }, (_, index) => `gpu${index}`);
  const memory = numberOf(memoryRate);
  const below = (parentOf: (index: number) => string) =>
    Object.fromEntries(
      gpus.map((gpu, index) => [gpu, { parent: parentOf(index), down: link.down, up: link.up }]),
    );
  switch (topology) {
    case 'separate':
      return { gpus, tree: { memory: { memory }, ...below(() => 'memory') } };
    case 'shared-root':
    case 'switch': {
      const shared = pcie === null ? link : pcieHostLink({ ...pcie, lanes: UPLINK_LANES });
      const uplink = { parent: 'memory', down: shared.down, up: shared.up };
      return { gpus, tree: { memory: { memory }, uplink, ...below(() => 'uplink') } };
    }
    case 'two-sockets': {
      const socket = { parent: 'fabric', down: SOCKET_LINK, up: SOCKET_LINK, memory };
      const first = Math.ceil(count / 2);
      return {
        gpus,
        tree: {
          ...{ fabric: {}, socket0: socket, socket1: socket },
          ...below((index) => (index < first ? 'socket0' : 'socket1')),
        },
      };
    }
  }
}
