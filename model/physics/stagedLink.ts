import type { System } from '../system/system.ts';
import type { StagedCopyTransport } from '../system/transport.ts';
import { pathToMemory } from '../system/tree.ts';
import { gpusOfRanks, runningRanks } from './linkShare.ts';
import { copyRates, copyRatesOfShare } from './rates.ts';
import type { Link, StagedPieces } from './stagedCopy.ts';
import { meanMissedShare } from './stagedReads.ts';

/** Rates have met the share that they make when it moves by less than this. */
const SAME_SHARE = 1e-6;
/** A share that still moves after so many rounds is within a thousandth of where it goes. */
const MOST_ROUNDS = 64;
/** Delays of reads that agree to so many digits are one. */
const DIGITS = 3;

/** By machine, which never changes, then by group, cache, exchange and delay: the step of a plan has the same ones over and over. */
const LINKS = new WeakMap<System, Map<string, Link>>();

/**
 * Rates of a staged exchange's pieces where the CPU's cache serves some of its reads (`missedShare`), in closed form. What memory
 * serves of the reads decides how fast they are, and how far they fall behind the writes decides what memory serves: of all
 * shares that agree with their own rates the one that a backlog reaches which begins with nothing, the least.
 *
 *   backlog = written bytes x (1 - time of the writes / (delay + time of the reads))
 *
 * @param delayS from the first write to the first read, beyond the time of a piece: pieces may queue behind chunks of weights.
 */
export function stagedLink(
  system: System,
  transport: StagedCopyTransport,
  groupSize: number,
  pieces: StagedPieces,
  delayS = 0,
): Link {
  const { cacheBytes } = transport;
  if (cacheBytes === 0) return copyRates(system, groupSize);
  const ofSystem = LINKS.get(system) ?? new Map<string, Link>();
  LINKS.set(system, ofSystem);
  const { pieceBytes, writes, reads } = pieces;
  const key = [
    groupSize,
    cacheBytes,
    transport.flagS,
    pieceBytes,
    writes,
    reads,
    delayS.toPrecision(DIGITS),
  ].join(' ');
  const known = ofSystem.get(key);
  if (known !== undefined) return known;
  const link = solvedLink(system, transport, groupSize, pieces, delayS);
  ofSystem.set(key, link);
  return link;
}

/** The fastest that pieces of any exchange go: the cache serves all reads. For bounds. */
export function fastestStagedLink(system: System, transport: StagedCopyTransport, groupSize: number): Link {
  return transport.cacheBytes === 0 ? copyRates(system, groupSize) : copyRatesOfShare(system, groupSize, 0);
}

function solvedLink(
  system: System,
  { cacheBytes, flagS }: StagedCopyTransport,
  groupSize: number,
  { pieceBytes, writes, reads }: StagedPieces,
  delayS: number,
): Link {
  const { gapS } = system.gpu.copyEngine;
  const ranks = ranksOfOneMemory(system, groupSize);
  let share = meanMissedShare(ranks * pieceBytes, 0, cacheBytes);
  for (let round = 0; ; round += 1) {
    const link = copyRatesOfShare(system, groupSize, share);
    const writesS = writes * (gapS + pieceBytes / link.bothD2h + flagS);
    const readsS = delayS + reads * (gapS + pieceBytes / link.both);
    const backlogBytes = ranks * writes * pieceBytes * Math.max(0, 1 - writesS / readsS);
    const next = meanMissedShare(ranks * pieceBytes, backlogBytes, cacheBytes);
    if (round === MOST_ROUNDS || Math.abs(next - share) < SAME_SHARE) return link;
    share = next;
  }
}

/** Ranks that stage in the first rank's host memory. */
function ranksOfOneMemory(system: System, groupSize: number): number {
  const memories = gpusOfRanks(system, runningRanks(system, groupSize)).map(
    (gpu) => pathToMemory(system.tree, gpu).memory.id,
  );
  return memories.filter((id) => id === memories[0]).length;
}
