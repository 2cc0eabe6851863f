import type { Dit, Size } from '../dit/dit.ts';
import type {
  AttentionKernel,
  CollectiveKind,
  ComputeDtype,
  ElementwiseKernel,
  SegmentClass,
} from '../dit/kinds.ts';
import type { ComputeMode } from './computeMode.ts';
import type { Profiled } from './profiledFormat.ts';

/** Activations are bf16 in every implementation that we know of, whatever the weights are stored in. */
export const ACTIVATION_BYTES = 2;

/** What an attention computes on one rank, all its sequences. */
export interface AttentionShape {
  /** Rows of Q of one sequence on this rank, and of K and V. */
  queryRows: number;
  keyRows: number;
  /** Heads on this rank, times its sequences. */
  heads: number;
}

/** Work of one stage on one rank. */
export interface ComputeSegment {
  kind: 'compute';
  name: string;
  /** Of measured compute, which is of all classes at once, any: nothing asks it. */
  class: SegmentClass;
  /** FLOPs on this rank. */
  flops: number;
  /** Bytes of device memory read and written on this rank, weights included. */
  bytes: number;
  /** Kernels launched; each costs at least the launch floor. */
  kernels: number;
  /** Of class gemm: what it multiplies in, bf16 where left out. */
  dtype?: ComputeDtype;
  /** Of class attention: by which kernel; left out, by the one that the machine's efficiency of attention is of. */
  attentionKernel?: AttentionKernel;
  /** Of class attention; none where only its work is known. */
  attention?: AttentionShape;
  /** Of class elementwise; none where it is of no kind that we know. */
  kernel?: ElementwiseKernel;
  /**
   * Measured on the device of the workload, at the clock that it had then. No law of compute applies: FLOPs, bytes and kernels are 0,
   * so the work has no energy either. Only a machine that is said to compute faster or slower (`Gpu.computeSpeed`) changes it.
   */
  seconds?: number;
}

/** Ranks of which a collective has so many, `stride` apart: 2 of stride 4 are ranks 0 and 4, 1 and 5, ... */
export interface RankGroup {
  ranks: number;
  stride: number;
}

/** One collective call on one rank. */
export interface CollectiveSegment {
  kind: 'collective';
  name: string;
  collective: CollectiveKind;
  /**
   * Bytes that leave this rank, which are also the bytes that arrive (the part a rank keeps is not counted).
   * All-reduce: 2 (n-1)/n of the buffer, as a ring sends them.
   */
  sentBytes: number;
  /** Bytes of the local input plus output buffer. */
  bufferBytes: number;
  /** Which ranks meet in it, where those are not all. Tensor-parallel ranks are neighbours, then those of Ulysses, then those of a ring. */
  members?: RankGroup;
  /** Each of them sends to the next only, as round a ring. */
  toNeighbour?: true;
}

/**
 * Compute with one collective beside it, such as a part of ring attention while the next K/V block is sent: both begin together, and
 * what follows waits for both.
 */
export interface OverlappedSegment {
  kind: 'overlapped';
  name: string;
  collective: CollectiveSegment;
  /** In order, at least one. */
  compute: readonly ComputeSegment[];
}

export type Segment = ComputeSegment | CollectiveSegment | OverlappedSegment;

/** The compute of a segment, with or without a collective beside it; none of a collective. */
export function computeIn(segment: Segment): readonly ComputeSegment[] {
  if (segment.kind === 'overlapped') return segment.compute;
  return segment.kind === 'compute' ? [segment] : [];
}

/** The collective of a segment, whether compute waits for all of it or runs beside it; null of compute alone. */
export function collectiveIn(segment: Segment): CollectiveSegment | null {
  if (segment.kind === 'overlapped') return segment.collective;
  return segment.kind === 'collective' ? segment : null;
}

/** Blocks with the same weights and work; a workload's block list refers to these. */
export interface BlockKind {
  name: string;
  /** Bytes of one block's weights on one rank (tensor parallelism divides them, sequence parallelism does not). */
  weightBytes: number;
  segments: readonly Segment[];
}

/** How the Q, K and V of an attention change hands under sequence parallelism. */
export const EXCHANGE_STYLES = ['packed', 'separate', 'separate-cross', 'kv-gather'] as const;
export type ExchangeStyle = (typeof EXCHANGE_STYLES)[number];

export const GUIDANCE_MODES = ['none', 'sequential', 'batched', 'parallel'] as const;
export type GuidanceMode = (typeof GUIDANCE_MODES)[number];

export interface ParallelLayout {
  /** Ulysses degree: activations are sharded, weights are not. */
  sp: number;
  /** Ring attention degree: each of so many Ulysses groups holds rows of its own, and K/V blocks go round. 1 without. */
  ring: number;
  /** Tensor-parallel degree: weights are sharded too. */
  tp: number;
  cfg: GuidanceMode;
  exchange: ExchangeStyle;
}

/** What one rank computes in one denoising step, whatever it is known from. */
interface StepWork {
  /** Trips through all blocks in one step: 2 for sequential guidance. */
  passes: number;
  /** Ranks that meet in a collective. */
  ranks: number;
  /** The blocks of one pass in order; equal kinds are the same object. */
  blocks: readonly BlockKind[];
  /** Experts with weights of their own that the GPU holds side by side, residents and weights outside the blocks; one runs in a step. */
  experts: number;
  /** Experts that wait in host memory whole, and change places with one on the GPU at a switch. */
  waitingExperts: number;
  /** Weights outside the blocks on one rank, of the experts on the GPU, always resident. */
  outsideBytes: number;
  /** Peak bytes of activations on one rank, collective buffers not counted. An estimate: see activationBytes. */
  activationBytes: number;
  /** Bytes of the largest collective's input and output buffers on one rank; 0 without collectives. */
  collectiveBufferBytes: number;
}

/** The work of a model of the catalogue, or of a checkpoint, at a size and parallel layout: all of it follows from these. */
export interface BoundWorkload extends StepWork {
  from: 'model';
  model: Dit;
  size: Size;
  batch: number;
  /** Ranks are sp x ring x tp. */
  layout: ParallelLayout;
  /** How the work is computed. */
  compute: ComputeMode;
  /** Images whose tokens join those of the output. */
  referenceImages: readonly Size[];
  /** Video or image tokens of one sample, reference images among them. */
  tokens: number;
  /** Text rows of one sample. */
  textRows: number;
}

/** The work of a user's own model as a profile measured it. Size, batch and how its ranks divide the work are not known. */
export interface ProfiledWorkload extends StepWork {
  from: 'profile';
  model: ModelName;
  /** What a plan for it takes along. */
  profiled: Profiled;
  /** What the host takes to issue a step, seconds, however fast the GPU is; 0 where that is not known. */
  hostS: number;
  /** GPU memory that the profiled process took beside weights and activations; null where nobody knows. */
  processBytes: number | null;
  /** 95 % interval of the compute's speed, as factors on what was measured. */
  computeInterval: readonly [number, number];
}

/** What one rank computes in one denoising step: the input of every predictor. */
export type Workload = BoundWorkload | ProfiledWorkload;

/** All that is known of a model by everyone: how plans call it, and how people do. */
export interface ModelName {
  id: string;
  name: string;
}

/** Bytes of one pass's block weights on one rank: what a plan with nothing resident streams per pass. */
export function passWeightBytes(workload: Workload): number {
  return workload.blocks.reduce((sum, block) => sum + block.weightBytes, 0);
}
