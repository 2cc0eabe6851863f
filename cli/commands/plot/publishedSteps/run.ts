import { publishedStepsChart } from '../../../../studies/plots/publishedSteps.ts';
import { closedFormPredictor } from '../../../../studies/published/steps/closedFormPredictor.ts';
import { compareRecords } from '../../../../studies/published/steps/compareRecords.ts';
import { readStepFolder } from '../../../../studies/published/steps/readSteps.ts';
import { plotChart, refuseOtherCharts } from '../../../files/chartFile.ts';
import type { ChartFlags } from '../../../flags/chart.ts';
import type { Output } from '../../../output.ts';

/** Draws published step times and what is predicted of them. */
export async function run(flags: ChartFlags, output: Output): Promise<void> {
  refuseOtherCharts(flags);
  const { compared } = compareRecords(readStepFolder(), closedFormPredictor);
  const held = compared.filter(({ isCovered }) => isCovered).length;
  const title = `${compared.length} published step times, ${held} inside their intervals`;
  await plotChart(publishedStepsChart(compared, title), flags, output);
}
