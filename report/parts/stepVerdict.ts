import type { Finding, Standing } from '../../studies/finding.ts';
import {
  heldOutFindings,
  heldOutStanding,
  type JudgedReport,
  noiseFinding,
} from '../../studies/heldOut/findings.ts';
import { orderSummary } from '../../studies/heldOut/planOrder.ts';
import { countText, fixedText, listText, percentText } from '../../studies/numberText.ts';
import type { KeyFigure, Verdict } from '../report.ts';

/** What else is judged beside predictions, such as choices. */
interface Beside {
  findings: readonly Finding[];
  figures: readonly KeyFigure[];
}

/** The verdict on predicted steps: as good as the worst of what they are used for; noise is the measurements' own. */
export function stepVerdict(
  report: JudgedReport,
  what: string,
  beside: Beside = { findings: [], figures: [] },
): Verdict {
  const findings = [...heldOutFindings(report), ...beside.findings];
  const standing = heldOutStanding(report, beside.findings);
  const weak = findings.filter((one) => one.standing === 'in part' || one.standing === 'fails');
  const steps = countText(report.all.simulated.n, 'step');
  return {
    standing,
    says: answers(report, steps, listText(weak.map(({ about }) => about)))[standing],
    figures: [...keyFigures(report, what), ...beside.figures],
    findings: [...findings, noiseFinding(report.all)],
  };
}

function answers({ all, orders }: JudgedReport, steps: string, weak: string): Record<Standing, string> {
  const tau = orderSummary(orders).kendallTau;
  const inOrder =
    tau === null
      ? ''
      : `, and their plans in the order in which they measure (Kendall's tau ${fixedText(tau.mean, 2)})`;
  const within = `95 of 100 within ${percentText(all.simulated.p95)}`;
  return {
    holds: `These ${steps} are predicted: ${within}${inOrder}.`,
    'in part': `These ${steps} are predicted in part, ${within}; weak: ${weak}.`,
    fails: `These ${steps} are not predicted well enough, ${within}; weak: ${weak}.`,
    'not shown': `These ${steps} show nothing.`,
  };
}

function keyFigures({ all, orders }: JudgedReport, what: string): KeyFigure[] {
  const { simulated, closedForm, covered, noise } = all;
  const tau = orderSummary(orders).kendallTau;
  const figure = (label: string, value: string, note: string): KeyFigure => ({ label, value, note });
  return [
    figure('Steps', fixedText(simulated.n, 0), what),
    figure('MAPE', percentText(simulated.mape), `closed form ${percentText(closedForm.mape)}`),
    figure('95 of 100 within', percentText(simulated.p95), `farthest ${percentText(simulated.largest)}`),
    ...(tau === null
      ? []
      : [figure("Kendall's tau", fixedText(tau.mean, 2), `least ${fixedText(tau.least, 2)}`)]),
    ...(covered === null ? [] : [figure('Inside the interval', percentText(covered), 'of 95 % claimed')]),
    ...(noise === null ? [] : [figure('Noise floor', percentText(noise), 'of the measurements')]),
  ];
}
