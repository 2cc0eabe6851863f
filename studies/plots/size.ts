import type { WidthName } from './lookNames.ts';

/** Pixels to the inch, as CSS has it. */
const PX_PER_INCH = 96;
const MM_PER_INCH = 25.4;
export const PT_PER_PX = 72 / PX_PER_INCH;

/** IEEE's column of 3.5 inches, and a text of 7 inches, which ACM's and NeurIPS' lie within a few millimetres of. */
const PRINTED_INCHES = { column: 3.5, page: 7 } as const;
const SCREEN_PX = 720;

/** A width as it is drawn, and as the file says it. */
export interface ChartWidth {
  px: number;
  /** Of an SVG's width; null for pixels. */
  mm: number | null;
}

export function chartWidth(name: WidthName): ChartWidth {
  if (name === 'screen') return { px: SCREEN_PX, mm: null };
  const inches = PRINTED_INCHES[name];
  return { px: inches * PX_PER_INCH, mm: inches * MM_PER_INCH };
}
