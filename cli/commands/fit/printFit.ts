import { max, mean, median, quantile } from 'simple-statistics';
import { MiB } from '../../../model/input/byteUnits.ts';
import type { FittedMachine, FittedStage, ReadingError } from '../../../studies/calibration/fitMachine.ts';
import type { Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';

/** Prints what each stage of a fit found, and how far off it is on both sides of the split. */
export function printFit({ stages }: Pick<FittedMachine, 'stages'>, worst: number, output: Output): void {
  printParameters(stages, output);
  output.result('\n');
  const sides = stages.flatMap((stage) => (['fit', 'held-out'] as const).map((side) => ({ stage, side })));
  output.result(formatTable(ERROR_COLUMNS, [...sides, ...summaries(stages)], output.layout));
  const readings = stages
    .flatMap(({ name, errors }) => errors['held-out'].map((error) => ({ stage: name, ...error })))
    .sort((a, b) => Math.abs(b.error) - Math.abs(a.error));
  if (worst === 0) return;
  output.result('\nfarthest off among the held-out readings\n');
  output.result(formatTable(READING_COLUMNS, readings.slice(0, worst), output.layout));
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
      stages.map((stage) => ({ stage, side: 'fit' as const })),
      output.layout,
    ),
  );
  if (worst === 0) return;
  const readings = stages
    .flatMap(({ errors }) => errors.fit)
    .sort((a, b) => Math.abs(b.error) - Math.abs(a.error));
  output.result('\nfarthest off among the fitted readings; none is held out\n');
  output.result(formatTable(READING_COLUMNS, readings.slice(0, worst), output.layout));
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

interface StageSide {
  stage: Pick<FittedStage, 'name' | 'errors'>;
  side: 'fit' | 'held-out';
}

/** Held-out readings of several stages together, each once: some stages share readings. */
function summaries(stages: readonly FittedStage[]): StageSide[] {
  const readings = new Map(
    stages.flatMap((stage) =>
      stage.errors['held-out'].map((error) => [`${error.groupSize} ${error.id} ${error.quantity}`, error]),
    ),
  );
  const together = (name: string, isOf: (error: ReadingError, bytes: number) => boolean): StageSide => {
    const heldOut = [...readings.values()].filter(
      (error) => error.bytes !== null && isOf(error, error.bytes),
    );
    return { stage: { name, errors: { fit: [], 'held-out': heldOut } }, side: 'held-out' };
  };
  return [
    together('all alone, 1 MiB or more', ({ isBeside }, bytes) => !isBeside && bytes >= MiB),
    together('all beside copies', ({ isBeside }) => isBeside),
  ];
}

const percent = (of: (sizes: number[], signed: number[]) => number) => {
  return ({ stage, side }: StageSide) => {
    const signed = stage.errors[side].map(({ error }) => error * 100);
    return signed.length === 0 ? null : of(signed.map(Math.abs), signed);
  };
};

const ERROR_COLUMNS: readonly Column<StageSide>[] = [
  { header: 'stage', value: ({ stage }) => stage.name },
  { header: 'readings', value: ({ side }) => side },
  { header: 'n', value: ({ stage, side }) => stage.errors[side].length },
  { header: 'MAPE %', value: percent((sizes) => mean(sizes)), digits: 1 },
  { header: 'bias %', value: percent((_, signed) => mean(signed)), digits: 1 },
  { header: 'p95 %', value: percent((sizes) => quantile(sizes, 0.95)), digits: 1 },
  { header: 'largest %', value: percent((sizes) => max(sizes)), digits: 1 },
  {
    header: 'rounds apart %',
    value: ({ stage, side }) => {
      const spreads = stage.errors[side].map(({ spread }) => spread * 100);
      return spreads.length === 0 ? null : median(spreads);
    },
    digits: 1,
  },
];
