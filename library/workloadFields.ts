import type { WorkloadFields } from '../documents/workload.ts';
import { EAGER_LAUNCH_S } from '../model/physics/hostIssue.ts';
import type { Profile } from '../model/profile/profileFormat.ts';
import type { ModelScenario, Scenario } from '../model/scenario/scenario.ts';
import type { System } from '../model/system/system.ts';
import { type ComputeMode, isUsual } from '../model/workload/computeMode.ts';
import {
  collectiveIn,
  computeIn,
  type ProfiledWorkload,
  passWeightBytes,
  type Segment,
  type Workload,
} from '../model/workload/workload.ts';

/** What a scenario computes, as documents say it. */
export function workloadFields(scenario: Scenario): WorkloadFields {
  return 'profile' in scenario ? profileFields(scenario.workload, scenario.profile) : boundFields(scenario);
}

/** A workload of the catalogue or of a checkpoint as documents say it. */
function boundFields({ workload, system, modelBlocks }: ModelScenario): WorkloadFields {
  const { model, size, batch, tokens, experts, compute, referenceImages } = workload;
  const { ring, ...layout } = workload.layout;
  return {
    from: 'model',
    ...everyField(workload),
    ...(modelBlocks > workload.blocks.length && { modelBlocks }),
    ...{ ...size, batch, ...layout, ...(ring > 1 && { ring }), tokens, experts },
    ...(referenceImages.length > 0 && {
      referenceImages: referenceImages.map(({ width, height }) => ({ width, height })),
    }),
    assumptions: [...model.assumptions, ...computeAssumptions(compute, system)],
    flops: perStep(workload, (segment) => computeIn(segment).reduce((sum, { flops }) => sum + flops, 0)),
    ...(!isUsual(compute) && { compute }),
  };
}

/** What a mode of computing takes for granted. */
function computeAssumptions({ dtype, launch }: ComputeMode, { host }: System): string[] {
  const launchUs = 1e6 * (host.eagerLaunchS ?? EAGER_LAUNCH_S);
  return [
    ...(dtype === 'bf16'
      ? []
      : [`all matrix products of the blocks run in ${dtype}; quantising their inputs takes no time`]),
    ...(launch === 'eager'
      ? [
          `eager: unfused kernels as in diffusers' blocks of FLUX and Wan, ${Number(launchUs.toPrecision(3))} us of the host for each`,
        ]
      : []),
  ];
}

/** A profiled workload as documents say it: nothing that the profile does not know. */
function profileFields(workload: ProfiledWorkload, profile: Profile): WorkloadFields {
  const { made, step, kinds, blocks, outside, fingerprint } = profile;
  const total = (of: (kind: (typeof kinds)[number]) => readonly { seconds: number }[]) =>
    step.passes *
    blocks.reduce(
      (sum, { kind, count }) =>
        sum + count * of(kinds[kind]!).reduce((seconds, one) => seconds + one.seconds, 0),
      0,
    );
  return {
    from: 'profile',
    ...everyField(workload),
    ...{ fingerprint, made, stepsMeasured: step.stepsMeasured, inputs: step.inputs },
    assumptions: assumptionsOf(profile),
    measured: {
      computeS: total(({ windows }) => windows),
      collectiveS: total(({ collectives }) => collectives),
      outsideS: step.passes * outside.seconds,
    },
  };
}

function assumptionsOf({ made, activationBytes, process }: Profile): string[] {
  const at = made.smHz === null ? '' : ` at ${(made.smHz / 1e9).toFixed(2)} GHz`;
  return [
    `compute takes what it took on ${made.device}${at}: nothing is corrected for another GPU or clock`,
    ...(activationBytes === 0
      ? ['GPU memory is without activations, of which the profile knows no bytes']
      : []),
    ...(process === undefined
      ? [
          "GPU memory beside weights and activations is the machine's reserve: the profile does not know its process'",
        ]
      : []),
  ];
}

function everyField(workload: Workload) {
  const { model, ranks, passes, blocks, outsideBytes, activationBytes, collectiveBufferBytes } = workload;
  return {
    ...{ model: model.id, name: model.name, ranks, passes, blocks: blocks.length },
    ...{ outsideBytes, activationBytes, collectiveBufferBytes },
    weightBytes: passWeightBytes(workload),
    collectiveBytes: perStep(workload, (segment) => collectiveIn(segment)?.sentBytes ?? 0),
  };
}

function perStep({ passes, blocks }: Workload, value: (segment: Segment) => number): number {
  return (
    passes *
    blocks.reduce((sum, { segments }) => sum + segments.reduce((all, segment) => all + value(segment), 0), 0)
  );
}
