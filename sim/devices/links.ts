import { gpusOfRanks, h2dRateAllLoading, weigh } from '../../model/system/linkShare.ts';
import type { CollectiveRate, FlowTransport, System, TreeNode } from '../../model/system/system.ts';
import { ancestors, pathToMemory } from '../../model/system/tree.ts';
import type { CollectiveKind } from '../../model/workload/workload.ts';
import { FlowSystem } from '../sharing/flowSystem.ts';

/** What a path uses: capacity of a resource per payload byte. */
interface Use {
  resource: string;
  coefficient: number;
}

/** How one receiving rank's part of a collective moves: path, largest rate, weight. */
export interface CollectiveRoute {
  route: number;
  bytesPerS: number;
  weight: number;
}

/** Something whose utilisation a timeline shows. */
export interface LinkResource {
  name: string;
  capacity: number;
}

/**
 * The machine's links as resources of a FlowSystem, and the paths of copies and collectives over them.
 *
 * Per tree node with a parent: a `down` and an `up` resource, and a `duplex` one where both directions together
 * are limited; per memory node a `memory` resource (reads plus writes). A resource that all its users together
 * cannot saturate is left out: it would couple flows that do not compete.
 */
export class Links {
  readonly flows = new FlowSystem();
  readonly h2dRoute: number[] = [];
  readonly d2hRoute: number[] = [];
  readonly resources: LinkResource[] = [];
  /** Per route: the resources it crosses and their coefficients, for utilisation. */
  readonly routeUses: { resource: number; coefficient: number }[][] = [];
  /** GPU index of each rank. */
  readonly gpuOfRank: number[];
  readonly gpuCount: number;
  readonly #system: System;
  readonly #gpus: string[];
  readonly #ids = new Map<string, number>();
  readonly #h2dRates: number[];
  readonly #transport: FlowTransport | undefined;
  readonly #collectives = new Map<CollectiveKind, CollectiveRoute[]>();
  readonly #ranks: number;

  constructor(
    system: System,
    ranks: number,
    transport: FlowTransport | undefined,
    kinds: readonly CollectiveKind[],
  ) {
    this.#system = system;
    this.#transport = transport;
    this.#ranks = ranks;
    const gpus = gpusOfRanks(system, ranks);
    this.#gpus = [...new Set(gpus)];
    this.gpuOfRank = gpus.map((gpu) => this.#gpus.indexOf(gpu));
    this.gpuCount = this.#gpus.length;
    this.#h2dRates = h2dRateAllLoading(system, ranks);
    const copies = this.#gpus.map((gpu) => ({
      h2d: this.#copyUses(gpu, 'down'),
      d2h: this.#copyUses(gpu, 'up'),
    }));
    const collectives = kinds.map((kind) => ({
      kind,
      parts: gpus.map((_, rank) => ({
        uses: this.#collectiveUses(rank, gpus, kind),
        ...this.#limits(kind, rank),
      })),
    }));
    const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
    this.#addResources([
      ...copies.flatMap(({ h2d, d2h }) => [
        { uses: h2d, rate: h2dBytesPerS },
        { uses: d2h, rate: d2hBytesPerS },
      ]),
      // Only one collective runs at a time; the most demanding kind decides.
      ...(collectives[0]?.parts ?? []).map(({ uses, bytesPerS }) => ({ uses, rate: bytesPerS })),
    ]);
    for (const { h2d, d2h } of copies) {
      this.h2dRoute.push(this.#addRoute(h2d));
      this.d2hRoute.push(this.#addRoute(d2h));
    }
    for (const { kind, parts } of collectives) {
      this.#collectives.set(
        kind,
        parts.map(({ uses, bytesPerS, weight }) => ({ route: this.#addRoute(uses), bytesPerS, weight })),
      );
    }
  }

  /** One route per receiving rank. */
  collective(kind: CollectiveKind): readonly CollectiveRoute[] {
    return this.#collectives.get(kind)!;
  }

  /** Rate at which a collective runs when nothing else does: its own bound, or the links'. */
  collectiveAloneBytesPerS(kind: CollectiveKind): number {
    const routes = this.collective(kind);
    const load = new Map<number, number>();
    for (const { route } of routes) {
      for (const { resource, coefficient } of this.routeUses[route]!) {
        load.set(resource, (load.get(resource) ?? 0) + coefficient);
      }
    }
    const links = [...load].map(
      ([resource, coefficient]) => this.resources[resource]!.capacity / coefficient,
    );
    return Math.min(...links, ...routes.map((part) => part.bytesPerS));
  }

  /** Resource of a GPU's streaming multiprocessors, for ranks that share it: capacity one second per second. */
  computeRoute(gpu: number): number {
    const key = `sm ${gpu}`;
    let resource = this.#ids.get(key);
    if (resource === undefined) {
      resource = this.#addResource(key, 1);
      this.resources[resource] = { name: `${this.#gpus[gpu]} SMs`, capacity: 1 };
    }
    return this.#addRoute([{ resource: key, coefficient: 1 }]);
  }

  #limits(kind: CollectiveKind, rank: number): { bytesPerS: number; weight: number; rate: CollectiveRate } {
    const rate = this.#transport!.collectives[kind];
    return { bytesPerS: rate.bytesPerS, weight: weigh(rate, this.#h2dRates[rank]!).weight, rate };
  }

  #copyUses(gpu: string, direction: 'down' | 'up'): Use[] {
    const { links, memory } = pathToMemory(this.#system.tree, gpu);
    return [
      ...links.flatMap((node) => linkUses(node, direction, 1)),
      { resource: `memory ${memory.id}`, coefficient: 1 },
    ];
  }

  /**
   * What arrives at one rank, from all its peers in equal parts: each peer's way up, host memory written and
   * read, and the receiver's way down, where H2D prefetch also lives.
   */
  #collectiveUses(rank: number, gpus: readonly string[], kind: CollectiveKind): Use[] {
    const { tree, peer } = this.#system;
    const transport = this.#transport!;
    const receiver = gpus[rank]!;
    const { downCoefficient } = weigh(transport.collectives[kind], this.#h2dRates[rank]!);
    const senders = peer === 'mirrored' ? [receiver] : gpus.filter((_, other) => other !== rank);
    const share = 1 / senders.length;
    const toMemory = pathToMemory(tree, receiver);
    const down = toMemory.links.flatMap((node) => linkUses(node, 'down', downCoefficient));
    if (transport.path === 'nvlink') return downCoefficient > 0 ? down : [];
    if (transport.path === 'peer') {
      const hops = senders.flatMap((sender) => {
        const way = pathBetween(tree, sender, receiver);
        return [
          ...way.up.flatMap((node) => linkUses(node, 'up', share)),
          ...way.down.flatMap((node) => linkUses(node, 'down', share * downCoefficient)),
        ];
      });
      return merged(hops);
    }
    const hops = senders.flatMap((sender) => {
      const way = pathBetween(tree, sender, toMemory.memory.id);
      return [
        ...way.up.flatMap((node) => linkUses(node, 'up', share)),
        ...way.down.flatMap((node) => linkUses(node, 'down', share)),
      ];
    });
    return merged([...hops, ...down, { resource: `memory ${toMemory.memory.id}`, coefficient: 2 }]);
  }

  #capacity(resource: string): number {
    const [kind, id] = resource.split(' ') as [string, string];
    const node = this.#system.tree.find((candidate) => candidate.id === id)!;
    switch (kind) {
      case 'down':
        return node.downBytesPerS;
      case 'up':
        return node.upBytesPerS;
      case 'duplex':
        return node.duplexBytesPerS;
      default:
        return node.memoryBytesPerS!;
    }
  }

  #addResources(users: readonly { uses: readonly Use[]; rate: number }[]): void {
    const demand = new Map<string, number>();
    for (const { uses, rate } of users) {
      for (const { resource, coefficient } of uses) {
        demand.set(resource, (demand.get(resource) ?? 0) + coefficient * rate);
      }
    }
    for (const [resource, most] of demand) {
      const capacity = this.#capacity(resource);
      if (most <= capacity * (1 + 1e-9)) continue;
      const index = this.#addResource(resource, capacity);
      const [kind, id] = resource.split(' ');
      this.resources[index] = { name: `${id} ${kind}`, capacity };
    }
  }

  #addResource(key: string, capacity: number): number {
    const index = this.flows.addResource(capacity);
    this.#ids.set(key, index);
    return index;
  }

  #addRoute(uses: readonly Use[]): number {
    const kept = uses.filter((use) => this.#ids.has(use.resource) && use.coefficient > 0);
    const resources = kept.map((use) => this.#ids.get(use.resource)!);
    const coefficients = kept.map((use) => use.coefficient);
    const route = this.flows.addRoute(resources, coefficients);
    this.routeUses[route] = kept.map((use, index) => ({
      resource: resources[index]!,
      coefficient: use.coefficient,
    }));
    return route;
  }

  get ranks(): number {
    return this.#ranks;
  }
}

function linkUses(node: TreeNode, direction: 'down' | 'up', coefficient: number): Use[] {
  const uses = [{ resource: `${direction} ${node.id}`, coefficient }];
  if (Number.isFinite(node.duplexBytesPerS)) uses.push({ resource: `duplex ${node.id}`, coefficient });
  return uses;
}

/** Links between a GPU and any node: up to where their ways to the top meet, then down. */
function pathBetween(
  tree: readonly TreeNode[],
  from: string,
  to: string,
): { up: TreeNode[]; down: TreeNode[] } {
  const fromChain = ancestors(tree, from);
  const toChain = ancestors(tree, to);
  const meets = fromChain.findIndex((node) => toChain.includes(node));
  const meeting = fromChain[meets]!;
  return { up: fromChain.slice(0, meets), down: toChain.slice(0, toChain.indexOf(meeting)) };
}

/** Uses of the same resource added up. */
function merged(uses: readonly Use[]): Use[] {
  const sums = new Map<string, number>();
  for (const { resource, coefficient } of uses) sums.set(resource, (sums.get(resource) ?? 0) + coefficient);
  return [...sums].map(([resource, coefficient]) => ({ resource, coefficient }));
}
