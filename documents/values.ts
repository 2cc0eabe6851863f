import { z } from 'zod';

/** Shapes of values that several documents have. */
export const seconds = z.number().min(0);
export const bytes = z.number().min(0);
export const bytesPerS = z.number().min(0);
export const count = z.int().min(0);

export const breakEven = z
  .strictObject({
    tokens: z.number().nullable(),
    frames: z.number().nullable(),
    batch: z.number().nullable(),
  })
  .describe('sizes from which weights are hidden; null where the question has no answer');
