import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomNumbers } from '../../../model/leastSquares/multiStart.ts';
import { compareNodes } from '../../../studies/nodes/compareNodes.ts';
import { noFacts } from '../../../studies/nodes/nodeFacts.ts';
import type { MeasuredNode } from '../../../studies/nodes/nodeSources.ts';
import {
  type Quantity,
  type QuantityClass,
  type Readings,
  USUAL_SPREAD,
} from '../../../studies/nodes/quantity.ts';
import { FALSE_ALARMS, PRIOR_NODES } from '../../../studies/nodes/standOut.ts';
import { normalNumbers } from './syntheticNodes.ts';

const test = suite('nodes: how often a sound fleet is said to have an ill one');

const FLEETS = 1000;
const ITEMS = ['a', 'b', 'c', 'd'];
const ROUNDS = 3;

/** Quantities of a pair's calibration: those of a GPU by its rank. */
const QUANTITIES: [QuantityClass, rank: number | null][] = [
  ...(['link', 'link', 'host', 'compute', 'compute', 'clock', 'power'] as const).map(
    (of): [QuantityClass, number] => [of, 0],
  ),
  ...[0, 1].flatMap((rank) => Array.from({ length: 3 }, (): [QuantityClass, number] => ['host', rank])),
  ...(
    ['host', 'latency', 'latency', 'latency', 'collective', 'collective', 'collective', 'step'] as const
  ).map((of): [QuantityClass, null] => [of, null]),
];

/** How a quantity's spread over sound nodes differs from what is usual of its class, as a factor; drawn for each quantity of a fleet. */
type Spread = (normal: () => number) => number;
/** As what is usual is counted: as if so many nodes had shown it. */
const AS_STATED: Spread = (normal) =>
  Math.sqrt(
    PRIOR_NODES /
      Array.from({ length: PRIOR_NODES }, () => normal() ** 2).reduce((sum, square) => sum + square),
  );

/** Nodes with normal differences and normal noise; what is done to one of them is a factor on a quantity of one rank. */
function fleet(seed: number, spread: Spread, ill?: { quantity: number; factor: number }): MeasuredNode[] {
  const normal = normalNumbers(seed);
  const random = randomNumbers(seed + 1e6);
  const count = 3 + Math.floor(random() * 10);
  const nodes = Array.from(
    { length: count },
    (_, index): MeasuredNode => ({
      ...{ name: `n${index}`, facts: noFacts(), readings: [], files: [] },
    }),
  );
  for (const [index, [of, rank]] of QUANTITIES.entries()) {
    const quantity: Quantity = {
      name: `${index}`,
      class: of,
      unit: 'GB/s',
      better: of === 'power' ? null : 'more',
    };
    const usual = USUAL_SPREAD[of] * spread(normal);
    // From a fifth of the usual spread to all of it, from round to round.
    const noise = USUAL_SPREAD[of] * 5 ** -random();
    for (const [place, node] of nodes.entries()) {
      const own = usual * normal();
      const shift = ill?.quantity === index && place === 0 ? Math.log(ill.factor) : 0;
      const rounds = Array.from({ length: ROUNDS }, () => noise * normal());
      const items = new Map(
        ITEMS.map((item) => [
          item,
          rounds.map((round) => 10 * Math.exp(own + shift + round + 0.2 * noise * normal())),
        ]),
      );
      const gpu = rank === null ? null : { rank, pciBus: `${rank}`, uuid: null };
      node.readings.push({ quantity, gpu, items } satisfies Readings);
    }
  }
  return nodes;
}

/** Share of fleets with a finding. */
function alarms(spread: Spread, fleets = FLEETS): number {
  let found = 0;
  for (let seed = 1; seed <= fleets; seed += 1)
    if (compareNodes(fleet(seed, spread)).findings.length > 0) found += 1;
  return found / fleets;
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

test(`at most ${percent(FALSE_ALARMS)} of ${FLEETS} fleets of 3 to 12 sound nodes, as is stated`, () => {
  const stated = alarms(AS_STATED);
  const asUsual = alarms(() => 1, FLEETS / 5);
  const twice = alarms(() => 2, FLEETS / 5);
  console.log(
    ` false alarms: ${percent(stated)} of fleets whose spreads are as uncertain as stated, ${percent(asUsual)} of those with the usual spread, ` +
      `${percent(twice)} of those with twice that`,
  );
  assert.ok(stated <= FALSE_ALARMS);
  assert.ok(asUsual <= FALSE_ALARMS);
  // A level that is never used up would be one at which little is found.
  assert.ok(stated > 0);
});

/** Of so many nodes at the most, and of more: the share of fleets in which the first node is found. */
function found(quantity: number, factor: number, most: number): [few: number, more: number] {
  const hits: [boolean[], boolean[]] = [[], []];
  for (let seed = 1; seed <= 60; seed += 1) {
    const nodes = fleet(seed, () => 1, { quantity, factor });
    const own = compareNodes(nodes).findings.filter((finding) => finding.quantity === `${quantity}`);
    assert.ok(own.every(({ gpu, direction }) => gpu!.rank === 0 && direction === 'slow'));
    hits[nodes.length <= most ? 0 : 1].push(own.some(({ node }) => node === 'n0'));
  }
  const share = (of: readonly boolean[]) => of.filter((hit) => hit).length / of.length;
  return [share(hits[0]), share(hits[1])];
}

for (const [what, quantity, factor, least] of [
  ['half a link', 0, 0.5, [1, 1]],
  ['three quarters of a clock', 5, 0.75, [0.7, 1]],
] as const) {
  test(`${what} of one GPU is found, in all fleets of five nodes or more`, () => {
    const [few, more] = found(quantity, factor, 4);
    console.log(
      ` ${what}: found in ${percent(few)} of fleets of 3 and 4 nodes, ${percent(more)} of larger ones`,
    );
    assert.ok(few >= least[0] && more >= least[1]);
  });
}

test.run();
