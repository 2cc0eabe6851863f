/**
 * Kinds of events. An event is a kind and an index in one integer: of an operation that ends, of a copy engine's timer, of the end of
 * its time slice, of the end of a channel's pause, of a collective's start-up that is over.
 */
export const EVENT = { op: 0, engine: 1, slice: 2, channel: 3, collective: 4 } as const;

export type EventKind = (typeof EVENT)[keyof typeof EVENT];

const INDEX_BITS = 26;
const INDEX_MASK = 2 ** INDEX_BITS - 1;

/** @param index below 2^26. */
export function eventOf(kind: EventKind, index: number): number {
  return (kind << INDEX_BITS) | index;
}

export function kindOf(event: number): number {
  return event >> INDEX_BITS;
}

export function indexOf(event: number): number {
  return event & INDEX_MASK;
}
