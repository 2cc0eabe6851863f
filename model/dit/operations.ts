import type { Rows } from './dit.ts';

/**
 * What a segment with weights or element-by-element work computes, for each kind of segment. Physics and code generation go by
 * these words, never by a segment's display name. `other` is work of none of these kinds: it is counted and never generated.
 *
 * Matrices: the first three of each kind of rows of a `qkv` are Q, K and V in this order, of a `qkv-mlp-in` with the MLP's
 * input behind them; a `cross-qkv` has Q of `x` rows, then K and V of `t` rows. The outputs of `attention-out`,
 * `attention-mlp-out`, `cross-out` and `mlp-out` are what the next `residual` adds to the residual stream.
 */
export const SEGMENT_OPS = {
  gemm: [
    'modulation',
    'qkv',
    'qkv-mlp-in',
    'cross-qkv',
    'attention-out',
    'attention-mlp-out',
    'cross-out',
    'mlp-in',
    'mlp-out',
    'other',
  ],
  elementwise: [
    'norm',
    'qk-norm',
    'cross-qk-norm',
    'residual',
    'norm-residual',
    'activation',
    'add-positions',
    'sum',
    'other',
  ],
} as const;

export type GemmOp = (typeof SEGMENT_OPS.gemm)[number];
export type ElementwiseOp = (typeof SEGMENT_OPS.elementwise)[number];

/** Facts that an op may have beside its rows and tensors; any other op refuses them. */
export const OP_FACTS = {
  modulation: ['modulation'],
  qkv: ['input'],
  'qkv-mlp-in': ['input'],
  'cross-qkv': ['input'],
  'mlp-in': ['input'],
  norm: ['norm', 'modulated', 'modulation'],
  'qk-norm': ['norm', 'q', 'k', 'rope'],
  'cross-qk-norm': ['norm', 'q', 'k'],
  residual: ['gated'],
  activation: ['activation'],
} as const satisfies Partial<Record<GemmOp | ElementwiseOp, readonly string[]>>;

/** Parts of a block that have a shift, scale and gate of their own. */
export const SITES = ['attention', 'cross', 'mlp'] as const;
export type Site = (typeof SITES)[number];

export const CHUNK_ROLES = ['shift', 'scale', 'gate'] as const;
export type ChunkRole = (typeof CHUNK_ROLES)[number];

export const NORM_KINDS = ['layer', 'rms'] as const;
export const NORM_SPANS = ['head', 'row'] as const;
export const ROPE_PAIRINGS = ['interleaved', 'halves'] as const;
export const ACTIVATIONS = ['gelu-tanh', 'gelu', 'silu', 'swiglu'] as const;
export type ActivationKind = (typeof ACTIVATIONS)[number];

/** The rows that a matrix product, or the Q of a cross-attention, reads: the last norm's output, or the residual stream itself. */
export const GEMM_INPUTS = ['normed', 'residual'] as const;
export type GemmInput = (typeof GEMM_INPUTS)[number];

/** Tensors of a norm's or a layer's module; null where the model stores none. */
export interface AffineTensors {
  weight: string | null;
  bias: string | null;
}

/** LayerNorm or RMS norm; `eps` is added to the variance, or to the mean square. */
export interface NormFacts {
  kind: (typeof NORM_KINDS)[number];
  eps: number;
}

/** One vector of the hidden width that modulates rows of one kind. */
export interface ModulationChunk {
  rows: Rows;
  site: Site;
  role: ChunkRole;
}

/**
 * Where modulation vectors come from, chunk by chunk in the order in which they are stored:
 *
 *   table [+ timestep], or  by x (through x) activation(condition) [+ timestep]
 */
export interface ModulationSource {
  /** The table, or the last matrix. */
  by: string;
  /** Bias of the last matrix. */
  bias: string | null;
  /** First matrix of a low-rank pair, without a bias. */
  through: string | null;
  /** Nothing: a table. */
  of: 'condition' | null;
  activation: 'silu' | null;
  plusTimestep: boolean;
  chunks: readonly ModulationChunk[];
}

/** Rotary embedding of Q and K. */
export interface RopeFacts {
  /** Elements that turn together: 2i and 2i+1, or i and i + half of the head. */
  pairing: (typeof ROPE_PAIRINGS)[number];
  /** Whether all heads turn by the same angles, or each head by its own (a table as wide as the row). */
  over: (typeof NORM_SPANS)[number];
  rows: readonly Rows[];
}

/** Weights of the norms of Q and K, by the rows that they norm. */
export type QkTensors = Partial<Record<Rows, AffineTensors>>;
