import type { SegmentClass } from '../../dit/kinds.ts';
import type { System } from '../../system/system.ts';
import { checkFactor } from './scaled.ts';

/**
 * A machine whose GPUs compute faster or slower by a factor at the same watts: efficiencies and, inversely, joules. So the
 * clock of a step that only computes stays what it is.
 *
 * @param factor above 0, a fraction of what the machine file says.
 * @throws RangeError for a factor that is not above 0 or not finite.
 */
export function withComputeSpeed(system: System, factor: number): System {
  const scaled = withClassSpeeds(system, { gemm: factor, attention: factor, elementwise: factor });
  return { ...scaled, gpu: { ...scaled.gpu, computeSpeed: system.gpu.computeSpeed * factor } };
}

/**
 * The same for each class of compute by itself; compute that was measured as a whole has no classes and stays.
 *
 * @param factors each above 0, a fraction of what the machine file says.
 * @throws RangeError for a factor that is not above 0 or not finite.
 */
export function withClassSpeeds(system: System, factors: Readonly<Record<SegmentClass, number>>): System {
  for (const [name, factor] of Object.entries(factors)) checkFactor(name, factor);
  const { efficiency, power } = system.gpu;
  const faster = {
    gemm: efficiency.gemm * factors.gemm,
    attention: efficiency.attention * factors.attention,
    elementwise: efficiency.elementwise * factors.elementwise,
  };
  const perWork = power && {
    joulesPerFlop: {
      gemm: power.joulesPerFlop.gemm / factors.gemm,
      attention: power.joulesPerFlop.attention / factors.attention,
    },
    joulesPerByte: power.joulesPerByte / factors.elementwise,
  };
  return { ...system, gpu: { ...system.gpu, efficiency: faster, power: power && { ...power, ...perWork } } };
}
