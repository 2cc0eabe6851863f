import type { PublishedSteps } from '../../../documents/publishedSteps.ts';
import {
  groupRecords,
  type RecordComparison,
  refusalCounts,
} from '../../../studies/published/steps/compareRecords.ts';

/** What `validate published-steps --json` prints. */
export function publishedStepsDocument(comparison: RecordComparison): PublishedSteps {
  return {
    schema: 'chunkflow/published-steps@1',
    figures: comparison.compared.map(({ record, published, prediction, ratio, peakShare, isCovered }) => ({
      id: record.id,
      url: record.url,
      version: record.version,
      tool: record.tool,
      model: record.model,
      card: record.card,
      gpus: record.gpus,
      publishedS: { low: published.lowS, high: published.highS },
      isWholeRun: published.isUpperBound,
      predictedS: prediction.stepS,
      intervalS:
        prediction.interval === undefined
          ? null
          : { low: prediction.interval[0], high: prediction.interval[1] },
      ratio,
      peakShare,
      isHeld: isCovered,
    })),
    groups: comparison.compared.length === 0 ? [] : groupRecords(comparison.compared),
    notPredicted: refusalCounts(comparison),
  };
}
