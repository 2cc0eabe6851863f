import { max } from 'simple-statistics';
import type { Calibration } from '../calibration/calibrationFile.ts';
import type { FittedMachine, FittedStage } from '../calibration/fitMachine.ts';
import { type Chart, name, number } from './chart.ts';
import { role, seriesRole } from './theme.ts';

const SIDES = ['fit', 'held-out'] as const;
/** Errors of single readings that count as small, per cent to each side. */
const BAND_PERCENT = 10;
/** A reading farther off than this lies on the edge of the picture, and its tooltip says how far. */
const MOST_PERCENT = 50;
const STRIP_PX = 26;

/**
 * What a fit leaves unexplained: a line for each stage with its readings, full ones held out, hollow ones fitted; a bar goes as far as the
 * rounds of a reading lie apart.
 */
export function residualsChart(
  stages: readonly FittedStage[],
  title: string,
  subtitle: readonly string[],
): Chart {
  const rows = stages.flatMap((stage) => SIDES.flatMap((side) => stageRows(stage, side)));
  const widest = max([BAND_PERCENT * 1.2, ...rows.map(({ shownPercent }) => Math.abs(shownPercent))]) * 1.04;
  const outside = rows.filter(({ errorPercent, shownPercent }) => errorPercent !== shownPercent).length;
  const beyond =
    outside === 0
      ? []
      : [`${outside} of ${rows.length} readings are farther off than ${MOST_PERCENT} %, on the edge`];
  const scale = { domain: [-widest, widest], nice: false };
  const error = (field: string) => number(field, 'predicted over measured, less 1 (%)', { scale });
  const y = name('stage', null, { sort: stages.map((stage) => stage.name) });
  return {
    title,
    subtitle: [...subtitle, ...beyond],
    columns: 1,
    groups: [
      {
        views: [
          {
            height: { step: STRIP_PX },
            layer: [
              {
                data: { name: 'band' },
                mark: { type: 'rect', color: role('band') },
                encoding: { x: error('low'), x2: { field: 'high' } },
              },
              {
                data: { name: 'rows' },
                mark: { type: 'rule', color: role('line'), strokeWidth: 0.8, clip: true },
                encoding: { x: error('lowPercent'), x2: { field: 'highPercent' }, y, yOffset: SIDE_OFFSET },
              },
              {
                data: { name: 'rows' },
                mark: { type: 'point', size: 22, strokeWidth: 1.1, opacity: 0.9 },
                encoding: {
                  x: error('shownPercent'),
                  ...{ y, yOffset: SIDE_OFFSET },
                  color: name('side', 'readings', {
                    scale: { domain: SIDES, range: [seriesRole(1), seriesRole(0)] },
                  }),
                  shape: name('side', 'readings', { scale: { domain: SIDES, range: ['diamond', 'circle'] } }),
                  tooltip: TOOLTIP,
                },
              },
            ],
          },
        ],
      },
    ],
    rows,
    guides: { band: [{ low: -BAND_PERCENT, high: BAND_PERCENT }] },
    legend: SIDES,
  };
}

/** The same of a fit to a calibration, with what was measured where. */
export function residualsOfFit({ stages }: Pick<FittedMachine, 'stages'>, calibration: Calibration): Chart {
  const runs = [...calibration.cases, ...calibration.segments.map(({ run }) => run)].map(({ run }) => run);
  const measured = new Set(runs.map(({ devices, place }) => `${devices[0]?.name ?? 'no device'}, ${place}`));
  return residualsChart(stages, 'How far off the fitted machine is, reading by reading', [
    `measured on ${[...measured].join(' and ')}; bars: how far the rounds of a reading lie apart`,
  ]);
}

const SIDE_OFFSET = { field: 'side', type: 'nominal', scale: { domain: ['held-out', 'fit'] } };

const TOOLTIP = [
  ...[name('stage', 'stage'), name('side', 'readings'), name('id', 'reading'), name('quantity', 'quantity')],
  number('errorPercent', 'error (%)', { format: '+.1f' }),
  number('spreadPercent', 'rounds apart (%)', { format: '.1f' }),
  number('measured', 'measured', { format: '.4~g' }),
  number('predicted', 'predicted', { format: '.4~g' }),
];

function stageRows({ name: stage, errors }: FittedStage, side: (typeof SIDES)[number]) {
  return errors[side].map(({ id, quantity, error, spread, measured, predicted }) => {
    const errorPercent = error * 100;
    const shownPercent = Math.max(-MOST_PERCENT, Math.min(MOST_PERCENT, errorPercent));
    const spreadPercent = spread * 100;
    return {
      ...{ stage, side, id, quantity, measured, predicted, errorPercent, spreadPercent, shownPercent },
      lowPercent: shownPercent - spreadPercent / 2,
      highPercent: shownPercent + spreadPercent / 2,
    };
  });
}
