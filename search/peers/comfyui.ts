import { UserError } from '../../model/input/userError.ts';
import { COMFYUI, toolNamed } from '../../model/presets/tools/names.ts';
import { isWan } from '../../model/presets/tools/wanFamily.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import type { Candidate } from './candidate.ts';
import { comfyNativeCandidates } from './comfyNative.ts';
import { wanVideoWrapperCandidates } from './wanVideoWrapper.ts';

/**
 * Settings of whichever of ComfyUI's two a model is run with.
 *
 * @throws UserError for more than one rank.
 */
export function comfyuiCandidates(workload: BoundWorkload, system: System): Candidate[] {
  return toolNamed(COMFYUI, [], workload.model) === 'comfyui-wanvideowrapper'
    ? wanVideoWrapperOnly(workload, system, COMFYUI)
    : comfyNativeOnly(workload, system, COMFYUI);
}

/** @throws UserError for more than one rank. */
export function comfyNativeOnly(
  workload: BoundWorkload,
  system: System,
  asked = 'comfyui-native',
): Candidate[] {
  refuseSeveralRanks(asked, workload);
  return comfyNativeCandidates(workload, system);
}

/** @throws UserError for more than one rank, and for a model that the wrapper does not run. */
export function wanVideoWrapperOnly(
  workload: BoundWorkload,
  system: System,
  asked = 'comfyui-wanvideowrapper',
): Candidate[] {
  refuseSeveralRanks(asked, workload);
  if (!isWan(workload.model))
    throw new UserError(
      `${asked}: runs Wan models, the blocks of ${workload.model.id} are others; take comfyui-native`,
    );
  return wanVideoWrapperCandidates(workload, system);
}

function refuseSeveralRanks(asked: string, { ranks, layout: { sp, tp } }: BoundWorkload): void {
  if (ranks === 1) return;
  throw new UserError(
    `${asked}: computes a step on one GPU, the layout divides it over ${ranks} (SP ${sp} x TP ${tp}); give --sp 1 --tp 1`,
  );
}
