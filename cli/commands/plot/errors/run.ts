import { UserError } from '../../../../model/input/userError.ts';
import { errorsChartOfRows } from '../../../../studies/plots/errorsChart.ts';
import { chartedSteps } from '../../../files/chartedSteps.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import type { ErrorsFlags } from './command.ts';

/** Draws how far simulated step times of datasets lie from measured ones. */
export async function run(files: readonly string[], flags: ErrorsFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const { rows, title, what } = chartedSteps(files, flags);
  if (flags.by !== undefined && flags.profiles !== undefined)
    throw new UserError(`--by ${flags.by}: steps of attached models do not say their node; leave it out`);
  const shown = flags.by === 'node' ? rows.map((row) => ({ ...row, where: row.node })) : rows;
  await plotChart(errorsChartOfRows(shown, `Errors of ${title}`, what), flags, output);
}
