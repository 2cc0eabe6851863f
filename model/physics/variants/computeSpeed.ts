import type { System } from '../../system/system.ts';
import { scaledSystem } from './scaled.ts';

/**
 * A machine whose GPUs compute faster or slower by a factor at the same watts: efficiencies and, inversely, joules. So the
 * clock of a step that only computes stays what it is.
 *
 * @param factor above 0, a fraction of what the machine file says.
 * @throws RangeError for a factor that is not above 0 or not finite.
 */
export function withComputeSpeed(system: System, factor: number): System {
  const scaled = scaledSystem(system, { compute: factor });
  const { power } = scaled.gpu;
  if (power === null) return scaled;
  const { joulesPerFlop, joulesPerByte } = power;
  const perWork = {
    joulesPerFlop: { gemm: joulesPerFlop.gemm / factor, attention: joulesPerFlop.attention / factor },
    joulesPerByte: joulesPerByte / factor,
  };
  return { ...scaled, gpu: { ...scaled.gpu, power: { ...power, ...perWork } } };
}
