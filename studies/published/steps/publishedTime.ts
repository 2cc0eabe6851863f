import type { StepRecord } from './stepFormat.ts';

/** What a published figure says of one denoising step. */
export interface PublishedTime {
  /** Bounds that follow from steps the source leaves open; equal where it does not. */
  lowS: number;
  highS: number;
  /** True of a whole run divided by its steps: text encoder and decoder are in it, so a step takes less. */
  isUpperBound: boolean;
}

/** Seconds of one step: as published, or of all steps or of the whole run over their number. */
export function publishedTime(record: StepRecord): PublishedTime {
  const { measured, steps, unknown } = record;
  if ('stepS' in measured) return { lowS: measured.stepS, highS: measured.stepS, isUpperBound: false };
  const counts = steps === null ? unknown.steps! : [steps];
  const totalS = 'runS' in measured ? measured.runS : measured.denoiseS;
  return {
    lowS: totalS / Math.max(...counts),
    highS: totalS / Math.min(...counts),
    isUpperBound: 'runS' in measured,
  };
}

/** Whether nothing that decides the step's time is left open: card, size, steps, passes, data types, parallel layout, offload. */
export function isSettingKnown(record: StepRecord): boolean {
  const { card, width, height, frames, steps, passes, compute, layout, offload } = record;
  const stepsMatter = !('stepS' in record.measured);
  return (
    [card, width, height, frames, passes, compute, layout, offload].every((value) => value !== null) &&
    (!stepsMatter || steps !== null)
  );
}
