import type {
  ActivationKind,
  AffineTensors,
  ElementwiseOp,
  GemmInput,
  GemmOp,
  ModulationSource,
  NormFacts,
  QkTensors,
  RopeFacts,
  Site,
} from './operations.ts';
import type { Rope } from './rope.ts';

/**
 * What a matrix or an activation has one of: `x` a video or image token, `t` a text row, `i` a row of an image encoder
 * that the tokens attend to, `a` an audio row, `j` a row of the joint sequence (x and t through the same weights), `c` one conditioning row per sample.
 */
export const ROWS = ['x', 't', 'i', 'a', 'j', 'c'] as const;
export type Rows = (typeof ROWS)[number];

/** One stored parameter tensor; `shape` as PyTorch stores it, [out, in] for a matrix. */
export interface WeightTensor {
  name: string;
  shape: readonly number[];
  parameters: number;
  /** As it lies on the device and crosses the link, with the scales that belong to it. */
  bytes: number;
}

/** Matrix products of one stage: FLOPs are 2 x in x out per row. */
export interface GemmSegment {
  kind: 'gemm';
  /** For readers; what is computed is `op`. */
  name: string;
  op: GemmOp;
  input: GemmInput;
  /** Of op `modulation`; empty where the model's description does not say which vectors its matrices make. */
  modulation: readonly ModulationSource[];
  /**
   * Mixture of experts: the matrices are those of all `experts`, and each row goes through `active` of them. So many rows ask
   * all experts, whose weights are held and streamed like any.
   */
  routed?: { experts: number; active: number };
  /** One entry per matrix: which rows it multiplies and its sides. */
  products: readonly { rows: Rows; in: number; out: number }[];
  tensors: readonly WeightTensor[];
  /** Under tensor parallelism these outputs ([rows, width] each) are summed over the ranks after the segment. */
  reduces: readonly { rows: Rows; width: number }[];
}

/** Scaled dot-product attention: 4 x q x kv x width FLOPs. */
export interface AttentionSegment {
  kind: 'attention';
  name: string;
  q: Rows;
  kv: Rows;
  width: number;
}

/** How an op computes; what a description leaves out cannot be generated. */
export interface ElementwiseFacts {
  /** Of op `norm` and the norms of Q and K. */
  norm?: NormFacts & AffineTensors & { over: 'head' | 'row' };
  /** Vectors that shift and scale the output of a norm. */
  modulated?: Site;
  /** Vectors that gate what a residual adds. */
  gated?: Site;
  /** Tables of modulation vectors. */
  modulation?: readonly ModulationSource[];
  q?: QkTensors;
  k?: QkTensors;
  rope?: RopeFacts;
  activation?: ActivationKind;
}

/** Norms, modulation, RoPE, activations, residual adds: bound by device memory. */
export interface ElementwiseSegment {
  kind: 'elementwise';
  /** For readers; what is computed is `op`. */
  name: string;
  op: ElementwiseOp;
  facts: ElementwiseFacts;
  /** Elements read plus written, per row. */
  touches: readonly { rows: Rows; elements: number }[];
  tensors: readonly WeightTensor[];
}

/**
 * A point where sequence parallelism moves activations: `in` before an attention (Q, K and V change from
 * sharded rows to sharded heads), `out` behind it.
 */
export interface ExchangeSegment {
  kind: 'exchange';
  name: string;
  direction: 'in' | 'out';
  /** `cross`: only old implementations exchange here (SGLang before February 2026); off by default. */
  attention: 'self' | 'cross';
  /** Rows of Q (and of K and V for self-attention) that are exchanged. */
  rows: Rows;
  /** Rows of K and V. */
  kvRows: Rows;
  width: number;
  /** Of K and V; less than `width` where heads share them. */
  kvWidth: number;
}

export type DitSegment = GemmSegment | AttentionSegment | ElementwiseSegment | ExchangeSegment;

/** Blocks that are alike: same tensors, same work. Their tensors say how many bytes they have. Kinds stand in the order in which a forward runs them. */
export interface DitBlockKind {
  name: string;
  /** Attribute path of the layer list in the checkpoint, such as `transformer_blocks`. */
  container: string;
  /** Index of the first of these blocks in `container`; where not given, kinds of one container follow one another. */
  first?: number;
  count: number;
  segments: readonly DitSegment[];
  parameters: number;
}

/** What a model makes. */
export const MODALITIES = ['image', 'video'] as const;
export type Modality = (typeof MODALITIES)[number];

/** A diffusion transformer: everything that follows from the architecture alone, before a size is chosen. */
export interface Dit {
  id: string;
  name: string;
  modality: Modality;
  /** Id of the catalogue's model that it is or is like, whatever its file is called; null where none is. */
  entry: string | null;
  /** The file that it came from, for messages. */
  file: string;
  hidden: number;
  heads: number;
  /** Most kinds of one forward, in order; a model with several experts runs one of them per step. */
  blocks: readonly DitBlockKind[];
  experts: number;
  /** Parameters outside the blocks, per expert: embeddings, heads, shared modulation. */
  outsideParameters: number;
  /** Bytes of these, per expert. */
  outsideBytes: number;
  textRows: number;
  /** Rows that an image encoder gives for the conditioning image (Wan2.1 image-to-video: 257 of CLIP); 0 for most. */
  imageRows: number;
  /** Rows of text and image are rounded up to a multiple of this (Z-Image: 32); 1 for most. */
  rowMultiple: number;
  vae: {
    temporal: number;
    spatial: number;
    channels: number;
    /**
     * How frames become latent frames: `causal` 1 + (F-1)/temporal, the first frame on its own; `segments`
     * of 17 frames that become 3 (Step-Video); `none` for images.
     */
    frames: 'causal' | 'segments' | 'none';
  };
  patch: { t: number; h: number; w: number };
  /**
   * Images whose tokens stand behind those of the output in every block (FLUX.1 Kontext, Qwen-Image-Edit): the usual ones, where
   * none are named. Not given where a model takes none.
   */
  referenceImages?: readonly Size[];
  /** Audio rows per second and the frame rate that they are counted against, for models that make sound. */
  audio?: { rowsPerSecond: number; framesPerSecond: number };
  /** Rotary position embedding, where the model has one and its file says which. */
  rope?: Rope;
  /** Network evaluations per denoising step, and in how many passes over the weights they are made. */
  guidance: { evaluations: number; passes: number };
  referenceSize: { width: number; height: number; frames: number };
  /** Why the code generator has no proof of its blocks; null where it may have one (codegen/proof decides). */
  unproved: string | null;
  /** What had to be assumed because the source did not say, one sentence each (empty for the catalogue). */
  assumptions: readonly string[];
}

/** Resolution in pixels and frames; 1 frame for images. */
export interface Size {
  width: number;
  height: number;
  frames: number;
}
