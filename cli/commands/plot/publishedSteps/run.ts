import { publishedStepsChart } from '../../../../studies/plots/publishedSteps.ts';
import { closedFormPredictor } from '../../../../studies/published/steps/closedFormPredictor.ts';
import { compareRecords } from '../../../../studies/published/steps/compareRecords.ts';
import { readStepFolder } from '../../../../studies/published/steps/readSteps.ts';
import { refuseOtherCharts, writeChart } from '../../../files/chartFile.ts';
import type { Output } from '../../../output.ts';
import type { PublishedStepsFlags } from './command.ts';

/** Draws published step times and what is predicted of them. */
export async function run({ out }: PublishedStepsFlags, output: Output): Promise<void> {
  refuseOtherCharts(out, '--out');
  const { compared } = compareRecords(readStepFolder(), closedFormPredictor);
  const held = compared.filter(({ isCovered }) => isCovered).length;
  const title = `${compared.length} published step times, ${held} inside their intervals`;
  await writeChart(publishedStepsChart(compared, title), title, out, '--out');
  output.result(`${out}\n`);
}
