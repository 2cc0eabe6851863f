import type { FittedMachine, FittedStage, ReadingError } from '../../../studies/calibration/fitMachine.ts';
import {
  farthestOff,
  heldOutGroups,
  type ReadingGroup,
  type ReadingStatistics,
  readingStatistics,
  stageGroups,
} from '../../../studies/calibration/readingErrors.ts';
import type { Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';

/** Prints what each stage of a fit found, and how far off it is on both sides of the split. */
export function printFit({ stages }: Pick<FittedMachine, 'stages'>, worst: number, output: Output): void {
  printParameters(stages, output);
  output.result('\n');
  output.result(
    formatTable(ERROR_COLUMNS, [...stageGroups(stages), ...heldOutGroups(stages)], output.layout),
  );
  if (worst === 0) return;
  output.result('\nfarthest off among the held-out readings\n');
  output.result(formatTable(READING_COLUMNS, farthestOff(stages, 'held-out').slice(0, worst), output.layout));
}

/** The same of a fit to all readings: none is held out, and how far off those are that were fitted is no error of a prediction. */
export function printFitToAll(
  { stages }: Pick<FittedMachine, 'stages'>,
  worst: number,
  output: Output,
): void {
  printParameters(stages, output);
  output.result('\n');
  output.result(
    formatTable(
      ERROR_COLUMNS,
      stageGroups(stages).filter(({ side }) => side === 'fit'),
      output.layout,
    ),
  );
  if (worst === 0) return;
  output.result('\nfarthest off among the fitted readings; none is held out\n');
  output.result(formatTable(READING_COLUMNS, farthestOff(stages, 'fit').slice(0, worst), output.layout));
}

const READING_COLUMNS: readonly Column<ReadingError>[] = [
  { header: 'reading', value: (row) => row.id },
  { header: 'of', value: (row) => row.quantity },
  { header: 'error %', value: (row) => row.error * 100, digits: 1 },
  { header: 'rounds apart %', value: (row) => row.spread * 100, digits: 1 },
];

function printParameters(stages: readonly FittedStage[], output: Output): void {
  const numbers = stages.flatMap(({ name, result }) =>
    result.parameters.map((parameter) => ({ stage: name, ...parameter })),
  );
  output.result(
    formatTable(
      [
        { header: 'stage', value: (row) => row.stage },
        { header: 'parameter', value: (row) => row.name },
        { header: 'value', value: (row) => row.value, digits: 3 },
        { header: '95 % low', value: (row) => row.low95, digits: 3 },
        { header: '95 % high', value: (row) => row.high95, digits: 3 },
      ],
      numbers,
      output.layout,
    ),
  );
}

const percent = (of: (statistics: ReadingStatistics) => number) => {
  return ({ readings }: ReadingGroup) => {
    const statistics = readingStatistics(readings);
    return statistics === null ? null : of(statistics) * 100;
  };
};

const ERROR_COLUMNS: readonly Column<ReadingGroup>[] = [
  { header: 'stage', value: ({ name }) => name },
  { header: 'readings', value: ({ side }) => side },
  { header: 'n', value: ({ readings }) => readings.length },
  { header: 'MAPE %', value: percent(({ mape }) => mape), digits: 1 },
  { header: 'bias %', value: percent(({ bias }) => bias), digits: 1 },
  { header: 'p95 %', value: percent(({ p95 }) => p95), digits: 1 },
  { header: 'largest %', value: percent(({ largest }) => largest), digits: 1 },
  { header: 'rounds apart %', value: percent(({ spread }) => spread), digits: 1 },
];
