import { mean, sampleCorrelation, standardDeviation } from 'simple-statistics';
import { slowestRanks } from './arenaSpread.ts';
import {
  centredInGroups,
  type IntraclassCorrelation,
  intraclassCorrelation,
  pooledCorrelation,
} from './intraclassCorrelation.ts';
import type { MeasurementRecord } from './records.ts';

type Arena = MeasurementRecord<'arena'>;
/** Bytes per second, or null where a tuple of slots was not surveyed. */
type Rate = number | null;

/** How much of what copy rates vary by, all ranks at once, comes back where the same places are copied from again. */
export interface ArenaPlaces {
  /** Mean rates of the slots: one rank alone; of the blocks' slots as surveyed, and of the whole blocks, by slowest rank. */
  aloneBytesPerS: number;
  inOrder: LayoutRates;
  placed: LayoutRates;
  /**
   * Of each rank's slots over the shifts of the survey: repeats where a slot is slow beside whatever slots of the other ranks.
   * Of all ranks but the first, whose slots are always copied in the same order, so that what depends on a copy's position
   * in a pass would count as place. Null with one rank or one shift.
   */
  slots: IntraclassCorrelation | null;
  /** Of tuples of slots, one on each rank, that were copied from again: repeats also where slots collide only with each other. */
  blocks: IntraclassCorrelation | null;
  /** Correlation of ranks' rates: of copies at the same moment, and of slots of the same number at different moments. */
  ranksAlike: { sameMoment: number | null; sameSlot: number | null };
}

/** Rates of blocks in one layout. */
export interface LayoutRates {
  /** Samples of the survey; null where it has none of the layout's tuples of slots. */
  surveyBytesPerS: number | null;
  blockBytesPerS: number;
  /** Of the blocks: standard deviation over mean. */
  variation: number;
}

/**
 * Separates the variance of copy rates in pinned arenas into place, which repeated readings share, and time, which they do not.
 *
 * @param random uniform numbers in [0, 1), for the null distribution.
 */
export function arenaPlaces(record: Arena, random: () => number): ArenaPlaces {
  const { layout, groupOfSlot, slotOf } = record;
  const inOrderSlots = record.alone.map(() => record.blocks.map((_, index) => index));
  const surveyed = {
    inOrder: surveyOf(record, inOrderSlots),
    placed: surveyOf(record, slotOf),
  };
  const blocks = {
    inOrder: slowestRanks(record.inOrder.bytesPerS),
    placed: slowestRanks(record.placed.bytesPerS),
  };
  const groups = slotOf[0]!.map((slot) => groupOfSlot[slot]!);
  const repeated =
    layout === 'same'
      ? [[surveyed.inOrder, blocks.inOrder, blocks.placed]]
      : [
          [surveyed.inOrder, blocks.inOrder],
          [surveyed.placed, blocks.placed],
        ];
  return {
    aloneBytesPerS: mean(record.alone.flat()),
    inOrder: layoutRates(surveyed.inOrder, blocks.inOrder),
    placed: layoutRates(surveyed.placed, blocks.placed),
    slots: slotCorrelation(record, random),
    blocks: pooledCorrelation(
      repeated.flatMap((passes) => correlationOfComplete(passes, groups, random) ?? []),
    ),
    ranksAlike: ranksAlike(record),
  };
}

function slotCorrelation({ together, groupOfSlot, alone }: Arena, random: () => number) {
  const others = alone.slice(1);
  const groupCount = Math.max(...groupOfSlot) + 1;
  return intraclassCorrelation(
    together.map(({ bytesPerS }) => bytesPerS.slice(1).flat()),
    others.flatMap((_, rank) => groupOfSlot.map((group) => rank * groupCount + group)),
    random,
  );
}

/** Over the items that every pass has. */
function correlationOfComplete(
  passes: readonly (readonly Rate[])[],
  groups: readonly number[],
  random: () => number,
): IntraclassCorrelation | null {
  const items = groups.flatMap((_, item) => (passes.every((pass) => pass[item] !== null) ? [item] : []));
  return intraclassCorrelation(
    passes.map((pass) => items.map((item) => pass[item]!)),
    items.map((item) => groups[item]!),
    random,
  );
}

/** The slowest rank's surveyed rate of each block, at the shift where the ranks copy from its slots at once. */
function surveyOf(record: Arena, slotOf: readonly (readonly number[])[]): Rate[] {
  return record.blocks.map((_, index) => {
    const slots = slotOf.map((ofRank) => ofRank[index]!);
    const pass = record.together.find(({ shift }) =>
      slots.every((slot, rank) => slot === shiftedSlot(record, slots[0]!, rank * shift)),
    );
    return pass === undefined ? null : Math.min(...slots.map((slot, rank) => pass.bytesPerS[rank]![slot]!));
  });
}

/** The slot that is so much further in its group, behind whose last comes its first. */
function shiftedSlot({ groupOfSlot }: Arena, slot: number, shift: number): number {
  const members = groupOfSlot.flatMap((group, other) => (group === groupOfSlot[slot] ? [other] : []));
  return members[(members.indexOf(slot) + shift) % members.length]!;
}

function ranksAlike(record: Arena): ArenaPlaces['ranksAlike'] {
  const moment: [number, number][] = [];
  const slot: [number, number][] = [];
  for (const { shift, bytesPerS } of record.together) {
    const [first, ...others] = bytesPerS.map((rates) => centredInGroups(rates, record.groupOfSlot));
    for (const [index, rate] of first!.entries()) {
      for (const [before, other] of others.entries()) {
        const partner = shiftedSlot(record, index, (before + 1) * shift);
        moment.push([rate, other[partner]!]);
        if (partner !== index) slot.push([rate, other[index]!]);
      }
    }
  }
  return { sameMoment: correlationOf(moment), sameSlot: correlationOf(slot) };
}

/** Null where one side does not vary. */
function correlationOf(pairs: readonly (readonly [number, number])[]): number | null {
  if (pairs.length < 2) return null;
  const correlation = sampleCorrelation(
    pairs.map(([first]) => first),
    pairs.map(([, second]) => second),
  );
  return Number.isFinite(correlation) ? correlation : null;
}

function layoutRates(survey: readonly Rate[], blocks: readonly number[]): LayoutRates {
  const known = survey.filter((rate) => rate !== null);
  return {
    surveyBytesPerS: known.length === 0 ? null : mean(known),
    blockBytesPerS: mean([...blocks]),
    variation: standardDeviation([...blocks]) / mean([...blocks]),
  };
}
