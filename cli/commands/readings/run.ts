import { max, mean, quantile } from 'simple-statistics';
import type { FittedParameter } from '../../../model/leastSquares/problem.ts';
import { type MethodRatio, methodRatios } from '../../../studies/measured/mirroredMethod.ts';
import { fitPair } from '../../../studies/measured/pairFit.ts';
import { mirroredReadings, pairReadings, type Reading } from '../../../studies/measured/readings.ts';
import { orderOf, type TrialArm, trialArms } from '../../../studies/measured/trials.ts';
import type { Output } from '../../output.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraphs } from '../../text/wrap.ts';

const errorPercent = (predicted: number, measured: number) => (predicted / measured - 1) * 100;

const READING_COLUMNS: readonly Column<Reading>[] = [
  { header: 'reading', value: (row) => row.group },
  { header: 'of', value: (row) => row.what },
  { header: 'unit', value: (row) => row.unit },
  { header: 'measured', value: (row) => row.measured, digits: 3 },
  { header: 'predicted', value: (row) => row.predicted, digits: 3 },
  { header: 'error %', value: (row) => errorPercent(row.predicted, row.measured), digits: 1 },
];

const ARM_COLUMNS: readonly Column<TrialArm>[] = [
  { header: 'tokens', value: (row) => row.tokens },
  { header: 'transport', value: (row) => row.transport },
  { header: 'plan', value: (row) => row.plan },
  { header: 'measured ms', value: (row) => row.measuredMs, digits: 2 },
  { header: 'closed form ms', value: (row) => row.closedFormMs, digits: 2 },
  { header: 'simulated ms', value: (row) => row.simulatedMs, digits: 2 },
  { header: 'error %', value: (row) => errorPercent(row.simulatedMs, row.measuredMs), digits: 1 },
];

/** Pairs of arms that measure closer have no order to get right: repeats and short steps differ as much. */
const ORDER_NOISE = [0.04, 0.03];

const RATIO_COLUMNS: readonly Column<MethodRatio>[] = [
  { header: 'tokens', value: (row) => row.tokens },
  { header: 'plan', value: (row) => row.plan },
  { header: '2x H200, shm', value: (row) => row.pair, digits: 3 },
  { header: '1x H200, mirrored', value: (row) => row.mirrored, digits: 3 },
  { header: 'apart %', value: (row) => errorPercent(row.mirrored, row.pair), digits: 1 },
];

const FITTED_COLUMNS: readonly Column<FittedParameter>[] = [
  { header: 'parameter', value: (row) => row.name },
  { header: 'value', value: (row) => row.value, digits: 3 },
  { header: '95 % low', value: (row) => row.low95, digits: 3 },
  { header: '95 % high', value: (row) => row.high95, digits: 3 },
];

/** Shows what was measured on H200 machines, beside what their machine files predict or beside a fit of the pair. */
export function run({ fit }: { fit?: boolean }, output: Output): void {
  if (fit === true) pairFit(output);
  else readings(output);
}

/**
 * Fits the pair's links and its NCCL to what ran alone and to half of what ran together, and prints what that says of the
 * other half and of the pair's trial.
 */
function pairFit(output: Output): void {
  const { parameters, unidentified, fitted, heldOut, ratios } = fitPair();
  output.result(
    paragraphs(
      '2x H200, NCCL over host shared memory: fitted to half of the contention readings',
      output.layout,
    ),
  );
  output.result(formatTable(FITTED_COLUMNS, parameters, output.layout));
  for (const { name, why } of unidentified) output.result(`${name} keeps its value: ${why}\n`);
  output.result('\nthe other half\n');
  output.result(formatTable(READING_COLUMNS, heldOut, output.layout));
  for (const [title, rows] of [
    ['contention, fitted', fitted],
    ['contention, held out', heldOut],
    ["trial's steps against none", ratios],
  ] as const) {
    output.result(`${title}: ${summary(rows.map((row) => errorPercent(row.predicted, row.measured)))}\n`);
  }
}

/** What was measured on H200 machines beside what their machine files predict, reading by reading and arm by arm. */
function readings(output: Output): void {
  const all = [
    { title: '2x H200, NCCL over host shared memory', rows: pairReadings() },
    { title: '1x H200, mirrored peer', rows: mirroredReadings() },
  ];
  for (const { title, rows } of all) {
    output.result(
      paragraphs(`${title}: micro-benchmarks, measured and simulated from the machine file`, output.layout),
    );
    output.result(formatTable(READING_COLUMNS, rows, output.layout));
    output.result(`${summary(rows.map((row) => errorPercent(row.predicted, row.measured)))}\n\n`);
  }
  for (const [name, title, used] of [
    [
      'h200-mirrored-trial',
      '1x H200, mirrored peer',
      "whole-block copies under staged-copy gave the copy engine's turn, under staged-sm:16 part of its contention",
    ],
    ['h200-pair-trial', '2x H200', 'nothing was fitted to it'],
  ] as const) {
    const arms = trialArms(name);
    output.result(
      paragraphs(`${title}: ms a block of Wan2.1-14B in a PyTorch trial; ${used}`, output.layout),
    );
    output.result(formatTable(ARM_COLUMNS, arms, output.layout));
    output.result(`${summary(arms.map((arm) => errorPercent(arm.simulatedMs, arm.measuredMs)))}\n`);
    for (const noise of ORDER_NOISE) {
      const { right, wrong } = orderOf(arms, (arm) => arm.simulatedMs, noise);
      const apart = `${noise * 100} % apart or more`;
      output.result(
        paragraphs(
          `order: ${right} pairs right and ${wrong.length} wrong of those that measure ${apart}`,
          output.layout,
        ),
      );
    }
    output.result('\n');
  }
  const ratios = methodRatios();
  output.result(
    paragraphs(
      'steps against none, both measured: what a mirrored peer says of a pair, with no model between',
      output.layout,
    ),
  );
  output.result(formatTable(RATIO_COLUMNS, ratios, output.layout));
  output.result(`${summary(ratios.map(({ pair, mirrored }) => errorPercent(mirrored, pair)))}\n\n`);
}

function summary(errors: readonly number[]): string {
  const sizes = errors.map(Math.abs);
  const figures = [
    `MAPE ${mean(sizes).toFixed(1)} %`,
    `bias ${mean([...errors]).toFixed(1)} %`,
    `p95 ${quantile(sizes, 0.95).toFixed(1)} %`,
    `largest ${max(sizes).toFixed(1)} %`,
  ];
  return `${figures.join(', ')}, n ${errors.length}`;
}
