import type { Swing } from '../../search/explain/sensitivity/swings.ts';
import { type Chart, type Group, name, number } from './chart.ts';
import { role, seriesRole } from './theme.ts';

/** Parameters that move the step by less than this share both ways are left out. */
const NOTHING = 5e-5;
const BAR_PX = 18;
const SIDES = ['smaller', 'larger'] as const;

/** A plan's step, and what it becomes. Seconds. */
export interface PlanSwings {
  plan: string;
  stepS: number;
  swings: readonly Swing[];
}

/** A tornado for each plan: how much of the step each parameter adds or takes as it goes a share down and up, the largest at the top. */
export function sensitivityChart(
  plans: readonly PlanSwings[],
  sharePercent: number,
  title: string,
  subtitle: readonly string[],
): Chart {
  const rows = plans.flatMap(swingRows);
  const most = Math.max(...rows.map(({ percent }) => Math.abs(percent)), 0.1) * 1.04;
  return {
    title,
    subtitle: [
      ...subtitle,
      `each parameter ${sharePercent} % smaller and larger, the others as they are; the plan is the same`,
    ],
    columns: plans.length > 1 ? 2 : 1,
    groups: plans.map((plan) => tornado(plan, most)),
    rows,
    guides: { none: [{ percent: 0 }] },
    legend: SIDES.map((side) => `${side} parameter`),
    resolve: { scale: { color: 'shared' } },
  };
}

function swingRows({ plan, stepS, swings }: PlanSwings) {
  return swings
    .filter(
      ({ smallerS, largerS }) =>
        Math.max(Math.abs(smallerS - stepS), Math.abs(largerS - stepS)) > NOTHING * stepS,
    )
    .flatMap(({ parameter, value, smallerS, largerS }) =>
      [smallerS, largerS].map((changedS, index) => ({
        ...{ plan, parameter, value, side: SIDES[index]! },
        ...{ stepMs: changedS * 1e3, percent: 100 * (changedS / stepS - 1) },
      })),
    );
}

function tornado(of: PlanSwings, most: number): Group {
  const x = number('percent', 'change of the step (%)', {
    scale: { domain: [-most, most], nice: false },
    axis: { format: '+~r' },
  });
  const order = [...new Set(swingRows(of).map(({ parameter }) => parameter))];
  const labels = SIDES.map((side) => `${side} parameter`);
  return {
    heading: `${of.plan}: ${(of.stepS * 1e3).toLocaleString('en-US', { maximumFractionDigits: 1 })} ms`,
    views: [
      {
        height: { step: BAR_PX },
        layer: [
          {
            data: { name: 'rows' },
            transform: [
              { filter: { field: 'plan', equal: of.plan } },
              { calculate: "datum.side + ' parameter'", as: 'which' },
            ],
            mark: { type: 'bar', height: { band: 0.8 } },
            encoding: {
              x: { ...x, stack: null },
              y: name('parameter', null, { sort: order }),
              color: name('which', null, {
                scale: { domain: labels, range: [seriesRole(0), seriesRole(1)] },
              }),
              tooltip: [
                ...[name('parameter', 'parameter'), name('value', 'as it is'), name('side', 'changed to')],
                number('stepMs', 'step (ms)', { format: ',.1f' }),
                number('percent', 'change of the step (%)', { format: '+.2f' }),
              ],
            },
          },
          {
            data: { name: 'none' },
            mark: { type: 'rule', color: role('ink') },
            encoding: { x },
          },
        ],
      },
    ],
  };
}
