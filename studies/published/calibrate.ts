import { closedForm } from '../../model/analytic/closedForm.ts';
import { withCollectiveRates } from '../../model/physics/variants/scaled.ts';
import { makePlan } from '../../model/presets/presets.ts';
import type { System } from '../../model/system/system.ts';
import { transportNamed } from '../../model/system/transport.ts';
import type { Workload } from '../../model/workload/workload.ts';

/** What a no-offload run says about a machine. Seconds per step. */
export interface NoOffloadArm {
  stepTimeS: number;
  /** Time in collectives. */
  collectiveS: number;
}

/** Rounds of proportional correction; memory-bound work does not scale, so it takes a few. */
const ROUNDS = 12;

/**
 * A machine whose matrix efficiency and collective rate reproduce one no-offload run of a workload: two numbers
 * from two numbers. Everything that concerns offloading stays as the machine file has it.
 *
 * @param scaleMemoryBound Scales elementwise work along with the matrix products, to see how much the choice matters.
 * @throws Error if the run cannot be reproduced (more compute than the GPU's peak).
 */
export function calibrateOnNoOffload(
  workload: Workload,
  system: System,
  arm: NoOffloadArm,
  scaleMemoryBound = false,
): System {
  let calibrated = system;
  const computeS = arm.stepTimeS - arm.collectiveS;
  for (let round = 0; round < ROUNDS; round += 1) {
    const none = closedForm(workload, calibrated, makePlan('none', workload, calibrated));
    calibrated = scaled(
      calibrated,
      none.computeS / computeS,
      workload.ranks > 1 ? none.collectiveS / arm.collectiveS : 1,
      scaleMemoryBound,
    );
  }
  const reached = closedForm(workload, calibrated, makePlan('none', workload, calibrated)).stepTimeS;
  if (Math.abs(reached / arm.stepTimeS - 1) > 1e-3) {
    throw new Error(`no-offload step of ${arm.stepTimeS} s cannot be reproduced, reached ${reached} s`);
  }
  return calibrated;
}

/**
 * The machine with matrix products and attention `faster` times as fast, and its default transport's rates scaled.
 * Memory-bound work keeps its own efficiency unless asked otherwise: it follows device memory, not the tensor cores.
 */
function scaled(system: System, faster: number, transportFaster: number, memoryBound: boolean): System {
  const { gpu } = system;
  const transport = transportNamed(system);
  const { gemm, attention, elementwise } = gpu.efficiency;
  return {
    ...system,
    gpu: {
      ...gpu,
      efficiency: {
        gemm: gemm * faster,
        attention: attention * faster,
        elementwise: memoryBound ? elementwise * faster : elementwise,
      },
    },
    transports: system.transports.map((candidate) =>
      candidate === transport && candidate.kind === 'flow'
        ? withCollectiveRates(candidate, (rate) => ({
            ...rate,
            bytesPerS: rate.bytesPerS * transportFaster,
          }))
        : candidate,
    ),
  };
}
