import { UserError } from '../../../model/input/userError.ts';
import { cardIds, readCard } from '../../../model/system/cards/cards.ts';
import { loadSystem } from '../../../model/system/load.ts';
import type { System } from '../../../model/system/system.ts';
import type { NotPredicted } from './notPredicted.ts';
import type { StepRecord } from './stepFormat.ts';
import type { CARDS } from './vocabulary.ts';

/** Cards whose file has another name than the collection uses. */
const CARD_FILES: Partial<Record<(typeof CARDS)[number], string>> = { 'h200-sxm': 'h200' };

/** Name of a card's file. */
export function cardIdOf(card: (typeof CARDS)[number]): string {
  return CARD_FILES[card] ?? card;
}

/** A machine in the words of `--machine`, and as it was read. */
export interface RecordMachine {
  text: string;
  system: System;
}

const machines = new Map<string, System>();

/**
 * The machine of a record whose card is closed: so many of its card, each on its own root, with NVLink where the record or the card's
 * board has it. Machines of the catalogue are passed over: a reader of such a figure has the card's name and no more.
 */
export function recordMachine({ card, gpus, interconnect }: StepRecord): RecordMachine | NotPredicted {
  const id = cardIdOf(card!);
  if (!cardIds().includes(id)) return { reason: `no card ${card}` };
  const { nvlink } = readCard(id);
  const isSettled = gpus === 1 || nvlink === undefined || interconnect === null;
  const wiring = isSettled ? '' : `,nvlink=${interconnect === 'nvlink' ? 'on' : 'off'}`;
  const text = `${gpus === 1 ? '' : `${gpus}x`}${id}${wiring}`;
  try {
    const system = machines.get(text) ?? loadSystem(text);
    machines.set(text, system);
    return { text, system };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { reason: `no machine of ${text}` };
  }
}
