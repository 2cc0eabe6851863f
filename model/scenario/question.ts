import type { AttentionKernel, ComputeDtype } from '../dit/kinds.ts';
import type { ExchangeStyle, GuidanceMode } from '../workload/workload.ts';

/**
 * What is computed and where, as people write it; whatever is left out is the model's or the machine's own. Fields are the flags of
 * the command line, which messages name.
 */
export interface WorkloadQuestion {
  /** A model of the catalogue, or a file: YAML, checkpoint or `config.json`. */
  model?: string;
  /** The catalogue's model that a checkpoint is; recognised unless given. */
  entry?: string;
  /** Of weights on the device and over the link: `fp8`, `nf4`, ...; as stored unless given. */
  dtype?: string;
  /** In place of a model: a file that the Python package's `profile` wrote. */
  profile?: string;
  /** Pixels and frames, `WxH[xF]`; the model's reference size unless given. */
  size?: string;
  /** Samples a step; 1 unless given. */
  batch?: number;
  /** Ulysses sequence-parallel degree; all GPUs, if the heads allow, unless given. */
  sp?: number;
  /** Ring attention's degree, times SP; 1 unless given. */
  ring?: number;
  /** Tensor-parallel degree; 1 unless given. */
  tp?: number;
  /** Pipeline-parallel degree: refused by name unless 1. */
  pp?: number;
  cfg?: GuidanceMode;
  /** How Q, K and V change hands. */
  exchange?: ExchangeStyle;
  /** Rows of text; what the model pads to unless given. */
  textRows?: number;
  /** Experts that the GPU holds at a time; all unless given. */
  expertsOnGpu?: number;
  /** Sizes of images beside the output's tokens, `WxH`, or `none` alone; the model's usual unless given. */
  referenceImage?: string[];
  /** Only so many blocks, kinds in proportion; all unless given. */
  blocks?: number;
  /** Of matrix products; bf16 unless given. */
  computeDtype?: ComputeDtype;
  /** The machine's usual one unless given. */
  attention?: AttentionKernel;
  /** Unfused kernels that the host launches one by one. */
  eager?: boolean;
  /** A machine's name, a card such as `2xrtx-4090,pcie=4x8`, or a YAML file. */
  machine?: string;
  /** Of a card: how many. */
  gpus?: string;
  /** Of a card: PCIe generation and lanes, `4x8`. */
  pcie?: string;
  /** Of a card: how several reach the host. */
  topology?: string;
  /** Of the collectives, for plans that name none; the machine's unless given. */
  transport?: string;
  /** Numbers of the machine, each `key=value` with a unit. */
  set?: string[];
}

/** A step that was measured, to which a machine's compute and collectives are brought. */
export interface MeasuredQuestion {
  /** A plan and the time of its step on this machine, such as `none=4602ms`. */
  measured?: string;
  /** Pixels and frames that it was measured at; those of the question unless given. */
  measuredSize?: string;
  /** Time of that step in collectives; in proportion to compute unless given. */
  measuredCollectives?: string;
}

/** A workload on a machine, and the plans to compare; settings stand for every plan that has a use for them and does not give them. */
export interface ScenarioQuestion extends WorkloadQuestion, MeasuredQuestion {
  /** Presets with settings, other tools with theirs, or plan files; the usual ones unless given. */
  plan?: readonly string[];
  /** Share of each block that stays on the GPU, 0 to 1. */
  resident?: string;
  /** Blocks fetched ahead. */
  prefetch?: string;
  /** Largest copy, such as `16MiB`. */
  chunk?: string;
  /** Device buffers. */
  slots?: string;
}

/** A whole request of several denoising steps; times have a unit, such as `1.2s`. */
export interface RequestQuestion {
  /** Denoising steps. */
  steps?: number;
  /** Before the first step: text encoders. */
  before?: string;
  /** After the last: the VAE. */
  after?: string;
  /** One switch between experts; copying in what stays on the GPU unless given. */
  switch?: string;
}
