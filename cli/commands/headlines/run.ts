import { GiB } from '../../../model/input/byteUnits.ts';
import { loadSystem } from '../../../model/system/load.ts';
import { depthText } from '../../../studies/dataset/programDepth.ts';
import { readSteps, type StepRun } from '../../../studies/dataset/stepRecords.ts';
import { readExperiment } from '../../../studies/grid/experimentFile.ts';
import {
  type CellHeadlines,
  type Headline,
  type HeadlineReport,
  headlineReport,
} from '../../../studies/regret/headlines.ts';
import type { Output } from '../../output.ts';
import type { Layout } from '../../text/layout.ts';
import { type Column, formatTable } from '../../text/table.ts';
import { paragraph } from '../../text/wrap.ts';
import type { HeadlineFlags } from './command.ts';

/** Shows what choices gain against no offload and SGLang's policies. Returns the exit code: 1 for choices without an answer. */
export function run(
  file: string,
  datasets: readonly string[],
  { mode, against, machine: named, json }: HeadlineFlags,
  output: Output,
): number {
  const modes: StepRun['mode'][] = mode === 'both' ? ['eager', 'graph'] : [mode];
  const machine = named === undefined ? null : loadSystem(named);
  const report = headlineReport(readExperiment(file), readSteps(datasets), { modes, against, machine });
  output.result(json ? `${JSON.stringify(report, null, 1)}\n` : readable(report, output.layout));
  for (const note of report.notes) output.diagnostic(`note: ${note}\n`);
  for (const problem of report.problems) output.diagnostic(`error: ${problem}\n`);
  return report.problems.length > 0 ? 1 : 0;
}

function readable({ cells, against, ratioErrors }: HeadlineReport, layout: Layout): string {
  const tables = cells.map(
    (cell) => `${heading(cell, against, layout)}\n${formatTable(columnsOf(cell), cell.rows, layout)}\n`,
  );
  if (ratioErrors === null) return `${tables.join('')}ratios: none is predicted\n`;
  const { n, mape, bias, largest } = ratioErrors;
  const errors = `MAPE ${percent(mape)}, bias ${percent(bias)}, largest ${percent(largest)}`;
  return `${tables.join('')}ratios, predicted against measured: ${errors}, n ${n}\n`;
}

function heading(cell: CellHeadlines, against: string, layout: Layout): string {
  const { depth, mode, place, device, machine, baselines } = cell;
  const others = baselines.map(
    ({ baseline, measured: { stepS, gpuBytes } }) =>
      `${baseline} ${(stepS * 1e3).toFixed(2)} ms in ${(gpuBytes / GiB).toFixed(2)} GiB`,
  );
  return [
    `${cell.cell} (${depthText(depth)}), ${mode}: measured on ${device}, ${place}; predicted for ${machine}`,
    `against ${against}: ${others.join(', ') || 'nothing that was measured'}`,
  ]
    .map((line) => paragraph(line, layout))
    .join('');
}

function columnsOf({ baselines }: CellHeadlines): Column<Headline>[] {
  const noneIsThere = baselines.some(({ baseline }) => baseline === 'none');
  return [
    { header: 'cap GiB', value: ({ capBytes }) => capBytes / GiB, digits: 2 },
    { header: 'over', value: ({ transport }) => transport ?? 'any' },
    { header: 'choice', value: ({ choice }) => choice.plan },
    { header: 'GiB', value: ({ choice }) => choice.gpuBytes / GiB, digits: 2 },
    ...(noneIsThere ? [SAVED] : []),
    { header: 'step ms', value: ({ choice }) => choice.stepS * 1e3, digits: 2 },
    {
      header: 'predicted',
      value: ({ predictedS }) => (predictedS === null ? null : predictedS * 1e3),
      digits: 2,
    },
    ...baselines.flatMap(({ baseline }, index): Column<Headline>[] => [
      { header: `/ ${baseline}`, value: ({ gains }) => gains[index]!.measuredRatio, digits: 3 },
      { header: '+-', value: ({ gains }) => absoluteNoise(gains[index]!), digits: 3 },
      { header: 'predicted', value: ({ gains }) => gains[index]!.predictedRatio, digits: 3 },
    ]),
  ];
}

const SAVED: Column<Headline> = {
  header: 'saved %',
  value: ({ savedShare }) => (savedShare === null ? null : savedShare * 100),
  digits: 1,
};

/** In the ratio's own unit, so that both can be read together. */
function absoluteNoise({ measuredRatio, noise }: Headline['gains'][number]): number | null {
  return noise === null ? null : measuredRatio * noise;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
