import { loadDit } from '../../../model/dit/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import { isSettingKnown } from './publishedTime.ts';
import type { StepRecord } from './stepFormat.ts';

/** Why a record cannot be predicted, in a few words for a table. */
export interface NotPredicted {
  reason: string;
}

/** The work of one GPU in a record's step, or the first thing that keeps this project from saying it. */
export function recordWorkload(record: StepRecord): BoundWorkload | NotPredicted {
  const { catalogueModel, layout, width, height, frames, batch, guidance, storage } = record;
  if (record.usedToTune !== false) return { reason: 'used to tune' };
  if (!isSettingKnown(record)) return { reason: 'setting left open by the source' };
  if (catalogueModel === null) return { reason: 'model not in the catalogue' };
  if (guidance === null) return { reason: 'setting left open by the source' };
  if (storage !== 'bf16' && storage !== 'fp16')
    return { reason: `weights in ${storage ?? 'an unknown type'}` };
  return bindWorkload(loadDit(catalogueModel), {
    size: { width: width!, height: height!, frames: frames! },
    batch,
    sp: layout!.ulysses ?? 1,
    ring: layout!.ring ?? 1,
    tp: layout!.tp ?? 1,
    cfg: guidance,
  });
}
