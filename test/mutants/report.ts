import type { MutantResult } from './mutationRun.ts';

/** At most this share of the mutants may survive. */
const MOST_SURVIVING = 0.05;

export interface MutationReport {
  /** What is to be looked at: survivors, rows that do not match and reasons that no longer hold; each by its name. */
  lines: string[];
  summary: string;
  ok: boolean;
}

/**
 * Sums up a mutation run. It is in order where every row matches its file, at most 5 % of the mutants survive, each for a
 * reason that its row states, and no mutant with such a reason is killed.
 */
export function mutationReport(results: readonly MutantResult[]): MutationReport {
  const of = (kind: MutantResult['fate']['kind']) => results.filter(({ fate }) => fate.kind === kind);
  const survived = of('survived');
  const invalid = of('invalid');
  const killed = of('killed');
  const outdated = killed.filter(({ mutant }) => mutant.reason !== null);
  const unexplained = survived.filter(({ mutant }) => mutant.reason === null);
  const share = survived.length / results.length;
  return {
    lines: [
      ...survived.map(
        ({ mutant }) => `survived: ${mutant.name} (${mutant.reason ?? 'no reason: a test is missing'})`,
      ),
      ...outdated.map(
        ({ mutant }) => `killed, though its reason says that it survives: ${mutant.name} (${mutant.reason})`,
      ),
      ...invalid.flatMap(({ fate }) => (fate.kind === 'invalid' ? [`invalid: ${fate.message}`] : [])),
    ],
    summary:
      `${results.length} mutants: ${killed.length} killed, ` +
      `${survived.length} survived (${(100 * share).toFixed(1)} %), ${invalid.length} invalid`,
    ok: invalid.length === 0 && outdated.length === 0 && unexplained.length === 0 && share <= MOST_SURVIVING,
  };
}
