import type { CollectiveKind } from '../dit/kinds.ts';
import type { Spread } from './rankGroups.ts';

/** Of a byte that a rank sends in a collective, what crosses the links within hosts and what the network. */
export interface NetworkShares {
  within: number;
  between: number;
  /**
   * Who sends what crosses the network to a rank: all members on other hosts, the one of its own index on each of them, or the one of
   * its index on the host before.
   */
  senders: 'all' | 'same index' | 'host before';
  /** Messages to other hosts that a rank starts one after another. */
  messages: number;
}

/** What a collective's bytes do: its kind, or a ring's sends to the neighbour. */
export type Pattern = CollectiveKind | 'neighbour';

/**
 * The part of a byte on each side of the NIC, for n ranks of which p are on each of H hosts. Both sides work at the same time, and a
 * collective lasts as long as the slower.
 *
 * - all-to-all, all pairs at once: of n - 1 peers p - 1 are within, n - p beyond: (p - 1) / (n - 1) and (n - p) / (n - 1).
 * - all-gather and all-reduce go round rings that enter and leave each host once, and NCCL lays as many rings as there are GPUs and gives
 *   each another NIC: of p links of a ring that start on a host one leaves it, (p - 1) / p and 1 / p.
 * - all-reduce between two hosts goes over NCCL's double binary tree instead: one half of the buffer goes up on each tree and comes down
 *   on it, so that a host sends the buffer once where rings send it 2 (n - 1) / n times. Within a host it is reduced and handed out as
 *   an all-reduce of p ranks would.
 * - a send to the neighbour in a ring of ranks crosses the network whole on the ranks whose neighbour is elsewhere, for which all wait.
 *
 * Each message to another host costs a start of its own: an all-to-all has one for each peer there, rings one for each host that they
 * pass, and those of an all-reduce go round twice.
 */
export function networkShares(pattern: Pattern, { hosts, perHost }: Spread): NetworkShares {
  const ranks = hosts * perHost;
  switch (pattern) {
    case 'neighbour':
      return { within: 0, between: 1, senders: 'host before', messages: 1 };
    case 'all-to-all':
      return {
        within: (perHost - 1) / (ranks - 1),
        between: (ranks - perHost) / (ranks - 1),
        senders: 'all',
        messages: ranks - perHost,
      };
    case 'all-gather':
      return { ...ring(perHost), messages: hosts - 1 };
    case 'all-reduce': {
      const messages = 2 * (hosts - 1);
      if (hosts > 2) return { ...ring(perHost), messages };
      // Of what a ring of all ranks would send, 2 (n - 1) / n of the buffer.
      const ofRing = ranks / (ranks - 1);
      return {
        within: (ofRing * (perHost - 1)) / perHost,
        between: ofRing / (2 * perHost),
        senders: 'host before',
        messages,
      };
    }
  }
}

function ring(perHost: number): Omit<NetworkShares, 'messages'> {
  return { within: (perHost - 1) / perHost, between: 1 / perHost, senders: 'host before' };
}

/**
 * The two phases of a hierarchical all-to-all. First each rank sends its host's member of index j what goes to index j of any host, then
 * the members of one index exchange it: messages p times as large, to H - 1 peers and not to n - p.
 *
 * A rank that sends S to its n - 1 peers holds S n / (n - 1) with its own part, of which (p - 1) / p go to other indexes and
 * (H - 1) / H to other hosts.
 */
export function hierarchicalShares({ hosts, perHost }: Spread): { within: number; between: number } {
  const ranks = hosts * perHost;
  const held = ranks / (ranks - 1);
  return { within: (held * (perHost - 1)) / perHost, between: (held * (hosts - 1)) / hosts };
}
