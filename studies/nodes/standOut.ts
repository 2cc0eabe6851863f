import { mean, median } from 'simple-statistics';
import { qn } from './qn.ts';
import { studentQuantile, studentTail } from './studentTail.ts';

/**
 * How often a fleet without any ill node may be said to have one: the level of all comparisons of a report together, each being
 * held to its share of it (Bonferroni).
 */
export const FALSE_ALARMS = 0.05;

/**
 * How much what is known of sound nodes counts against what the nodes at hand show, in nodes: with four, the standard deviation of a
 * quantity over sound nodes lies between 0.65 and 2.4 times what is known, in nine of ten fleets.
 */
export const PRIOR_NODES = 4;

/** Degrees of freedom of a variance by Qn over those of the usual one, of few values; of many 0.8. */
const OF_QN = 0.5;

/** A quantity of one node, as the logarithm of its ratio to a reference that all nodes share. */
export interface NodeValue {
  /** Logarithm. */
  value: number;
  /** Its standard error by the node's own repetitions; null where there is none. */
  noise: number | null;
}

/** How a node compares with the others in one quantity. */
export interface Comparison {
  /** Logarithm of its ratio to the others' median. */
  apart: number;
  /** `apart` over its standard deviation among sound nodes: Student's t with `free` degrees of freedom. */
  z: number;
  free: number;
  /** How likely a sound node is to lie so far out, or farther. */
  chance: number;
}

/** Of more nodes than these one has no say in their spread by Qn, which then is that of all: of every node's others it would take long. */
const MOST_LEFT_OUT = 16;

/** What nodes are compared with: the others, and how far sound ones lie apart. */
export interface Others {
  values: readonly NodeValue[];
  /** Their robust standard deviation. */
  spread: number;
}

/** The others of each of several nodes. */
export function othersOf(nodes: readonly NodeValue[]): Others[] {
  const spreadOf = (of: readonly NodeValue[]) => qn(of.map(({ value }) => value));
  const ofAll = nodes.length > MOST_LEFT_OUT ? spreadOf(nodes) : null;
  return nodes.map((own) => {
    const values = nodes.filter((other) => other !== own);
    return { values, spread: ofAll ?? spreadOf(values) };
  });
}

/**
 * Compares a node with all others: how far it lies from their median, in units of the standard deviation that this has among sound
 * nodes. The others' spread is taken by Qn, of which ill ones among them, if fewer than half, have little; and since of few
 * nodes it says little, the spread that is usual of the quantity stands in as if four nodes more had shown it (a moderated t: Smyth,
 * Stat. Appl. Genet. Mol. Biol. 3, 2004). Where the nodes at hand show more than both together, what they show counts. What a node's
 * repetitions differ by is part of all.
 *
 * @param usual standard deviation of the quantity over sound nodes of one kind, as a logarithm.
 */
export function compareWith(own: NodeValue, { values: others, spread }: Others, usual: number): Comparison {
  const squares = [own, ...others].flatMap(({ noise }) => (noise === null ? [] : [noise * noise]));
  const noise = squares.length === 0 ? 0 : mean(squares);
  const shown = OF_QN * (others.length - 1);
  const free = PRIOR_NODES + shown;
  const moderated = (PRIOR_NODES * (usual ** 2 + noise) + shown * spread ** 2) / free;
  const variance = Math.max(spread ** 2, moderated);
  const ownNoise = Math.max(0, (own.noise ?? 0) ** 2 - noise);
  const apart = own.value - median(others.map(({ value }) => value));
  const z = apart / Math.sqrt(variance * (1 + ofMedian(others.length)) + ownNoise);
  return { apart, z, free, chance: studentTail(z, free) };
}

/** Variance of the median of so many values over that of one: that of a mean for two, and close to pi / 2 times it for more. */
function ofMedian(count: number): number {
  return (count > 2 ? Math.PI / 2 : 1) / count;
}

/** The |z| from which a node stands out, if so many comparisons are made. */
export function leastZ(free: number, comparisons: number): number {
  return studentQuantile(FALSE_ALARMS / comparisons, free);
}
