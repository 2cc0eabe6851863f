import { rowsAt, tokensOfFrames } from '../dit/tokens.ts';
import { blockComputeS } from '../physics/compute.ts';
import { copyRates } from '../physics/rates.ts';
import { gemmRate } from '../system/computeRates.ts';
import type { System } from '../system/system.ts';
import { rebound } from '../workload/bind.ts';
import type { SampleRows } from '../workload/rows.ts';
import { computeIn, type ProfiledWorkload, passWeightBytes, type Workload } from '../workload/workload.ts';
import type { BreakEven } from './report.ts';
import { smallest } from './smallest.ts';

/** Constants of the paper's model; by default they are read from the machine and the workload. */
export interface PaperConstants {
  /** eta_comp x P_peak, FLOP/s. */
  computeFlops: number;
  /** eta_pref x BW_h2d, bytes/s. */
  h2dBytesPerS: number;
  /** Bytes of an average block. */
  blockBytes: number;
}

export interface PaperCriterion {
  /** Seconds that an average block's weights take, on a link that nothing else uses. */
  prefetchS: number;
  /** Seconds that an average block computes, collectives left out. */
  computeS: number;
  hidden: boolean;
  /** Where the two are equal. */
  breakEven: BreakEven;
}

/**
 * The ChunkFlow paper's hiding criterion (arXiv 2605.11335, section 3.1): prefetch is hidden when
 *
 *   F_block / (T x eta_comp x P_peak) >= B_pref / (eta_pref x BW_h2d)
 *
 * F_block are the FLOPs of an average block (matrix products and attention), T the Ulysses degree, B_pref its
 * bytes. It knows no collectives and no contention: cases that it calls hidden measure 10 to 25 % slower.
 *
 * Of a profile, whose FLOPs and other sizes nobody knows, the left side is the measured time of an average block.
 */
export function paperCriterion(
  workload: Workload,
  system: System,
  constants: PaperConstants = machineConstants(workload, system),
): PaperCriterion {
  if (workload.from === 'profile') return measuredCriterion(workload, system, constants);
  const computeS = averageBlockFlops(workload) / constants.computeFlops;
  const prefetchS = constants.blockBytes / constants.h2dBytesPerS;
  const { model, size, batch } = workload;
  const excess = (rows: SampleRows, atBatch: number) => {
    const flops = averageBlockFlops(rebound(workload, rows, { batch: atBatch }));
    return Math.log(prefetchS / (flops / constants.computeFlops));
  };
  const at = (tokens: number, frames = size.frames): SampleRows => ({
    ...rowsAt(model, tokens, frames),
    t: workload.textRows,
  });
  return {
    prefetchS,
    computeS,
    hidden: computeS >= prefetchS,
    breakEven: {
      tokens: smallest((tokens) => excess(at(tokens), batch), 1, 4e6, workload.tokens),
      frames:
        model.vae.frames === 'none'
          ? null
          : smallest(
              (frames) => excess(at(tokensOfFrames(model, size, frames), frames), batch),
              1,
              4000,
              size.frames,
            ),
      batch: smallest((value) => excess(at(workload.tokens), value), 1 / 64, 4096, batch),
    },
  };
}

function measuredCriterion(
  { blocks }: ProfiledWorkload,
  { gpu }: System,
  { blockBytes, h2dBytesPerS }: PaperConstants,
): PaperCriterion {
  const computeS = blocks.reduce((sum, block) => sum + blockComputeS(block, gpu), 0) / blocks.length;
  const prefetchS = blockBytes / h2dBytesPerS;
  const breakEven = { tokens: null, frames: null, batch: null };
  return { prefetchS, computeS, hidden: computeS >= prefetchS, breakEven };
}

/** The machine's numbers in the paper's terms: one efficiency for all compute, H2D with every GPU loading. */
function machineConstants(workload: Workload, system: System): PaperConstants {
  return {
    computeFlops: system.gpu.efficiency.gemm * system.gpu.peakFlops * productRate(workload, system),
    h2dBytesPerS: copyRates(system, workload.ranks).h2d,
    blockBytes: passWeightBytes(workload) / workload.blocks.length,
  };
}

/** Of the dtype of a workload's matrix products, relative to bf16. */
function productRate(workload: Workload, { gpu }: System): number {
  return workload.from === 'profile' ? 1 : gemmRate(gpu, workload.compute.dtype).rate;
}

/** FLOPs of an average block on one rank. */
function averageBlockFlops(workload: Workload): number {
  let flops = 0;
  for (const block of workload.blocks) {
    for (const { flops: own } of block.segments.flatMap(computeIn)) flops += own;
  }
  return flops / workload.blocks.length;
}
