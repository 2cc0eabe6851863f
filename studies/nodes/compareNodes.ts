import { type ComparedNode, type ComparedQuantity, compareReadings } from './compareReadings.ts';
import { differencesOf, kindsOf } from './nodeFacts.ts';
import type { MeasuredNode } from './nodeSources.ts';
import type { NodeGpu, Quantity } from './quantity.ts';
import { FALSE_ALARMS, leastZ } from './standOut.ts';

/** Nodes from which on one of them can be called ill: of two that differ nobody knows which is. */
export const LEAST_NODES = 3;

/** Something that tells one node from the others of its kind. */
export interface NodeFinding {
  kind: string;
  node: string;
  gpu: NodeGpu | null;
  quantity: string;
  /** Slow nodes are ill; fast ones, and such as draw more or less power, stand out; of two nodes each differs. */
  standing: 'ill' | 'stands out' | 'differs';
  direction: 'slow' | 'fast' | 'more' | 'less';
  /** Ratio to the other nodes' median, less 1. */
  apart: number;
  /** Student's t of it with as many degrees of freedom, and the one from which on it is no chance; null for a fact, which needs no statistics. */
  statistics: { z: number; leastZ: number; free: number; chance: number } | null;
}

/** Nodes of one kind beside each other. */
export interface ComparedKind {
  name: string;
  nodes: string[];
  quantities: ComparedQuantity[];
  /** What they differ in beside what was measured. */
  differences: string[];
}

export interface NodeComparison {
  kinds: ComparedKind[];
  /** The farthest out first. */
  findings: NodeFinding[];
  /** How often a fleet of sound nodes has a finding by chance, over all comparisons that were made. */
  falseAlarms: number;
  comparisons: number;
}

/**
 * Compares nodes with the others of their kind, quantity by quantity, and finds those that stand out further than sound nodes of that
 * kind do and than their own noise explains.
 */
export function compareNodes(nodes: readonly MeasuredNode[]): NodeComparison {
  const kinds = kindsOf(nodes).map(
    (kind): ComparedKind => ({
      name: kind.name,
      nodes: kind.nodes.map(({ name }) => name),
      quantities: compareReadings(kind.nodes),
      differences: differencesOf(kind.nodes),
    }),
  );
  const comparisons = kinds.reduce(
    (sum, { quantities }) => sum + quantities.reduce((own, quantity) => own + quantity.nodes.length, 0),
    0,
  );
  const measured = kinds.flatMap(({ name, quantities }) =>
    quantities.flatMap((quantity) => findingsOf(name, quantity, comparisons)),
  );
  const bySize = measured.sort((a, b) => Math.abs(b.statistics!.z) - Math.abs(a.statistics!.z));
  return { kinds, findings: [...narrowLinks(nodes), ...bySize], falseAlarms: FALSE_ALARMS, comparisons };
}

function findingsOf(kind: string, { quantity, nodes }: ComparedQuantity, comparisons: number): NodeFinding[] {
  const count = new Set(nodes.map(({ node }) => node)).size;
  return nodes.flatMap((compared) => {
    const { node, gpu, apart, z, free, chance } = compared;
    if (chance * comparisons > FALSE_ALARMS) return [];
    const direction = directionOf(quantity, compared);
    const standing = count < LEAST_NODES ? 'differs' : direction === 'slow' ? 'ill' : 'stands out';
    const statistics = { z, leastZ: leastZ(free, comparisons), free, chance };
    return [
      { kind, node, gpu, quantity: quantity.name, standing, direction, apart: Math.expm1(apart), statistics },
    ];
  });
}

function directionOf({ better }: Quantity, { apart }: ComparedNode): NodeFinding['direction'] {
  if (better === null) return apart > 0 ? 'more' : 'less';
  return apart > 0 === (better === 'more') ? 'fast' : 'slow';
}

/** What the driver says of a link needs no other node beside it. */
function narrowLinks(nodes: readonly MeasuredNode[]): NodeFinding[] {
  return kindsOf(nodes).flatMap(({ name: kind, nodes: own }) =>
    own.flatMap(({ name: node, facts }) =>
      facts.narrow.map(
        ({ gpu, lanes, mostLanes }): NodeFinding => ({
          ...{ kind, node, gpu, quantity: `PCIe lanes, ${lanes} of ${mostLanes}` },
          ...{ standing: 'ill', direction: 'slow', apart: lanes / mostLanes - 1, statistics: null },
        }),
      ),
    ),
  );
}
