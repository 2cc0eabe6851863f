import type { CollectiveKind } from '../../model/dit/kinds.ts';
import {
  collectiveUses,
  copyUses,
  flowWeight,
  resourceLimit,
  type Use,
  writeWeightOf,
} from '../../model/physics/linkRoutes.ts';
import { gpusOfRanks, linkRateAllLoading } from '../../model/physics/linkShare.ts';
import type { System } from '../../model/system/system.ts';
import type { FlowTransport } from '../../model/system/transport.ts';
import { pathToMemory } from '../../model/system/tree.ts';
import { FlowSystem } from '../sharing/flowSystem.ts';

/** Steps of the share of a staged read that memory serves: steady steps find the routes of the step before. */
const SHARES = 2 ** 20;

/** How one receiving rank's part of a collective moves: path, largest rate, weight against a copy's 1. */
export interface CollectiveRoute {
  route: number;
  bytesPerS: number;
  weight: number;
}

/** Collectives of one kind over one transport's links. */
export interface CollectiveFlow {
  transport: FlowTransport;
  kind: CollectiveKind;
}

/** A shared resource under the name that timelines show. */
export interface LinkResource {
  name: string;
  capacity: number;
  /** How hard the limit is, see `served`. */
  sharpness: number;
}

/**
 * The machine's links as resources of a FlowSystem, and the paths of copies and collectives over them.
 *
 * A resource that all its users together cannot saturate is left out unless `all` is asked for: it holds nobody
 * back, and costs time.
 */
export class Links {
  readonly flows = new FlowSystem();
  /** Routes of copies, per GPU in use. */
  readonly h2dRoute: readonly number[];
  readonly d2hRoute: readonly number[];
  readonly resources: LinkResource[] = [];
  /** Per route: the resources that it crosses. */
  readonly routeUses: { resource: number; coefficient: number }[][] = [];
  /** Index of each rank's GPU among the GPUs in use. */
  readonly gpuOfRank: readonly number[];
  readonly gpuCount: number;
  readonly #ids = new Map<string, number>();
  readonly #collectives = new Map<FlowTransport, Map<CollectiveKind, CollectiveRoute[]>>();
  readonly #system: System;
  /** Names of the GPUs in use. */
  readonly #gpus: readonly string[];
  /** Per GPU in use, by the share that memory serves: routes of reads of staged pieces. */
  readonly #stagedReads: readonly Map<number, number>[];

  constructor(system: System, ranks: number, flows: readonly CollectiveFlow[], all = false) {
    const gpuNames = gpusOfRanks(system, ranks);
    const gpus = [...new Set(gpuNames)];
    this.gpuOfRank = gpuNames.map((gpu) => gpus.indexOf(gpu));
    this.gpuCount = gpus.length;
    this.#system = system;
    this.#gpus = gpus;
    this.#stagedReads = gpus.map(() => new Map());
    const h2dRates = linkRateAllLoading(system, ranks);
    const copies = gpus.map((gpu) => ({
      h2d: copyUses(system, gpu, 'down'),
      d2h: copyUses(system, gpu, 'up'),
      writeWeight: writeWeightOf(system, gpu),
    }));
    const collectives = flows.map(({ transport, kind }) => {
      const rate = transport.collectives[kind];
      const parts = gpuNames.map((_, rank) => ({
        uses: collectiveUses(system, ranks, rank, transport, kind),
        bytesPerS: rate.bytesPerS,
        weight: flowWeight(transport, kind, h2dRates[rank]!),
      }));
      return { transport, kind, parts };
    });
    const { h2dBytesPerS, d2hBytesPerS } = system.gpu.copyEngine;
    const users = [
      ...copies.flatMap(({ h2d, d2h }) => [
        { uses: h2d, rate: h2dBytesPerS },
        { uses: d2h, rate: d2hBytesPerS },
      ]),
      // One collective runs at a time, of whichever kind.
      ...gpuNames.flatMap((_, rank) => heaviest(collectives.map(({ parts }) => parts[rank]!))),
    ];
    for (const [resource, most] of demand(users)) {
      const { capacity, sharpness } = resourceLimit(system, resource);
      const enough = most <= capacity * (1 + 1e-9) && !Number.isFinite(sharpness);
      if (!Number.isFinite(capacity) || (enough && !all)) continue;
      const [kind, id] = resource.split(' ');
      this.#addResource(resource, `${id} ${kind}`, capacity, sharpness);
    }
    this.h2dRoute = copies.map(({ h2d }) => this.#addRoute(h2d));
    this.d2hRoute = copies.map(({ d2h, writeWeight }) => this.#addRoute(d2h, writeWeight));
    for (const { transport, kind, parts } of collectives) {
      const ofTransport = this.#collectives.get(transport) ?? new Map<CollectiveKind, CollectiveRoute[]>();
      this.#collectives.set(transport, ofTransport);
      ofTransport.set(
        kind,
        parts.map(({ uses, bytesPerS, weight }) => ({ route: this.#addRoute(uses), bytesPerS, weight })),
      );
    }
  }

  /** One route per receiving rank. */
  collective({ transport, kind }: CollectiveFlow): readonly CollectiveRoute[] {
    return this.#collectives.get(transport)!.get(kind)!;
  }

  /** A copy to a GPU of which host memory serves a share and the CPU's cache the rest. */
  stagedRead(gpu: number, share: number): number {
    const rounded = Math.round(share * SHARES) / SHARES;
    const known = this.#stagedReads[gpu]!.get(rounded);
    if (known !== undefined) return known;
    const route =
      rounded === 1
        ? this.h2dRoute[gpu]!
        : this.#addRoute(copyUses(this.#system, this.#gpus[gpu]!, 'down', rounded));
    this.#stagedReads[gpu]!.set(rounded, route);
    return route;
  }

  /** The host memory of a GPU in use, by its number among those of all of them. */
  memoryOf(gpu: number): number {
    const memories = this.#gpus.map((name) => pathToMemory(this.#system.tree, name).memory.id);
    return memories.indexOf(memories[gpu]!);
  }

  /** A GPU's multiprocessors, for ranks that share it: one second of compute per second. */
  computeRoute(gpu: number): number {
    const key = `sm ${gpu}`;
    if (!this.#ids.has(key)) this.#addResource(key, `gpu ${gpu} SMs`, 1);
    return this.#addRoute([{ resource: key, coefficient: 1 }]);
  }

  #addResource(key: string, name: string, capacity: number, sharpness = Number.POSITIVE_INFINITY): void {
    const index = this.flows.addResource(capacity, sharpness);
    this.#ids.set(key, index);
    this.resources[index] = { name, capacity, sharpness };
  }

  #addRoute(uses: readonly Use[], softWeight = 1): number {
    const kept = uses.flatMap(({ resource, coefficient }) => {
      const index = this.#ids.get(resource);
      return index === undefined ? [] : [{ resource: index, coefficient }];
    });
    const route = this.flows.addRoute(
      kept.map((use) => use.resource),
      kept.map((use) => use.coefficient),
      softWeight,
    );
    this.routeUses[route] = kept;
    return route;
  }
}

interface User {
  uses: readonly Use[];
  rate: number;
}

/** Most that all users together can ask of each resource. */
function demand(users: readonly User[]): Map<string, number> {
  const most = new Map<string, number>();
  for (const { uses, rate } of users) {
    for (const { resource, coefficient } of uses) {
      most.set(resource, (most.get(resource) ?? 0) + coefficient * rate);
    }
  }
  return most;
}

/** Per resource the most demanding of several alternatives, as a user of its own. */
function heaviest(alternatives: readonly { uses: readonly Use[]; bytesPerS: number }[]): User[] {
  const most = new Map<string, number>();
  for (const { uses, bytesPerS } of alternatives) {
    for (const { resource, coefficient } of uses) {
      most.set(resource, Math.max(most.get(resource) ?? 0, coefficient * bytesPerS));
    }
  }
  return [{ uses: [...most].map(([resource, coefficient]) => ({ resource, coefficient })), rate: 1 }];
}
