import { z } from 'zod';
import type { Dimension } from '../input/quantity.ts';
import { quantity } from '../input/quantity.ts';
import { shown, type UserError } from '../input/userError.ts';
import { PROVENANCES } from './system.ts';

export const provenance = z.enum(PROVENANCES).describe('where the number came from');

/** A number with a unit and where it came from: `{is: 55.4 GB/s, from: measured, source: nvbandwidth}`. */
export function physical(dimension: Dimension) {
  const text = z.string().superRefine((value, context) => {
    try {
      const positive = dimension === 'rate' || dimension === 'compute' || dimension === 'power';
      if (quantity(value, dimension) === 0 && positive) {
        context.addIssue({ code: 'custom', message: `expected more than zero, got ${shown(value)}` });
      }
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as UserError).message });
    }
  });
  return z
    .strictObject({
      is: text,
      from: provenance,
      source: z.string().default(''),
      interval: z.tuple([text, text]).optional().describe('of a fitted number: 95 %'),
    })
    .transform((entry) => ({
      ...entry,
      value: quantity(entry.is, dimension),
      interval: entry.interval?.map((end) => quantity(end, dimension)),
    }));
}

/**
 * A plain number between bounds, with where it came from.
 *
 * @param above error of a number above the upper bound, where there is another way to say it.
 */
export function plain(low: number, high: number, above?: { error: (issue: { input?: unknown }) => string }) {
  const upTo = z.number().min(low);
  return z
    .strictObject({
      is: above === undefined ? upTo.max(high) : upTo.max(high, above),
      from: provenance,
      source: z.string().default(''),
      interval: z.tuple([z.number(), z.number()]).optional().describe('of a fitted number: 95 %'),
    })
    .transform((entry) => ({ ...entry, value: entry.is }));
}

/** Generation and width of a PCIe link. */
export const pcieLink = z.strictObject({
  gen: z.literal([1, 2, 3, 4, 5, 6]),
  lanes: z.literal([1, 2, 4, 8, 16]),
});

/** What a collective and H2D leave each other. */
export const besideH2d = z.strictObject({
  collective: plain(0.01, 1).describe("what is left of the collective's rate while H2D runs, as a fraction"),
  h2d: plain(0.01, 1).describe("what is left of H2D's rate while the collective runs"),
  gap: physical('time').optional().describe('between back-to-back chunks while the collective runs'),
});
