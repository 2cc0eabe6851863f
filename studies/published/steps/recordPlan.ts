import type { StepRecord } from './stepFormat.ts';

/**
 * The plan of a record whose offload is closed, as text; null where this project has none for it. Components are exchanged between
 * steps, so a step of theirs streams nothing.
 */
export function planOf({ offload }: StepRecord): string | null {
  const { kind, plan } = offload!;
  if (kind === 'none' || kind === 'component') return 'none';
  return plan ?? null;
}
