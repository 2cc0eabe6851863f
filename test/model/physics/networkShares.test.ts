import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UserError } from '../../../model/input/userError.ts';
import { hierarchicalShares, networkShares } from '../../../model/physics/networkShares.ts';
import { membersOf, spreadOf } from '../../../model/physics/rankGroups.ts';
import { hostsMachine } from '../../support/hostsMachine.ts';

const test = suite('what of a collective crosses the network');

const near = (found: number, expected: number, what: string) =>
  assert.ok(Math.abs(found - expected) <= 1e-12 * Math.abs(expected), `${what}: ${found} for ${expected}`);
const range = (count: number) => Array.from({ length: count }, (_, index) => index);

const SPREADS = [
  { hosts: 2, perHost: 1 },
  { hosts: 2, perHost: 4 },
  { hosts: 3, perHost: 2 },
  { hosts: 4, perHost: 8 },
];

for (const { hosts, perHost } of SPREADS) {
  const ranks = hosts * perHost;
  const hostOf = (rank: number) => Math.floor(rank / perHost);
  const called = `${hosts} x ${perHost}`;

  test(`${called}: of an all-to-all, by counting pairs`, () => {
    const peers = range(ranks).filter((peer) => peer !== 0);
    const { within, between, messages } = networkShares('all-to-all', { hosts, perHost });
    near(within, peers.filter((peer) => hostOf(peer) === 0).length / peers.length, 'within');
    near(between, peers.filter((peer) => hostOf(peer) !== 0).length / peers.length, 'between');
    assert.is(messages, peers.filter((peer) => hostOf(peer) !== 0).length);
  });

  test(`${called}: of an all-gather, by walking one ring for each GPU of a host`, () => {
    let crossing = 0;
    for (const first of range(perHost)) {
      const ring = range(hosts).flatMap((host) =>
        range(perHost).map((index) => host * perHost + ((first + index) % perHost)),
      );
      for (const [index, rank] of ring.entries())
        if (hostOf(rank) !== hostOf(ring[(index + 1) % ranks]!)) crossing += 1;
    }
    // A ring has a link from each of its ranks.
    const { within, between } = networkShares('all-gather', { hosts, perHost });
    near(between, crossing / (perHost * ranks), 'between');
    near(within, 1 - crossing / (perHost * ranks), 'within');
  });

  test(`${called}: of a hierarchical all-to-all, by moving each pair's block`, () => {
    let [first, second] = [0, 0];
    for (const from of range(ranks))
      for (const to of range(ranks)) {
        const holder = hostOf(from) * perHost + (to % perHost);
        if (holder !== from) first += 1;
        if (holder !== to) second += 1;
      }
    const { within, between } = hierarchicalShares({ hosts, perHost });
    const sent = ranks * (ranks - 1);
    near(within, first / sent, 'first phase');
    near(between, second / sent, 'second phase');
  });
}

test('an all-reduce between two hosts crosses the network half as often as on rings', () => {
  const two = networkShares('all-reduce', { hosts: 2, perHost: 8 });
  const rings = networkShares('all-reduce', { hosts: 4, perHost: 8 });
  // Rings send 2 (n - 1) / n of the buffer, of which 1 / 8 crosses; a tree sends it once, by eight NICs.
  near(two.between * ((2 * 15) / 16), 1 / 8, 'of the buffer');
  near(rings.between, 1 / 8, 'of what rings send');
});

test('ranks fill hosts in order, and groups take as many of each or one alone', () => {
  const machine = hostsMachine({ hosts: 2, gpusPerHost: 4 });
  const spread = (ranks: number, group: { ranks: number; stride: number }) => spreadOf(machine, ranks, group);
  assert.equal(spread(8, { ranks: 8, stride: 1 }), { hosts: 2, perHost: 4 });
  assert.equal(spread(4, { ranks: 4, stride: 1 }), { hosts: 1, perHost: 4 });
  assert.equal(spread(8, { ranks: 4, stride: 1 }), { hosts: 1, perHost: 4 });
  assert.equal(spread(8, { ranks: 2, stride: 4 }), { hosts: 2, perHost: 1 });
  assert.equal(spread(8, { ranks: 4, stride: 2 }), { hosts: 2, perHost: 2 });
  const four = hostsMachine({ hosts: 4, gpusPerHost: 4 });
  assert.equal(spreadOf(four, 16, { ranks: 2, stride: 8 }), { hosts: 2, perHost: 1 });
  assert.equal(membersOf(5, { ranks: 4, stride: 2 }), [1, 3, 5, 7]);
  assert.equal(membersOf(5, { ranks: 2, stride: 4 }), [1, 5]);
  for (const ranks of [5, 6])
    assert.throws(
      () => spread(ranks, { ranks, stride: 1 }),
      (error: unknown) =>
        error instanceof UserError && /more of one host than of another/.test(error.message),
    );
});

test.run();
