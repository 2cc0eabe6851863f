import { type Finding, type Limits, limitText, standingOf } from '../finding.ts';
import { percentText } from '../numberText.ts';
import type { RegretReport } from './report.ts';

/** Measurements of equally fast plans differ by a per cent or two. */
const REGRET: Limits = { holds: 0.02, inPart: 0.05 };

/** Whether the choices of an experiment are as fast as the best that was measured. */
export function regretFinding({
  largest,
  mean,
  compared,
  distinct,
  withinNoise,
}: Pick<RegretReport, 'largest' | 'mean' | 'compared' | 'distinct' | 'withinNoise'>): Finding {
  return {
    about: 'choices',
    standing: standingOf(mean, REGRET),
    says:
      mean === null || largest === null
        ? 'no choice has a competitor within its cap'
        : `${compared} choices (${distinct} distinct plans) are ${percentText(mean, 2)} slower on average than the fastest measured plan ` +
          `within their caps, ${percentText(largest.regret, 2)} at the most; ${withinNoise} of them within the noise`,
    limit: `mean regret: ${limitText(REGRET)}`,
  };
}
