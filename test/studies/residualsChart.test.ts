import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FittedStage } from '../../studies/calibration/fitMachine.ts';
import { renderSvg } from '../../studies/plots/render.ts';
import { residualsChart } from '../../studies/plots/residualsChart.ts';
import { chartWidth } from '../../studies/plots/size.ts';

const chart = suite('the chart of what a fit leaves unexplained');

const reading = (id: string, error: number) => ({
  ...{ id, quantity: 'downS', bytes: 1, groupSize: 1, isBeside: false },
  ...{ measured: 2, predicted: 2 * (1 + error), error, spread: 0.04 },
});
const stage = (name: string, fit: readonly number[], heldOut: readonly number[]): FittedStage => ({
  ...{ name, result: { parameters: [], unidentified: [] } as never },
  errors: {
    fit: fit.map((error, index) => reading(`fit ${index}`, error)),
    'held-out': heldOut.map((error, index) => reading(`held ${index}`, error)),
  },
});
const stages = [stage('copies alone', [0.01, -0.02], [0.05]), stage('elementwise', [3], [-0.9, 0.2])];

chart('a record for each reading, with its error as it is; what is far off lies on the edge', () => {
  const { rows, subtitle } = residualsChart(stages, 'Residuals', ['measured on a GPU']);
  assert.equal(
    rows.map(({ stage: of, side, errorPercent, shownPercent }) => [of, side, errorPercent, shownPercent]),
    [
      ['copies alone', 'fit', 1, 1],
      ['copies alone', 'fit', -2, -2],
      ['copies alone', 'held-out', 5, 5],
      ['elementwise', 'fit', 300, 50],
      ['elementwise', 'held-out', -90, -50],
      ['elementwise', 'held-out', 20, 20],
    ],
  );
  assert.equal(subtitle, ['measured on a GPU', '2 of 6 readings are farther off than 50 %, on the edge']);
  assert.equal([rows[0]!.lowPercent, rows[0]!.highPercent], [-1, 3]);
});

chart('drawn, with its labels', async () => {
  const svg = await renderSvg(residualsChart(stages, 'Residuals', []), {
    theme: 'light',
    width: chartWidth('screen'),
  });
  for (const label of [
    'Residuals',
    'copies alone',
    'elementwise',
    'held-out',
    'predicted over measured, less 1 (%)',
  ])
    assert.ok(svg.includes(`>${label}<`), label);
});

chart.run();
