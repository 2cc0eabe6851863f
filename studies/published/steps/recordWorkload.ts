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

/** Models whose own pipelines do not pad prompts: the catalogue's rows are the longest, and a short prompt has few. */
const UNPADDED: readonly string[] = ['qwen-image-20b', 'z-image-6b'];
const FEWEST_ROWS = 16;

/** Text rows that a record may have had, sources do not say them: the model's, and where prompts are not padded a short one's. */
export function textRowsOf({ catalogueModel }: StepRecord): (number | null)[] {
  return UNPADDED.includes(catalogueModel!) ? [null, FEWEST_ROWS] : [null];
}

/**
 * The work of one GPU in a record's step, or the first thing that keeps this project from saying it.
 *
 * @param textRows null for what the model pads to.
 */
export function recordWorkload(
  record: StepRecord,
  compute: ComputeMode = USUAL_COMPUTE,
  textRows: number | null = null,
): BoundWorkload | NotPredicted {
  const { catalogueModel, layout, width, height, frames, batch, guidance, passes, storage, offload } = record;
  if (record.usedToTune !== false) return { reason: 'used to tune' };
  if (!isSettingKnown(record)) return { reason: 'setting left open by the source' };
  if (catalogueModel === null) return { reason: 'model not in the catalogue' };
  if (!catalogueIds().includes(catalogueModel)) return { reason: `${catalogueModel} not in the catalogue` };
  if (layout!.fsdp === true) return { reason: 'weights sharded by FSDP' };
  if (guidance === null) return { reason: 'setting left open by the source' };
  if (storage === null) return { reason: 'weights in an unknown type' };
  const model = modelOf(catalogueModel, storage);
  const workload = bindWorkload(model, {
    size: { width: width!, height: height!, frames: frames! },
    batch,
    sp: layout!.ulysses ?? 1,
    ring: layout!.ring ?? 1,
    tp: layout!.tp ?? 1,
    cfg: guidance,
    compute,
    ...(textRows !== null && { textRows }),
    // A component that is offloaded waits for its turn: of two experts the one that does not run.
    ...(offload!.kind === 'component' && model.experts > 1 && { expertsOnGpu: 1 }),
  });
  const evaluations = guidance === 'none' ? 1 : Math.max(2, model.guidance.evaluations);
  return evaluations === passes ? workload : { reason: `${passes} passes of ${guidance} guidance` };
}
