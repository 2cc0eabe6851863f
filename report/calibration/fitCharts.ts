import { max, min } from 'simple-statistics';
import type { Calibration } from '../../studies/calibration/calibrationFile.ts';
import type { FittedMachine } from '../../studies/calibration/fitMachine.ts';
import { readingStatistics } from '../../studies/calibration/readingErrors.ts';
import type { CaseReading } from '../../studies/calibration/readings.ts';
import { countText, fixedText, listText, percentText } from '../../studies/numberText.ts';
import { contentionChart } from '../../studies/plots/contentionChart.ts';
import { residualsOfFit } from '../../studies/plots/residualsChart.ts';
import { commandText } from '../parts/commandText.ts';
import type { ChartPart } from '../report.ts';

/** Residuals by stage, and where copies ran beside collectives both their rates. */
export function fitCharts(
  fitted: FittedMachine,
  calibration: Calibration,
  readings: readonly CaseReading[],
): ChartPart[] {
  const { file } = calibration;
  const beside = readings.filter(
    ({ quantity, parameters }) => parameters.kind === 'together' && quantity === 'h2dBytesPerS',
  );
  const residuals: ChartPart = {
    ...{ kind: 'chart', id: 'residuals-chart', chart: residualsOfFit(fitted, calibration) },
    says: residualsText(fitted),
    command: commandText(['plot', 'residuals', file, '--out', 'residuals.svg']),
  };
  if (beside.length === 0) return [residuals];
  const subtitle = [`law and predictions of ${fitted.system.name}, as fitted`];
  return [
    residuals,
    {
      ...{ kind: 'chart', id: 'contention' },
      chart: contentionChart(readings, fitted.system, 'Copies and collectives beside each other', subtitle),
      says: contentionText(beside),
      command: `${commandText(['fit', file, '--out', 'fitted.yaml'])}\n${commandText(['plot', 'contention', file, '--machine', 'fitted.yaml', '--out', 'contention.svg'])}`,
    },
  ];
}

function residualsText({ stages }: FittedMachine): string {
  const judged = stages.flatMap(({ name, errors }) => {
    const statistics = readingStatistics(errors['held-out']);
    return statistics === null ? [] : [{ name, statistics }];
  });
  const byError = judged.sort((one, other) => one.statistics.p95 - other.statistics.p95);
  const [best, worst] = [byError[0], byError.at(-1)];
  if (best === undefined || worst === undefined) return 'No reading was held out.';
  const text = ({ name, statistics }: typeof best) =>
    `${name} (95 of 100 within ${percentText(statistics.p95)})`;
  return `A line for each of ${countText(stages.length, 'stage')}. Of the held-out readings those of ${text(best)} are closest, those of ${text(worst)} farthest off.`;
}

function contentionText(beside: readonly CaseReading[]): string {
  const rates = beside.map(({ measured }) => measured / 1e9);
  const transports = [
    ...new Set(
      beside.flatMap(({ parameters }) => (parameters.kind === 'together' ? [parameters.transport] : [])),
    ),
  ];
  return (
    `${countText(beside.length, 'reading')} of host-to-device copies beside collectives over ${listText(transports)}: ` +
    `the copies get ${fixedText(min(rates), 1)} to ${fixedText(max(rates), 1)} GB/s. Each is joined to its prediction; the line is the law of the link.`
  );
}
