import { max, mean, median, min, sampleStandardDeviation } from 'simple-statistics';
import { grouped } from '../../model/input/grouped.ts';
import { qn } from './qn.ts';
import { type NodeGpu, type Quantity, type Readings, readingsKey, USUAL_SPREAD } from './quantity.ts';
import { type Comparison, compareWith, type NodeValue, othersOf } from './standOut.ts';

/** One node in one quantity. */
export interface ComparedNode extends Comparison {
  node: string;
  gpu: NodeGpu | null;
  /** In the quantity's unit, of its last item: the largest copies or messages. */
  value: number;
  /** Standard error by its own repetitions, relative; null for one repetition. */
  noise: number | null;
}

/** A quantity over nodes of one kind. */
export interface ComparedQuantity {
  quantity: Quantity;
  /** Rank of the GPU that it is of on each node; null for a quantity of the node. */
  rank: number | null;
  nodes: ComparedNode[];
  /** How many measurements of it all these nodes have in common. */
  items: number;
  /** Median over nodes, in its unit. */
  median: number;
  /** Robust standard deviation over nodes, relative; and what is usual among sound ones. */
  spread: number;
  usual: number;
  /** Mean standard error within nodes, relative; null where nothing was repeated. */
  noise: number | null;
}

/** Compares quantities that two nodes or more have, item by item of what they have in common. */
export function compareReadings(
  nodes: readonly { name: string; readings: readonly Readings[] }[],
): ComparedQuantity[] {
  const all = nodes.flatMap(({ name, readings }) => readings.map((each) => ({ node: name, ...each })));
  return [...grouped(all, readingsKey).values()].flatMap((found) => compareOne(found) ?? []);
}

type OfNode = Readings & { node: string };

function compareOne(all: readonly OfNode[]): ComparedQuantity | null {
  const { items, found } = inCommon(all);
  if (new Set(found.map(({ node }) => node)).size < 2) return null;
  const [{ quantity, gpu }] = found as [OfNode];
  const middles = items.map((item) =>
    median(found.map(({ items: own }) => Math.log(median(own.get(item)!)))),
  );
  const values = found.map((own) => nodeValue(own, items, middles));
  const usual = USUAL_SPREAD[quantity.class];
  // Several GPUs of one node share what is the node's: to others they are one sound node or one ill one.
  const places = [...grouped(found.keys(), (place) => found[place]!.node)];
  const others = othersOf(places.map(([, of]) => together(of.map((place) => values[place]!))));
  const othersOfNode = new Map(places.map(([node], index) => [node, others[index]!]));
  const shown = (value: number) => Math.exp(middles.at(-1)! + value);
  const noises = values.flatMap(({ noise }) => noise ?? []);
  return {
    ...{ quantity, rank: gpu?.rank ?? null, items: items.length, usual },
    nodes: found.map(({ node, gpu: own }, index) => {
      const { value, noise } = values[index]!;
      const comparison = compareWith(values[index]!, othersOfNode.get(node)!, usual);
      return { node, gpu: own, value: shown(value), noise, ...comparison };
    }),
    median: shown(median(values.map(({ value }) => value))),
    spread: qn(values.map(({ value }) => value)),
    noise: noises.length === 0 ? null : mean(noises),
  };
}

/** The items that most nodes have, and the nodes that have them all: nodes may have been measured with more or fewer. */
function inCommon(all: readonly OfNode[]): { items: string[]; found: OfNode[] } {
  const counts = new Map<string, number>();
  for (const { items } of all) for (const item of items.keys()) counts.set(item, (counts.get(item) ?? 0) + 1);
  const most = max([...counts.values()]);
  const items = [...counts].filter(([, count]) => count === most).map(([item]) => item);
  return { items, found: all.filter((own) => items.every((item) => own.items.has(item))) };
}

function together(values: readonly NodeValue[]): NodeValue {
  const noises = values.flatMap(({ noise }) => noise ?? []);
  return {
    value: median(values.map(({ value }) => value)),
    noise: noises.length === 0 ? null : mean(noises),
  };
}

/** Standard error of a median over that of a mean. */
const OF_MEDIAN = Math.sqrt(Math.PI / 2);

/**
 * Median over items of a node's ratio to all nodes' median, as a logarithm. Its noise is that of rounds, in each of which all items
 * were measured.
 */
function nodeValue({ items: own }: OfNode, items: readonly string[], middles: readonly number[]): NodeValue {
  const ratios = (of: (values: readonly number[]) => number) =>
    items.map((item, index) => Math.log(of(own.get(item)!)) - middles[index]!);
  const rounds = min(items.map((item) => own.get(item)!.length));
  const value = median(ratios((values) => median([...values])));
  if (rounds < 2) return { value, noise: null };
  const byRound = Array.from({ length: rounds }, (_, round) => median(ratios((values) => values[round]!)));
  return { value, noise: (OF_MEDIAN * sampleStandardDeviation(byRound)) / Math.sqrt(rounds) };
}
