import type { z } from 'zod';
import type { besideH2d } from './numbers.ts';
import type { Contention } from './transport.ts';

/** What a collective and H2D leave each other, checked. */
export function contentionOf(
  { collective, h2d, gap }: z.output<typeof besideH2d>,
  at: readonly string[],
  fail: (path: readonly PropertyKey[], message: string) => never,
): Contention {
  if (collective.value + h2d.value < 1) {
    fail(
      at,
      `collective ${collective.value} and h2d ${h2d.value} add up to less than 1; a shared link is never left idle`,
    );
  }
  if (h2d.value === 1 && collective.value < 1) {
    fail(
      [...at, 'collective'],
      `${collective.value} beside h2d 1: copies that lose nothing share nothing; expected 1, or less than 1 for h2d`,
    );
  }
  return { collective: collective.value, h2d: h2d.value, gapS: gap?.value ?? null };
}
