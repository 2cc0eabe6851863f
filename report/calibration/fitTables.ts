import type { FittedStage, ReadingError } from '../../studies/calibration/fitMachine.ts';
import {
  farthestOff,
  heldOutGroups,
  type ReadingGroup,
  type ReadingStatistics,
  readingStatistics,
  stageGroups,
} from '../../studies/calibration/readingErrors.ts';
import { type Column, percentColumn, tablePart } from '../parts/table.ts';
import type { TablePart } from '../report.ts';

const WORST = 10;

const percent = (header: string, of: (statistics: ReadingStatistics) => number) =>
  percentColumn<ReadingGroup>(header, ({ readings }) => {
    const statistics = readingStatistics(readings);
    return statistics === null ? null : of(statistics);
  });

const GROUP_COLUMNS: readonly Column<ReadingGroup>[] = [
  { header: 'stage', value: ({ name }) => name },
  { header: 'readings', value: ({ side }) => side },
  { header: 'n', value: ({ readings }) => readings.length },
  percent('MAPE %', ({ mape }) => mape),
  percent('bias %', ({ bias }) => bias),
  percent('median %', ({ median }) => median),
  percent('p95 %', ({ p95 }) => p95),
  percent('largest %', ({ largest }) => largest),
  percent('rounds apart %', ({ spread }) => spread),
];

/** Errors of each stage on both sides of the split, and of held-out readings over several stages. */
export function stageErrorTable(stages: readonly FittedStage[], command: string): TablePart {
  const groups = [...stageGroups(stages), ...heldOutGroups(stages)];
  const caption = 'How far off the fitted machine is, of the readings that were fitted and of those held out';
  return tablePart('stage-errors', caption, GROUP_COLUMNS, groups, { command });
}

interface StageReading extends ReadingError {
  stage: string;
  side: string;
}

const READING: readonly Column<StageReading>[] = [
  { header: 'reading', value: ({ id }) => id },
  { header: 'of', value: ({ quantity }) => quantity },
  { header: 'stage', value: ({ stage }) => stage },
];

const ERROR: readonly Column<StageReading>[] = [
  percentColumn('error %', ({ error }) => error),
  percentColumn('rounds apart %', ({ spread }) => spread),
];

export function worstReadingsTable(stages: readonly FittedStage[], command: string): TablePart {
  const worst = farthestOff(stages, 'held-out').slice(0, WORST);
  const rows = worst.map((reading) => ({ ...reading, side: 'held-out' }));
  return tablePart(
    'worst-readings',
    'Farthest off among the held-out readings',
    [...READING, ...ERROR],
    rows,
    { command },
  );
}

/** Every reading of every stage; one that several stages use is there for each. */
export function readingsTable(stages: readonly FittedStage[], command: string): TablePart {
  const columns: Column<StageReading>[] = [
    ...READING,
    { header: 'side', value: ({ side }) => side },
    { header: 'ranks', value: ({ groupSize }) => groupSize },
    { header: 'measured', value: ({ measured }) => measured.toPrecision(5) },
    { header: 'predicted', value: ({ predicted }) => predicted.toPrecision(5) },
    ...ERROR,
  ];
  const rows = stageGroups(stages).flatMap(({ name, side, readings }) =>
    readings.map((reading) => ({ ...reading, stage: name, side })),
  );
  const caption = 'Every reading: seconds, bytes/s, Hz or watts as its quantity says';
  return tablePart('every-reading', caption, columns, rows, { isFolded: true, command });
}

type Parameter = FittedStage['result']['parameters'][number] & { stage: string };

const PARAMETER_COLUMNS: readonly Column<Parameter>[] = [
  { header: 'parameter', value: ({ name }) => name },
  { header: 'stage', value: ({ stage }) => stage },
  { header: 'value', value: ({ value }) => value, digits: 3 },
  { header: '95 % low', value: ({ low95 }) => low95, digits: 3 },
  { header: '95 % high', value: ({ high95 }) => high95, digits: 3 },
];

/** What the stages found, with the intervals that their readings leave. */
export function parameterTable(stages: readonly FittedStage[], command: string): TablePart {
  const rows = stages.flatMap(({ name, result }) =>
    result.parameters.map((parameter): Parameter => ({ ...parameter, stage: name })),
  );
  return tablePart(
    'fitted-parameters',
    'Parameters and their intervals, in GB/s or \u00b5s where they have a unit',
    PARAMETER_COLUMNS,
    rows,
    { command },
  );
}
