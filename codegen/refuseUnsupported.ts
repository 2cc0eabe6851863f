import { tensorsOfBlock } from '../model/dit/derive.ts';
import { UserError } from '../model/input/userError.ts';
import type { Plan } from '../model/plan/plan.ts';
import type { System } from '../model/system/system.ts';
import { collectiveTransport } from '../model/system/transport.ts';
import type { BoundWorkload } from '../model/workload/workload.ts';

/** @throws UserError for a transport that the runtime does not have, with what would do instead. */
export function refuseTransport(system: System, plan: Plan, { ranks }: BoundWorkload): void {
  const transport = collectiveTransport(system, plan, ranks);
  if (transport?.kind !== 'flow' || transport.network?.algorithm !== 'hierarchical') return;
  throw new UserError(
    `generate: transport ${transport.name}: the runtime has no all-to-all in two phases; give --transport net, predict and simulate know both`,
  );
}

/** @throws UserError for a workload that the runtime has no kernels for, with what would do instead. */
export function refuseUnsupported(workload: BoundWorkload): void {
  const { layout, batch, model, compute } = workload;
  const refuse = (what: string, remedy: string) => {
    throw new UserError(`generate: ${what}; ${remedy}`);
  };
  if (compute.dtype !== 'bf16')
    refuse(`--compute-dtype ${compute.dtype}: the runtime's matrix products are bf16`, 'leave it out');
  if (compute.attention !== null)
    refuse(`--attention ${compute.attention}: the runtime has attention of its own`, 'leave it out');
  if (compute.launch !== 'compiled')
    refuse(
      `--${compute.launch}: the runtime's kernels are fused, and launched by compiled code`,
      'leave it out',
    );
  if (batch > 1) refuse(`--batch ${batch}: the runtime computes one sample a step`, 'give --batch 1');
  if (layout.cfg === 'batched') {
    refuse('--cfg batched: the runtime computes one sequence a pass', 'give --cfg sequential or none');
  }
  if (layout.ring > 1) {
    refuse(
      `--ring ${layout.ring}: the runtime has no ring attention`,
      'leave it out; predict, simulate and plan know it',
    );
  }
  if (layout.sp > 1 && layout.tp > 1) {
    refuse(`--sp ${layout.sp} --tp ${layout.tp}: the runtime has one group of ranks`, 'give one of them');
  }
  if (model.audio !== undefined)
    refuse(`${model.name} makes sound`, 'there are no kernels for its audio rows yet');
  if (model.imageRows > 0)
    refuse(`${model.name} attends to a conditioning image`, 'there are no kernels for its rows yet');
  if (workload.referenceImages.length > 0)
    refuse('there are no positions for tokens of reference images yet', 'give --reference-image none');
  const tensors = model.blocks.flatMap(({ segments }) => tensorsOfBlock(segments));
  const other = tensors.find(({ parameters, bytes }) => bytes !== 2 * parameters);
  if (other !== undefined) {
    refuse(
      `${model.name} has ${other.name} in ${(other.bytes / other.parameters).toFixed(3)} bytes a parameter`,
      'the runtime computes with weights of bf16, 2 bytes; --dtype bf16 takes them so',
    );
  }
}
