import type { AttentionKernel, ComputeDtype, ElementwiseKernel, SegmentClass } from '../dit/kinds.ts';
import type { Network } from './network.ts';
import type { Transport } from './transport.ts';

/** Where a number of a machine file came from; shown wherever the number is. */
export const PROVENANCES = ['datasheet', 'published', 'measured', 'fitted', 'default'] as const;
export type Provenance = (typeof PROVENANCES)[number];

/** One number of a machine file as it was given, for listings: `gpu.power.cap = 700 W (datasheet)`. */
export interface ProvenanceEntry {
  key: string;
  shown: string;
  from: Provenance;
  source: string;
  /** 95 % interval of a fitted number, as factors on it: the lower at most 1, the upper at least 1. Absent where the file has none. */
  interval?: readonly [number, number];
}

/** What host memory carries of all GPUs together, bytes/s; Infinity where nothing limits it. */
export interface HostMemory {
  /** Reads plus writes. */
  bytesPerS: number;
  readBytesPerS: number;
  writeBytesPerS: number;
  /** How hard the three limits are, see `served`; Infinity for hard ones. */
  sharpness: number;
  /** What a D2H copy weighs against others where a soft limit shares them out. */
  writeWeight: number;
}

/** A node of the PCIe tree; its link is the one to its parent. The tree's top has no parent and no link. */
export interface TreeNode {
  id: string;
  parent: string | null;
  /** Payload bytes/s towards this node (host to device). */
  downBytesPerS: number;
  /** Payload bytes/s from this node (device to host). */
  upBytesPerS: number;
  /** Payload bytes/s of both directions together; Infinity where the link is truly full-duplex. */
  duplexBytesPerS: number;
  /** Host memory at this node; copies end at the nearest such node above a GPU. */
  memory: HostMemory | null;
}

/**
 * Power-limited clock. Above its useful clock a class of work gains nothing: at clock f, both as fractions of the highest,
 * it runs as at g = min(1, f / usefulClock), in 1/g of the time, and costs g^energyExponent of its joules.
 */
export interface Power {
  capW: number;
  idleW: number;
  joulesPerFlop: Readonly<Record<'gemm' | 'attention', number>>;
  /** Joules per byte of device memory moved by elementwise work. */
  joulesPerByte: number;
  energyExponent: number;
  usefulClock: Readonly<Record<SegmentClass, number>>;
  /** Lowest clock as a fraction of the highest. */
  minClock: number;
  /** The highest clock in hertz; null where the machine file does not say it. */
  topClockHz: number | null;
  /** The GPU, whose peaks scale the energy of other dtypes. */
  of: Pick<Gpu, 'name' | 'compute'>;
}

export interface CopyEngine {
  /** Bytes/s of one long copy, alone. */
  h2dBytesPerS: number;
  d2hBytesPerS: number;
  /** Seconds before a copy on an idle engine moves its first byte. */
  startUpS: number;
  /** Seconds between back-to-back copies of one stream. */
  gapS: number;
  /** Seconds that one stream may hold the engine while another has a copy ready. */
  turnS: number;
  /** Seconds that a pause between chunks costs beyond the pause asked for (an empty kernel or wait). */
  paceOverheadS: number;
}

/** Seconds that a kernel takes beyond its work at the large-segment efficiency: launch, ramp and tail. */
export type KernelOverhead = Readonly<Record<SegmentClass, number>>;

/** How attention is cut into tiles, one per multiprocessor at a time. */
export interface AttentionTiles {
  multiprocessors: number;
  /** Rows of Q in a tile. */
  rows: number;
  /** Speed where rows are no multiple of a tile's, as a fraction of the speed where they are. */
  ragged: number;
  /** Seconds that a tile takes beyond its work. */
  overheadS: number;
}

/** Bytes that a kernel moves for each one that a workload counts for it. */
export type ElementwiseTraffic = Readonly<Record<ElementwiseKernel, number>>;

/** Peak and rate of other arithmetic, as factors on those of the same class in bf16: what makes bf16 faster makes all faster. */
export interface RelativeRate {
  /** Peak of its dtype over the peak of bf16. */
  peak: number;
  /** Efficiency x peak over those of bf16. */
  rate: number;
}

/** What is not known of a GPU is not there. */
export interface ComputeRates {
  gemm: Readonly<Partial<Record<ComputeDtype, RelativeRate>>>;
  attention: Readonly<Partial<Record<AttentionKernel, RelativeRate>>>;
}

export interface Gpu {
  name: string;
  memoryBytes: number;
  /** Of bf16, as `efficiency` is. */
  peakFlops: number;
  hbmBytesPerS: number;
  /** Fraction of the peak (FLOP/s, or device memory bytes/s for elementwise) that large segments reach. */
  efficiency: Readonly<Record<SegmentClass, number>>;
  /** Rates of large segments in other dtypes and kernels than those. */
  compute: ComputeRates;
  /** Seconds that a kernel takes at least. */
  launchFloorS: number;
  kernelOverheadS: KernelOverhead;
  traffic: ElementwiseTraffic;
  /** Null where nothing is known of them: then attention takes what its FLOPs take. */
  attentionTiles: AttentionTiles | null;
  copyEngine: CopyEngine;
  power: Power | null;
  /** Speed of compute that was measured, as a factor on what was measured: 1, but for a machine that is asked about at another speed. */
  computeSpeed: number;
}

/** What stands on the other end of a collective: see Plan "Where a program runs" in the documentation. */
export const PEERS = ['real', 'mirrored', 'colocated'] as const;
export type Peer = (typeof PEERS)[number];

/** A machine: everything that a predictor may know about where a program runs. */
export interface System {
  id: string;
  name: string;
  file: string;
  peer: Peer;
  gpu: Gpu;
  /** Tree node of each GPU; its length is the number of GPUs. */
  gpus: readonly string[];
  /** Of every host, each with a top of its own. */
  tree: readonly TreeNode[];
  /** What joins several hosts; null for one. */
  network: Network | null;
  transports: readonly Transport[];
  defaultTransport: string;
  host: {
    memoryBytes: number;
    /** H2D bytes/s of one GPU from pageable memory. */
    pageableBytesPerS: number;
    /** D2H bytes/s of one GPU into pageable memory that is new: the host has to find its pages first. */
    pageableOutBytesPerS: number;
    /** How far the host's launches run ahead of the device, seconds: what a pause taken by host code misses by. */
    launchLeadS: number;
    /** How long the host call of one collective takes, seconds. */
    launchWindowS: number;
    /** Device memory outside the model: context, libraries, workspaces; bytes. */
    deviceReserveBytes: number;
    /** What an eager launch takes the host, seconds; null where the machine file does not say it. */
    eagerLaunchS: number | null;
  };
  provenance: readonly ProvenanceEntry[];
  /** What brought its compute and collectives to a step that somebody measured; absent where they are the file's. */
  anchor?: Anchor;
}

/** Speeds as factors on a machine's own: of each class of compute, and of the collectives of the transport that was measured. */
export interface AnchorSpeeds {
  compute: Readonly<Record<SegmentClass, number>>;
  collectives: number;
}

/** A step that was measured, and how a machine was brought to it. */
export interface Anchor {
  /** Text of the plan that was measured. */
  plan: string;
  stepS: number;
  /** Of one step, seconds; null where only the step was measured. */
  collectiveS: number | null;
  /** Pixels and frames that it was measured at; empty for a profile. */
  size: string;
  /** Name of the transport whose collectives were brought along; null where there are none, or they are made of other numbers. */
  transport: string | null;
  /** On the machine file's numbers. */
  speeds: AnchorSpeeds;
  /** Other speeds, on those, with which the step that was measured is as long: one number does not say which kernels took it. */
  others: readonly AnchorSpeeds[];
}
