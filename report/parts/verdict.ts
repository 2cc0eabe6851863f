import { type Finding, type Standing, worstOf } from '../../studies/finding.ts';
import { listText } from '../../studies/numberText.ts';
import type { KeyFigure, Verdict } from '../report.ts';

/** The verdict over findings: as good as the worst of them that decides. */
export function verdictOf(
  { findings, beside = [] }: { findings: readonly Finding[]; beside?: readonly Finding[] },
  says: (standing: Standing, weak: string) => string,
  figures: readonly KeyFigure[],
): Verdict {
  const standing = worstOf(findings);
  const weak = findings.filter((one) => one.standing === 'in part' || one.standing === 'fails');
  return {
    ...{ standing, figures },
    says: says(standing, listText(weak.map(({ about }) => about))),
    findings: [...findings, ...beside],
  };
}
