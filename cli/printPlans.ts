import type { PlanReport } from '../documents/planReport.ts';
import type { Prediction } from '../documents/prediction.ts';
import type { Simulation } from '../documents/simulation.ts';
import { jsonText, type Output } from './output.ts';
import { readable } from './text/readable.ts';
import { sizesText } from './text/sizesText.ts';
import type { Column } from './text/table.ts';

/**
 * Prints what became of plans: one document as it is, those of several sizes as a table.
 *
 * @param own columns that only these reports have.
 * @param how what made the numbers, such as `closed form`
 */
export function printPlans<Report extends PlanReport>(
  documents: readonly ((Prediction | Simulation) & { plans: readonly Report[] })[],
  own: readonly Column<Report>[],
  { json, ...about }: { how: string; spIsDefault: boolean; json: boolean },
  output: Output,
): void {
  const [first, ...others] = documents;
  const { layout } = output;
  if (json)
    output.result(jsonText(others.length === 0 ? first : { schema: 'chunkflow/sizes@1', sizes: documents }));
  else if (others.length === 0) output.result(readable(first!, own, { ...about, layout }));
  else output.result(sizesText(documents, { ...about, layout }));
}
