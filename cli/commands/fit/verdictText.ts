import { type FitVerdict, QUIET_SPREAD } from '../../../studies/calibration/fitVerdict.ts';
import type { Layout } from '../../text/layout.ts';
import { toned } from '../../text/layout.ts';
import { paragraph } from '../../text/wrap.ts';

/** What the fitted machine may be used for, and what not, with the reason. */
export function verdictText({ fit, unfit, unchecked }: FitVerdict, layout: Layout): string {
  if (fit.length + unfit.length === 0)
    return paragraph(
      'no reading was held out, as in a quick calibration, so nothing is checked: the errors above are of the readings that were fitted',
      layout,
    );
  const lines = [
    `fit for: ${fit.join('; ') || 'nothing'}`,
    ...unfit.map(({ stage, mape, largest, spread }) => {
      const noise =
        spread > QUIET_SPREAD
          ? `; rounds of one reading lie ${percent(spread)} apart: measure again while nothing else runs`
          : '';
      return `not fit for: ${stage}, held-out readings are ${percent(mape)} off on average, ${percent(largest)} at the most${noise}`;
    }),
    ...(unchecked.length > 0 ? [`without a held-out reading, so unchecked: ${unchecked.join('; ')}`] : []),
  ];
  return lines
    .map((line, index) =>
      toned(
        paragraph(line, layout),
        index === 0 ? 'best' : line.startsWith('not') ? 'refused' : null,
        layout,
      ),
    )
    .join('');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
