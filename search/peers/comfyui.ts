import { UserError } from '../../model/input/userError.ts';
import type { System } from '../../model/system/system.ts';
import type { BoundWorkload } from '../../model/workload/workload.ts';
import { blockSwapCandidates } from './blockSwap.ts';
import type { Candidate } from './candidate.ts';
import { comfyCoreCandidates } from './comfyCore.ts';

/**
 * ComfyUI: block swapping of WanVideoWrapper for Wan models, the loader of ComfyUI itself for all others.
 *
 * @throws UserError for more than one rank.
 */
export function comfyuiCandidates(workload: BoundWorkload, system: System): Candidate[] {
  const { sp, tp } = workload.layout;
  if (workload.ranks > 1)
    throw new UserError(
      `comfyui: computes a step on one GPU, the layout divides it over ${workload.ranks} (SP ${sp} x TP ${tp}); give --sp 1 --tp 1`,
    );
  return workload.model.id.startsWith('wan')
    ? blockSwapCandidates(workload, system)
    : comfyCoreCandidates(workload, system);
}
