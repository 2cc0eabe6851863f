import type { Dit } from '../../../model/dit/dit.ts';
import { catalogueIds, loadDit } from '../../../model/dit/load.ts';
import { bindWorkload } from '../../../model/workload/bind.ts';
import type { ComputeMode } from '../../../model/workload/computeMode.ts';
import { USUAL_COMPUTE } from '../../../model/workload/computeMode.ts';
import type { BoundWorkload } from '../../../model/workload/workload.ts';
import type { NotPredicted } from './notPredicted.ts';
import { isSettingKnown } from './publishedTime.ts';
import type { StepRecord } from './stepFormat.ts';

const models = new Map<string, Dit>();

function modelOf(id: string, storage: string): Dit {
  const key = `${id} ${storage}`;
  const model = models.get(key) ?? loadDit(id, { dtype: storage });
  models.set(key, model);
  return model;
}

/** The work of one GPU in a record's step, or the first thing that keeps this project from saying it. */
export function recordWorkload(
  record: StepRecord,
  compute: ComputeMode = USUAL_COMPUTE,
): BoundWorkload | NotPredicted {
  const { catalogueModel, layout, width, height, frames, batch, guidance, passes, storage, offload } = record;
  if (record.usedToTune !== false) return { reason: 'used to tune' };
  if (!isSettingKnown(record)) return { reason: 'setting left open by the source' };
  if (catalogueModel === null) return { reason: 'model not in the catalogue' };
  if (!catalogueIds().includes(catalogueModel)) return { reason: `${catalogueModel} not in the catalogue` };
  if (layout!.ring !== undefined) return { reason: 'ring sequence parallelism' };
  if (layout!.fsdp === true) return { reason: 'weights sharded by FSDP' };
  if (guidance === null) return { reason: 'setting left open by the source' };
  if (storage === null) return { reason: 'weights in an unknown type' };
  const model = modelOf(catalogueModel, storage);
  const workload = bindWorkload(model, {
    size: { width: width!, height: height!, frames: frames! },
    batch,
    sp: layout!.ulysses ?? 1,
    tp: layout!.tp ?? 1,
    cfg: guidance,
    compute,
    // A component that is offloaded waits for its turn: of two experts the one that does not run.
    ...(offload!.kind === 'component' && model.experts > 1 && { expertsOnGpu: 1 }),
  });
  const evaluations = guidance === 'none' ? 1 : Math.max(2, model.guidance.evaluations);
  return evaluations === passes ? workload : { reason: `${passes} passes of ${guidance} guidance` };
}
