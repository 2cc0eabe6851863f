import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fitFindings } from '../../studies/calibration/findings.ts';
import type { FittedStage } from '../../studies/calibration/fitMachine.ts';
import { fitVerdict } from '../../studies/calibration/fitVerdict.ts';
import {
  type Finding,
  limitText,
  overallStanding,
  type Standing,
  standingOf,
  worstOf,
} from '../../studies/finding.ts';
import { errorStatistics } from '../../studies/heldOut/errorStatistics.ts';
import { heldOutFindings, heldOutStanding, noiseFinding } from '../../studies/heldOut/findings.ts';
import { orderSummary } from '../../studies/heldOut/planOrder.ts';
import { fixedText, listText, percentText } from '../../studies/numberText.ts';
import { regretFinding } from '../../studies/regret/finding.ts';

const findings = suite('findings and their standing');

findings('a figure holds up to its first bound, in part up to its second, bounds included', () => {
  const most = { holds: 0.05, inPart: 0.1 };
  const least = { holds: 0.9, inPart: 0.7, isLeast: true } as const;
  for (const [figure, limits, standing] of [
    [0.05, most, 'holds'],
    [0.0501, most, 'in part'],
    [0.1, most, 'in part'],
    [0.1001, most, 'fails'],
    [null, most, 'not shown'],
    [0.9, least, 'holds'],
    [0.89, least, 'in part'],
    [0.7, least, 'in part'],
    [0.69, least, 'fails'],
  ] as const)
    assert.is(standingOf(figure, limits), standing, `${figure}`);
  assert.is(limitText(most), 'at most 5 %; in part to 10 %');
  assert.is(limitText(least), 'at least 90 %; in part from 70 %');
});

const as = (...standings: Standing[]): Finding[] =>
  standings.map((standing) => ({ standing, about: standing, says: '', limit: '' }));

findings('the worst counts; what was not shown does not', () => {
  assert.is(worstOf(as('holds', 'not shown', 'in part')), 'in part');
  assert.is(worstOf(as('fails', 'holds')), 'fails');
  assert.is(worstOf(as('not shown')), 'not shown');
  assert.is(worstOf([]), 'not shown');
});

findings('what fails beside others is in part, unless it decides or nothing holds', () => {
  assert.is(overallStanding(as('holds', 'fails')), 'in part');
  assert.is(overallStanding(as('fails', 'in part')), 'fails');
  assert.is(overallStanding(as('holds', 'holds')), 'holds');
  const all = as('fails', 'holds');
  assert.is(overallStanding(all, all.slice(0, 1)), 'fails');
  assert.is(overallStanding(all, all.slice(1)), 'in part');
});

const steps = ({ error = 0.01, tau = 1, covered = 1, memory = 0.01 as number | null } = {}) => {
  const errors = errorStatistics([error, -error, error])!;
  return {
    all: { name: 'all', simulated: errors, closedForm: errors, noise: 0.01, within5Percent: 1, covered },
    orders: [{ cell: 'one', right: 9, wrong: 1, withoutOrder: 2, kendallTau: tau, tauOfAllPairs: tau }],
    memory: memory === null ? null : errorStatistics([memory]),
  };
};
const standings = (report: ReturnType<typeof steps>) =>
  heldOutFindings(report).map(({ standing }) => standing);

findings('steps are held to their times by both roads, order, intervals and memory', () => {
  assert.equal(standings(steps()), ['holds', 'holds', 'holds', 'holds', 'holds']);
  assert.equal(standings(steps({ error: 0.06 })), ['in part', 'in part', 'holds', 'holds', 'holds']);
  assert.equal(standings(steps({ tau: 0.5 })), ['holds', 'holds', 'fails', 'holds', 'holds']);
  assert.equal(standings(steps({ covered: 0.8 })), ['holds', 'holds', 'holds', 'in part', 'holds']);
  assert.equal(standings(steps({ memory: 0.15 })), ['holds', 'holds', 'holds', 'holds', 'fails']);
  assert.equal(standings(steps({ memory: null })).at(-1), 'not shown');
});

findings('times and order decide over steps; memory that is wrong leaves them of use', () => {
  assert.is(heldOutStanding(steps()), 'holds');
  assert.is(heldOutStanding(steps({ memory: 0.15 })), 'in part');
  assert.is(heldOutStanding(steps({ tau: 0.5 })), 'fails');
  assert.is(heldOutStanding(steps({ error: 0.2 })), 'fails');
});

findings('their figures are those of the report', () => {
  const [times, , order, intervals] = heldOutFindings(steps({ error: 0.02, covered: 0.95 }));
  assert.is(times!.says, '95 of 100 within 2.0 %, the farthest 2.0 % off; MAPE 2.0 %, bias 0.7 %, 3 steps');
  assert.is(
    order!.says,
    "Kendall's tau 1.00 on average, 1.00 at the least, of the 10 of 12 pairs that measure apart",
  );
  assert.match(intervals!.says, /^95\.0 % of the steps/);
  assert.match(noiseFinding({ noise: null }).says, /one round/);
  assert.is(noiseFinding({ noise: null }).standing, 'not shown');
});

const stage = (errors: readonly number[], unidentified: readonly string[] = []): FittedStage => ({
  name: 'copies',
  result: { parameters: [], unidentified: unidentified.map((name) => ({ name, why: '' })) } as never,
  errors: {
    fit: [],
    'held-out': errors.map((error, index) => ({
      ...{ id: `${index}`, quantity: 'downS', bytes: 1, groupSize: 1, isBeside: false },
      ...{ measured: 1, predicted: 1 + error, error, spread: 0.01 },
    })),
  },
});

findings('a stage is judged by what was held out, as `fit` judges it', () => {
  const standing = (errors: readonly number[]) => fitFindings([stage(errors)])[0]!.standing;
  assert.is(standing([0.05, -0.05, 0.1]), 'holds');
  assert.is(standing([0.2, 0.2, -0.2]), 'fails');
  assert.is(standing([]), 'not shown');
  const [kept] = fitFindings([stage([0.01, 0.01, 0.01], ['latency', 'gap'])]);
  for (const errors of [[0.1, -0.1], [0.2], [], [0.11, 0.13, 0.12001]]) {
    const { fit, unfit, unchecked } = fitVerdict([stage(errors)]);
    const said =
      fit.length > 0 ? 'holds' : unfit.length > 0 ? 'fails' : unchecked.length > 0 ? 'not shown' : '';
    assert.is(standing(errors), said, errors.join());
  }
  assert.match(kept!.says, /^3 held-out readings, .*; latency and gap keep their values$/);
});

findings('choices are judged by their mean regret', () => {
  const report = { largest: { regret: 0.04 } as never, mean: 0.01, compared: 3, distinct: 2, withinNoise: 1 };
  assert.is(regretFinding(report).standing, 'holds');
  assert.match(
    regretFinding(report).says,
    /^3 choices \(2 distinct plans\) are 1\.00 % slower .* 4\.00 % at the most/,
  );
  assert.is(regretFinding({ ...report, mean: 0.06 }).standing, 'fails');
  assert.is(regretFinding({ ...report, mean: null, largest: null }).standing, 'not shown');
});

findings('orders of workloads are summed up, those without an order left out', () => {
  const order = (kendallTau: number | null, tauOfAllPairs: number | null) => ({
    ...{ cell: 'one', right: 3, wrong: 1, withoutOrder: 2, kendallTau, tauOfAllPairs },
  });
  assert.equal(orderSummary([order(0.5, 0.4), order(1, null), order(null, 0.2)]), {
    ...{ decided: 12, pairs: 18, kendallTau: { mean: 0.75, least: 0.5 } },
    tauOfAllPairs: { mean: (0.4 + 0.2) / 2, least: 0.2 },
  });
  assert.is(orderSummary([]).kendallTau, null);
});

findings('numbers and lists as text', () => {
  assert.is(percentText(0.0174), '1.7 %');
  assert.is(fixedText(-0.0001, 1), '0.0');
  assert.is(fixedText(1234.5, 1), '1,234.5');
  assert.is(listText([]), '');
  assert.is(listText(['a', 'b', 'c, d']), 'a, b and "c, d"');
});

findings.run();
