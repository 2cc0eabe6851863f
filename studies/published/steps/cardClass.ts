import { readCard } from '../../../model/system/cards/cards.ts';
import { cardIdOf } from './recordMachine.ts';
import type { StepRecord } from './stepFormat.ts';

/** Kinds of cards that a reader tells apart: by where they are plugged in. */
export const CARD_CLASSES = ['desktop', 'server, PCIe', 'SXM or superchip', 'left open'] as const;
export type CardClass = (typeof CARD_CLASSES)[number];

/** The class of a predicted record's card. */
export function cardClassOf({ card }: StepRecord): CardClass {
  if (card === null) return 'left open';
  const { host, nvlink, link } = readCard(cardIdOf(card));
  if (host === 'desktop') return 'desktop';
  const isOnBoard = nvlink?.by === 'switch' || (link !== 'unified' && 'c2c' in link);
  return isOnBoard ? 'SXM or superchip' : 'server, PCIe';
}
