import type { SystemFile } from './format.ts';
import type { NetworkFile } from './networkFormat.ts';
import { pcieBytesPerS } from './pcie.ts';
import type { TreeNode } from './system.ts';
import { pathToMemory } from './tree.ts';

/** A NIC as one GPU reaches it. */
export interface Nic {
  /** Its node in its host's tree: down to it goes what is sent. */
  node: string;
  /** Its port, a node of the network: up from it goes what is sent, down to it what is received. */
  port: string;
  /** Whether bytes go between GPU and NIC without crossing host memory. */
  direct: boolean;
}

/** What joins several hosts alike. GPUs are numbered host by host, so that consecutive ranks fill a host. */
export interface Network {
  hosts: number;
  gpusPerHost: number;
  /** Ports below leaf switches below one spine, with payload rates. */
  nodes: readonly TreeNode[];
  /** The NICs of each GPU, in order. */
  nics: ReadonlyMap<string, readonly Nic[]>;
  /** Whether a leaf switch joins the NICs of one number, a rail; else it joins those of one host. */
  railOptimized: boolean;
}

/** The GPUs and trees of all hosts, and what joins them. */
export interface Hosts {
  gpus: readonly string[];
  tree: readonly TreeNode[];
  network: Network | null;
}

type Fail = (path: readonly PropertyKey[], message: string) => never;
type NicFile = NetworkFile['nics'][string];

/** The spine of the network, above all leaf switches. */
const SPINE = 'network';

/**
 * A machine file's GPUs and tree, once for each of its hosts: nodes are called `host0/gpu0` where there are several.
 *
 * @param fail reports what does not fit at a path of the file.
 */
export function hostsOf(file: SystemFile, tree: readonly TreeNode[], fail: Fail): Hosts {
  const { gpus, network } = file;
  if (network === undefined) return { gpus, tree, network: null };
  if (file.peer !== 'real')
    fail(['network'], `${file.peer} peers stand for GPUs of one host; leave it out, or give peer: real`);
  if (network.hosts * gpus.length > MOST_GPUS)
    fail(
      ['network', 'hosts'],
      `${network.hosts} x ${gpus.length} GPUs; expected at most ${MOST_GPUS} together`,
    );
  const ofHost = [...tree, ...nicNodes(network, tree, fail)];
  const served = servedGpus(network, gpus, fail);
  const hosts = Array.from({ length: network.hosts }, (_, host) => host);
  const called = (host: number, id: string) => `host${host}/${id}`;
  const nicsOf = (host: number, gpu: string): Nic[] =>
    Object.entries(network.nics).flatMap(([name, { direct }]) =>
      served.get(name)!.includes(gpu)
        ? [{ node: called(host, name), port: called(host, `${name}.port`), direct }]
        : [],
    );
  return {
    gpus: hosts.flatMap((host) => gpus.map((gpu) => called(host, gpu))),
    tree: hosts.flatMap((host) =>
      ofHost.map((node) => ({
        ...node,
        id: called(host, node.id),
        parent: node.parent === null ? null : called(host, node.parent),
      })),
    ),
    network: {
      hosts: network.hosts,
      gpusPerHost: gpus.length,
      nodes: networkNodes(network, (host, name) => called(host, `${name}.port`)),
      nics: new Map(
        hosts.flatMap((host) => gpus.map((gpu) => [called(host, gpu), nicsOf(host, gpu)] as const)),
      ),
      railOptimized: network.rails === 'optimized',
    },
  };
}

const MOST_GPUS = 512;

/** NICs as leaves of a host's tree. */
function nicNodes({ nics }: NetworkFile, tree: readonly TreeNode[], fail: Fail): TreeNode[] {
  const names = tree.map(({ id }) => id);
  return Object.entries(nics).map(([id, nic]) => {
    const at = ['network', 'nics', id];
    if (names.includes(id)) fail(at, `"${id}" is a node of the tree as well; give it another name`);
    if (!names.includes(nic.parent))
      fail([...at, 'parent'], `"${nic.parent}" is no node; nodes are ${names.join(', ')}`);
    const rate = (direction: 'down' | 'up') => {
      const { pcie } = nic;
      const given = nic[direction]?.value ?? (pcie && pcieBytesPerS(pcie.gen, pcie.lanes, direction));
      return (
        given ?? fail(at, `the link to ${nic.parent} has no rate; give pcie: {gen, lanes} or ${direction}`)
      );
    };
    const node: TreeNode = {
      ...{ id, parent: nic.parent, memory: null },
      ...{ downBytesPerS: rate('down'), upBytesPerS: rate('up'), duplexBytesPerS: Number.POSITIVE_INFINITY },
    };
    if (!nic.direct && pathToMemory([...tree, node], id).memory === undefined)
      fail([...at, 'parent'], `"${nic.parent}" reaches no host memory, which bytes of no direct NIC cross`);
    return node;
  });
}

/** Which GPUs use each NIC: as said, or in order and evenly, several GPUs to a NIC or several NICs to a GPU. */
function servedGpus({ nics }: NetworkFile, gpus: readonly string[], fail: Fail): Map<string, string[]> {
  const entries = Object.entries(nics);
  if (entries.length === 0) fail(['network', 'nics'], 'expected at least one NIC');
  const said = entries.filter(([, nic]) => nic.gpus !== undefined);
  if (said.length > 0 && said.length < entries.length) {
    const [name] = entries.find(([, nic]) => nic.gpus === undefined)!;
    fail(
      ['network', 'nics', name],
      `says no gpus and ${said[0]![0]} does; give them for all NICs or for none`,
    );
  }
  const served = new Map<string, string[]>(
    entries.map(([name, nic], index) => [name, nic.gpus ?? evenly(index, entries.length, gpus)]),
  );
  for (const [name, of] of served)
    for (const gpu of of)
      if (!gpus.includes(gpu))
        fail(['network', 'nics', name, 'gpus'], `"${gpu}" is none of the GPUs ${gpus.join(', ')}`);
  const counts = gpus.map((gpu) => [...served.values()].filter((of) => of.includes(gpu)).length);
  if (counts.some((count) => count !== counts[0]) || counts[0] === 0) {
    const uneven = gpus.map((gpu, index) => `${gpu} ${counts[index]}`).join(', ');
    fail(
      ['network', 'nics'],
      `GPUs use different numbers of NICs (${uneven}); expected the same, at least one`,
    );
  }
  return served;
}

function evenly(nic: number, nics: number, gpus: readonly string[]): string[] {
  return gpus.filter((_, index) =>
    nics <= gpus.length
      ? Math.floor((index * nics) / gpus.length) === nic
      : Math.floor((nic * gpus.length) / nics) === index,
  );
}

/** Ports, leaf switches and the spine. A leaf has its ports' rate upwards, divided by the oversubscription. */
function networkNodes(
  { hosts, nics, payload, rails, oversubscription }: NetworkFile,
  portOf: (host: number, nic: string) => string,
): TreeNode[] {
  const node = (id: string, parent: string | null, bytesPerS: number): TreeNode => ({
    ...{ id, parent, downBytesPerS: bytesPerS, upBytesPerS: bytesPerS },
    ...{ duplexBytesPerS: Number.POSITIVE_INFINITY, memory: null },
  });
  const names = Object.keys(nics);
  const rateOf = (nic: NicFile) => nic.rate.value * payload.value;
  const leafOf = (host: number, rail: number) => (rails === 'optimized' ? `rail${rail}` : `leaf${host}`);
  const ports = Array.from({ length: hosts }, (_, host) => host).flatMap((host) =>
    names.map((name, rail) => node(portOf(host, name), leafOf(host, rail), rateOf(nics[name]!))),
  );
  const leaves = [...new Set(ports.map(({ parent }) => parent!))].map((leaf) => {
    const below = ports.filter(({ parent }) => parent === leaf);
    const bytesPerS = below.reduce((sum, port) => sum + port.upBytesPerS, 0);
    return node(leaf, SPINE, bytesPerS / (oversubscription?.value ?? 1));
  });
  return [...ports, ...leaves, node(SPINE, null, Number.POSITIVE_INFINITY)];
}
