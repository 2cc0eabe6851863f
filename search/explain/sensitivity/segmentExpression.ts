import { segmentTimeS, slowdownOf } from '../../../model/physics/compute.ts';
import type { Gpu } from '../../../model/system/system.ts';
import type { ComputeSegment } from '../../../model/workload/workload.ts';
import { constant, type Laurent } from './laurent.ts';
import type { Symbols } from './symbols.ts';

const NO_TIME: Pick<Gpu, 'launchFloorS' | 'kernelOverheadS' | 'peakFlops' | 'hbmBytesPerS'> = {
  launchFloorS: 0,
  kernelOverheadS: { gemm: 0, attention: 0, elementwise: 0 },
  peakFlops: Number.POSITIVE_INFINITY,
  hbmBytesPerS: Number.POSITIVE_INFINITY,
};

const WHOLE = { gemm: 1, attention: 1, elementwise: 1 };

/**
 * Seconds of a compute segment in the quantities that bind it here: arithmetic, device memory, or launches.
 *
 * Measured compute takes its seconds over the speed at which it is asked about. What any other segment needs of each is read off the roofline itself, on GPUs on which nothing else takes time.
 */
export function segmentExpression(segment: ComputeSegment, gpu: Gpu, symbols: Symbols): Laurent {
  const { class: of, seconds: measuredS } = segment;
  if (measuredS !== undefined) return constant(measuredS).times(symbols.speed.inverse());
  const tiles = gpu.attentionTiles === null ? null : { ...gpu.attentionTiles, overheadS: 0 };
  const on = (changed: Partial<Gpu>) => segmentTimeS(segment, { ...gpu, ...NO_TIME, ...changed });
  const flops = on({ peakFlops: 1, efficiency: WHOLE, attentionTiles: tiles });
  const bytes = on({ hbmBytesPerS: 1, efficiency: WHOLE, attentionTiles: null });
  const floorS = on({ launchFloorS: gpu.launchFloorS, attentionTiles: null });
  const overheadS = on({ kernelOverheadS: gpu.kernelOverheadS, attentionTiles: null });
  const tilesS = on({});
  const arithmeticS = constant(flops)
    .times(symbols.efficiency[of].times(symbols.peak).inverse())
    .plus(constant(tilesS));
  const memoryS = constant(bytes).times(symbols.efficiency.elementwise.times(symbols.hbm).inverse());
  const workS = (arithmeticS.value >= memoryS.value ? arithmeticS : memoryS).plus(constant(overheadS));
  const seconds = workS.value >= floorS ? workS : constant(floorS);
  return seconds.times(slowdownExpression(segment, gpu, symbols));
}

/** A class slows down in proportion below its useful clock. */
function slowdownExpression({ class: of }: ComputeSegment, gpu: Gpu, { clock }: Symbols): Laurent {
  const factor = slowdownOf(gpu, of, clock.value);
  return factor === 1 ? constant(1) : constant(factor * clock.value).times(clock.inverse());
}
