import type { ComputeDtype } from '../../dit/kinds.ts';
import { UserError } from '../../input/userError.ts';
import type { CardFile, PcieLink } from './cardFormat.ts';
import { architectureOf, cardNamed, readHost } from './cards.ts';
import { transportsOf } from './collectives.ts';
import { severalHosts } from './hosts.ts';
import { hostCounts, type MachineText, machineId, type Wiring } from './machineText.ts';
import type { Topology } from './topologies.ts';
import { c2cHostLink, pcieHostLink, treeOf } from './tree.ts';
import { asWritten, defaultNumber, numberOf } from './written.ts';

/** A NIC of its own for each GPU, where nobody says what there is. */
const USUAL_NIC_GBIT_PER_S = 400;

/** Cards that a desktop platform has lanes for. */
const MOST_ON_A_DESKTOP = 2;

const PLACES: Readonly<Record<Topology, string>> = {
  separate: 'each on its own root',
  'shared-root': 'on one root',
  switch: 'behind one switch',
  'two-sockets': 'on two sockets',
};

/**
 * A machine file, as a value, of cards that are plugged in somehow: what is known of the card, defaults of its architecture and its
 * host, rates of its link by the law of PCIe, and collectives by what they are of the link where nothing was measured.
 *
 * @throws UserError for a card that is not known, or that cannot be plugged in so.
 */
export function composedMachine({ card: name, wiring }: MachineText): Record<string, unknown> {
  const card = cardNamed(name);
  const { topology = 'separate' } = wiring;
  const { gpus: count, hosts } = hostCounts(wiring);
  const { link, pcie } = hostLinkOf(card, { ...wiring, gpus: count });
  if (count === 1 && wiring.topology !== undefined)
    throw new UserError(`topology ${topology}: has no effect on one GPU; leave it out, or give more GPUs`);
  const host = readHost(
    wiring.host ?? (count > MOST_ON_A_DESKTOP && card.host === 'desktop' ? 'server' : card.host),
  );
  const hasNvlink = count > 1 && isNvlinked(card, count, wiring);
  const places = [
    ...(pcie === null ? [] : [`PCIe ${pcie.gen} x${pcie.lanes}`]),
    ...(count > 1 ? [PLACES[topology]] : []),
    ...(hasNvlink ? ['NVLink'] : []),
    host.name,
  ];
  const tree = treeOf(count, topology, link, pcie, host);
  const transports = transportsOf(card, topology, link, hasNvlink);
  const one = { name: `${count}x ${card.name} (${places.join(', ')})`, ...tree, ...transports };
  const nic = wiring.nic ?? { count, gbitPerS: USUAL_NIC_GBIT_PER_S };
  return {
    id: machineId({ card: card.id, wiring }),
    peer: 'real',
    gpu: gpuOf(card, link),
    ...(hosts === 1 ? one : severalHosts(one, { hosts, nic, hasNvlink, isDirect: card.peerToPeer.is })),
    host: {
      memory: numberOf(host.memory),
      pageable: numberOf(host.pageable),
      pageableOut: numberOf(host.pageableOut),
      launchLead: numberOf(host.launchLead),
      launchWindow: numberOf(host.launchWindow),
      deviceReserve: numberOf(host.deviceReserve),
      eagerLaunch: numberOf(host.eagerLaunch),
    },
  };
}

/** A card's link to its host, and its PCIe generation and width where it is PCIe. */
function hostLinkOf(card: CardFile, { gpus = 1, pcie }: Wiring) {
  if (card.link === 'unified')
    throw new UserError(
      `${card.id}: ${card.name} has one memory for CPU and GPU, so there is no link that weights could be streamed over, and no plan to predict; \`chunkflow machines ${card.id}\` shows its numbers`,
    );
  if ('c2c' in card.link) {
    if (pcie !== undefined)
      throw new UserError(
        `pcie ${pcie.gen}x${pcie.lanes}: ${card.name} reaches its host over NVLink-C2C; leave it out`,
      );
    if (gpus > 1)
      throw new UserError(
        `gpus ${gpus}: how several ${card.name} are joined, each with a host of its own, is not known; describe them in a machine file (docs/machines.md)`,
      );
    return { link: c2cHostLink(card.link.c2c), pcie: null };
  }
  const most = card.link.pcie.is;
  if (pcie !== undefined && (pcie.gen > most.gen || pcie.lanes > most.lanes))
    throw new UserError(
      `pcie ${pcie.gen}x${pcie.lanes}: ${card.name} has PCIe ${most.gen}x${most.lanes}; give at most that`,
    );
  const own: PcieLink = pcie ?? most;
  return { link: pcieHostLink(own), pcie: own };
}

function isNvlinked(card: CardFile, count: number, { nvlink }: Wiring): boolean {
  if (nvlink === 'off') return false;
  if (card.nvlink === undefined) {
    if (nvlink === 'on') throw new UserError(`nvlink on: ${card.name} has no NVLink; leave it out`);
    return false;
  }
  const { by, gpus } = card.nvlink;
  if (nvlink !== 'on' && by === 'bridge') return false;
  if (count <= gpus.is) return true;
  throw new UserError(`nvlink on: joins up to ${gpus.is} ${card.name}, not ${count}; leave it out`);
}

/** `gpu` of a machine file. */
function gpuOf(card: CardFile, link: ReturnType<typeof pcieHostLink>): object {
  const { efficiency, attentionKernels } = architectureOf(card);
  const kernels = Object.entries({ ...attentionKernels, ...card.attentionKernels }).filter(
    ([, kernel]) => kernel !== undefined && hasPeak(card, kernel.dtype),
  );
  return {
    name: card.name,
    memory: numberOf(card.memory),
    peak: asWritten(card.peak),
    deviceMemory: numberOf(card.deviceMemory),
    efficiency: asWritten({ ...efficiency, ...card.efficiency }),
    attentionKernels: asWritten(Object.fromEntries(kernels)),
    launchFloor: defaultNumber('3 us'),
    attentionTiles: {
      multiprocessors: numberOf(card.multiprocessors),
      rows: defaultNumber(128, 'tiles of FlashAttention'),
      ragged: defaultNumber(1),
      overhead: defaultNumber('0 us'),
    },
    copyEngine: {
      h2d: link.down,
      d2h: link.up,
      startUp: defaultNumber('6 us'),
      gap: defaultNumber('2.5 us'),
      turn: defaultNumber('0.8 ms', 'as measured on H200'),
      paceOverhead: defaultNumber('6 us'),
    },
  };
}

function hasPeak({ peak }: CardFile, dtype: ComputeDtype): boolean {
  return dtype === 'bf16' || dtype === 'fp16' || ('bf16' in peak && peak[dtype] !== undefined);
}
