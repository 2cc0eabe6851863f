import { max, min } from 'simple-statistics';
import type { MeasurementRecord } from './records.ts';

/** Rates of one kind of copies, in bytes per second. */
export interface RateSpread {
  worst: number;
  best: number;
  /** Standard deviation over mean. */
  variation: number;
}

/** How much copies from the pinned arenas differ, by where in them they begin. */
export interface ArenaSpread {
  /** Of each rank's slots, with the other ranks standing still and with all at once, each at its own slot of the same number. */
  ranks: { alone: RateSpread; together: RateSpread }[];
  /** Of blocks, each of which ends with its slowest rank: in order on every rank, and where they are in the run. */
  inOrder: RateSpread;
  placed: RateSpread;
}

/** Summarises a survey of the arenas. */
export function arenaSpread({ alone, together, inOrder, placed }: MeasurementRecord<'arena'>): ArenaSpread {
  return {
    ranks: alone.map((rates, rank) => ({
      alone: spreadOf(rates),
      together: spreadOf(together[0]!.bytesPerS[rank]!),
    })),
    inOrder: spreadOf(slowestRanks(inOrder.bytesPerS)),
    placed: spreadOf(slowestRanks(placed.bytesPerS)),
  };
}

/** One line for people. */
export function arenaText(record: MeasurementRecord<'arena'>): string {
  const { ranks, inOrder, placed } = arenaSpread(record);
  const alone = ranks.map((rank) => rank.alone);
  const single = `${gbPerS(Math.min(...alone.map(({ worst }) => worst)))} to ${gbPerS(Math.max(...alone.map(({ best }) => best)))}`;
  const remark = record.remark === null ? '' : `; ${record.remark}`;
  return (
    `arena (${record.layout}): one rank alone ${single} GB/s; blocks on all ranks at once ` +
    `${rangeText(inOrder)} in order, ${rangeText(placed)} as laid out${remark}`
  );
}

function rangeText({ worst, best, variation }: RateSpread): string {
  return `${gbPerS(worst)} to ${gbPerS(best)} GB/s (variation ${(variation * 100).toFixed(1)} %)`;
}

function gbPerS(bytesPerS: number): string {
  return (bytesPerS / 1e9).toFixed(1);
}

/** Of each block. */
export function slowestRanks(byRank: readonly (readonly number[])[]): number[] {
  return byRank[0]!.map((_, block) => Math.min(...byRank.map((ofRank) => ofRank[block]!)));
}

function spreadOf(rates: readonly number[]): RateSpread {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const square = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return { worst: min(rates), best: max(rates), variation: Math.sqrt(square) / mean };
}
