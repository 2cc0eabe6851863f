import { max, median } from 'simple-statistics';
import type { NotPredicted } from './notPredicted.ts';
import { closedRecords } from './openSettings.ts';
import { isSettingKnown, type PublishedTime, publishedTime } from './publishedTime.ts';
import type { StepRecord } from './stepFormat.ts';

export interface StepPrediction {
  /** Seconds of one denoising step. */
  stepS: number;
  /** Seconds between which the predictor says the step is; without, it commits itself to nothing. */
  interval?: readonly [low: number, high: number];
  /** Seconds of its arithmetic at the peak of the card, in the least of the ways that it may have been. */
  leastS?: number;
}

/** Predicts the step of a record whose settings are all closed. */
export type StepPredictor = (record: StepRecord) => StepPrediction | NotPredicted;

/** A published figure beside its prediction. */
export interface ComparedRecord {
  record: StepRecord;
  published: PublishedTime;
  prediction: StepPrediction;
  /** Predicted over published time; 1 anywhere between the bounds of an open number of steps. */
  ratio: number;
  /** Share of its card's peak at the rated clock that the published time is at the least; null where the predictor does not say. */
  peakShare: number | null;
  /** Whether the predicted interval meets the published bounds; null without an interval. */
  isCovered: boolean | null;
}

export interface RecordComparison {
  compared: ComparedRecord[];
  refused: { record: StepRecord; reason: string }[];
}

/** Compares each record with what a predictor says of every setting that its source leaves possible. */
export function compareRecords(records: readonly StepRecord[], predict: StepPredictor): RecordComparison {
  const comparison: RecordComparison = { compared: [], refused: [] };
  for (const record of records) {
    const prediction = predictOpen(record, predict);
    if ('reason' in prediction) comparison.refused.push({ record, reason: prediction.reason });
    else comparison.compared.push(compared(record, prediction));
  }
  return comparison;
}

/**
 * The prediction of a record over its variants: the geometric middle of their times, and an interval around all of their
 * intervals. One variant that cannot be predicted refuses the record, for the range would be too narrow without it.
 */
export function predictOpen(record: StepRecord, predict: StepPredictor): StepPrediction | NotPredicted {
  const predictions: StepPrediction[] = [];
  for (const variant of closedRecords(record)) {
    const prediction = predict(variant);
    if ('reason' in prediction) return prediction;
    predictions.push(prediction);
  }
  return predictionOver(predictions);
}

/** One prediction of several that may hold: the geometric middle of their times, and an interval around all of theirs. */
export function predictionOver(predictions: readonly StepPrediction[]): StepPrediction {
  if (predictions.length === 1) return predictions[0]!;
  const times = predictions.map(({ stepS }) => stepS);
  const intervals = predictions.flatMap(({ interval }) => (interval === undefined ? [] : [interval]));
  const least = predictions.flatMap(({ leastS }) => (leastS === undefined ? [] : [leastS]));
  return {
    stepS: Math.sqrt(Math.min(...times) * Math.max(...times)),
    ...(intervals.length === predictions.length && {
      interval: [
        Math.min(...intervals.map(([low]) => low)),
        Math.max(...intervals.map(([, high]) => high)),
      ] as const,
    }),
    ...(least.length === predictions.length && { leastS: Math.min(...least) }),
  };
}

function compared(record: StepRecord, prediction: StepPrediction): ComparedRecord {
  const published = publishedTime(record);
  const { stepS, interval, leastS } = prediction;
  const nearestS = Math.min(Math.max(stepS, published.lowS), published.highS);
  return {
    record,
    published,
    prediction,
    ratio: stepS / nearestS,
    peakShare: leastS === undefined ? null : leastS / published.highS,
    isCovered:
      interval === undefined ? null : interval[0] <= published.highS && published.lowS <= interval[1],
  };
}

/** How many records each reason kept from being predicted, the commonest first. */
export function refusalCounts({ refused }: RecordComparison): { reason: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { reason } of refused) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts.entries()]
    .map(([reason, count]) => ({ reason, count }))
    .sort((one, other) => other.count - one.count);
}

/** Errors of a group of compared figures. */
export interface RecordGroup {
  /** By what the figures are grouped, and their value of it. */
  kind: string;
  name: string;
  count: number;
  /** Medians of predicted / published, and of its distance from 1. */
  medianRatio: number;
  medianAbsoluteError: number;
  largestAbsoluteError: number;
  /** Share of the predicted intervals that hold the published figure; null where no prediction has one. */
  coverage: number | null;
  /** Median of an interval's upper over its lower end; null where no prediction has one. */
  medianWidth: number | null;
}

const GROUPS: readonly { kind: string; nameOf: (record: StepRecord) => string }[] = [
  { kind: 'all', nameOf: () => 'all' },
  {
    kind: 'figure',
    nameOf: ({ measured }) => ('runS' in measured ? 'whole run over its steps' : 'denoising step'),
  },
  { kind: 'setting', nameOf: (record) => (isSettingKnown(record) ? 'known' : 'partly open') },
  { kind: 'card', nameOf: ({ card, cardAsWritten }) => card ?? `${cardAsWritten}?` },
  { kind: 'GPUs', nameOf: ({ gpus }) => (gpus === 1 ? 'one' : 'several') },
  { kind: 'offload', nameOf: ({ offload }) => offload?.kind ?? 'open' },
  { kind: 'tool', nameOf: ({ tool }) => tool },
  {
    kind: 'graph',
    nameOf: ({ compiled }) => (compiled === null ? 'open' : compiled ? 'compiled' : 'eager'),
  },
  { kind: 'model', nameOf: ({ model }) => model },
];

/** Errors over all, and by figure, whether the setting is known, card, number of GPUs, offload, tool, compilation and model. */
export function groupRecords(rows: readonly ComparedRecord[]): RecordGroup[] {
  return GROUPS.flatMap(({ kind, nameOf }) => {
    const names = [...new Set(rows.map(({ record }) => nameOf(record)))];
    return names.map((name) =>
      groupOf(
        kind,
        name,
        rows.filter(({ record }) => nameOf(record) === name),
      ),
    );
  });
}

function groupOf(kind: string, name: string, rows: readonly ComparedRecord[]): RecordGroup {
  const ratios = rows.map(({ ratio }) => ratio);
  const errors = ratios.map((ratio) => Math.abs(ratio - 1));
  const committed = rows.filter(({ isCovered }) => isCovered !== null);
  const widths = rows.flatMap(({ prediction: { interval } }) =>
    interval ? [interval[1] / interval[0]] : [],
  );
  return {
    ...{ kind, name, count: rows.length },
    medianRatio: median(ratios),
    medianAbsoluteError: median(errors),
    largestAbsoluteError: max(errors),
    coverage:
      committed.length === 0
        ? null
        : committed.filter(({ isCovered }) => isCovered).length / committed.length,
    medianWidth: widths.length === 0 ? null : median(widths),
  };
}
