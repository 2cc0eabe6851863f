import type { LegacyHighs } from 'highs';

export type Highs = LegacyHighs;

/** Loads HiGHS, which solves programs from then on without waiting. */
export async function loadSolver(): Promise<Highs> {
  // Its types describe another module system than Node loads it with.
  const module = (await import('highs')) as unknown as { default: () => Promise<Highs> };
  return module.default();
}
