import type { Dit, DitBlockKind, DitSegment, Rows, Size } from '../dit/dit.ts';
import type { ElementwiseKernel } from '../dit/kinds.ts';
import type { ElementwiseOp } from '../dit/operations.ts';
import { rowsOf } from '../dit/tokens.ts';
import { UserError } from '../input/userError.ts';
import { type ComputeMode, computedIn, USUAL_COMPUTE } from './computeMode.ts';
import { exchangeCollectives } from './exchange.ts';
import { checkRing, isExchanged, ringAccumulatorBytes, ringAttention } from './ring.ts';
import { type RankRows, rankRows, type SampleRows } from './rows.ts';
import { shardBytes } from './shards.ts';
import {
  ACTIVATION_BYTES,
  type AttentionShape,
  type BlockKind,
  type BoundWorkload,
  type CollectiveSegment,
  type ComputeSegment,
  collectiveIn,
  type ExchangeStyle,
  type GuidanceMode,
  type ParallelLayout,
  type Segment,
} from './workload.ts';

export interface WorkloadOptions {
  size: Size;
  batch?: number;
  sp?: number;
  ring?: number;
  tp?: number;
  /** Default: as the model's own pipeline makes its evaluations. */
  cfg?: GuidanceMode;
  /** Default `packed`: one all-to-all for Q, K and V, one for the output. */
  exchange?: ExchangeStyle;
  /** Text rows where the prompt is not padded, or an implementation pads to another length. */
  textRows?: number;
  /** Of a model with several experts: how many the GPU holds at a time; the others wait in host memory. Default: all. */
  expertsOnGpu?: number;
  /** Default: fused kernels in bf16. */
  compute?: ComputeMode;
  /** Sizes of the images whose tokens join those of the output; default: the model's usual ones. */
  referenceImages?: readonly Size[];
}

/**
 * The work of one rank in one denoising step of a model at a size and parallel layout.
 *
 * @throws UserError where the layout does not fit the model: SP x TP that does not divide the heads, a batch that
 * is no whole number of at least 1, reference images that the model does not take.
 */
export function bindWorkload(dit: Dit, options: WorkloadOptions): BoundWorkload {
  const rows = rowsOf(dit, options.size, options.referenceImages);
  const { batch = 1 } = options;
  if (!Number.isInteger(batch))
    throw new UserError(`--batch: expected a whole number of at least 1, got ${batch}`);
  return bindRows(dit, { ...rows, t: options.textRows ?? rows.t }, options);
}

/**
 * As bindWorkload, for rows that need not be whole: break-even points lie between real sizes. The joint rows
 * follow from x and t.
 */
export function bindRows(dit: Dit, sample: SampleRows, options: WorkloadOptions): BoundWorkload {
  const { batch = 1, sp = 1, ring = 1, tp = 1, cfg = defaultGuidance(dit), exchange = 'packed' } = options;
  const layout: ParallelLayout = { sp, ring, tp, cfg, exchange };
  const { expertsOnGpu = dit.experts } = options;
  checkLayout(dit, layout, batch);
  checkExperts(dit, expertsOnGpu);
  const sequences = batch * (cfg === 'batched' ? guidedEvaluations(dit) : 1);
  const kindRows = dit.blocks.map((kind) => rankRows(sample, sequences, layout, joinsText(kind)));
  const { compute = USUAL_COMPUTE } = options;
  const kinds = dit.blocks.map((kind, index) => bindBlock(dit, kind, kindRows[index]!, layout, compute));
  const blocks = dit.blocks.flatMap((kind, index) => Array<BlockKind>(kind.count).fill(kinds[index]!));
  const largestBuffer = (of: Segment['kind']) =>
    Math.max(
      0,
      ...kinds.flatMap(({ segments }) =>
        segments.flatMap((one) => (one.kind === of ? [collectiveIn(one)!.bufferBytes] : [])),
      ),
    );
  return {
    from: 'model',
    model: dit,
    size: options.size,
    batch,
    layout,
    compute,
    tokens: sample.x,
    referenceImages: options.referenceImages ?? dit.referenceImages ?? [],
    textRows: sample.t,
    passes: cfg === 'sequential' ? guidedEvaluations(dit) : 1,
    ranks: sp * ring * tp,
    blocks,
    ...{ experts: expertsOnGpu, waitingExperts: dit.experts - expertsOnGpu },
    outsideBytes: (dit.outsideBytes * expertsOnGpu) / tp,
    activationBytes: Math.max(
      ...dit.blocks.map((kind, index) => activationBytes(dit, kind, kindRows[index]!, tp)),
    ),
    // Ring attention still reads what the exchange before it has received.
    collectiveBufferBytes: largestBuffer('collective') + largestBuffer('overlapped'),
  };
}

/** The same model in the same layout with other rows, or another batch or degree. */
export function rebound(
  { model, size, batch, layout, experts, compute, referenceImages }: BoundWorkload,
  rows: SampleRows,
  changed: Partial<WorkloadOptions> = {},
): BoundWorkload {
  return bindRows(model, rows, {
    size,
    batch,
    ...layout,
    expertsOnGpu: experts,
    compute,
    referenceImages,
    ...changed,
  });
}

function defaultGuidance(dit: Dit): GuidanceMode {
  if (dit.guidance.evaluations === 1) return 'none';
  return dit.guidance.passes === 1 ? 'batched' : 'sequential';
}

/** Network evaluations of a guided step: at least two, also for a distilled model that is guided all the same. */
function guidedEvaluations(dit: Dit): number {
  return Math.max(2, dit.guidance.evaluations);
}

function checkLayout(dit: Dit, layout: ParallelLayout, batch: number): void {
  const { sp, ring, tp, exchange } = layout;
  for (const [name, value] of [
    ['sp', sp],
    ['ring', ring],
    ['tp', tp],
  ] as const) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UserError(`--${name}: expected a whole number of at least 1, got ${value}`);
    }
  }
  if (!(batch > 0)) throw new UserError(`--batch: expected at least 1, got ${batch}`);
  const exchangesHeads = exchange !== 'kv-gather' && sp > 1;
  if (dit.heads % tp !== 0 || (exchangesHeads && dit.heads % (sp * tp) !== 0)) {
    const degrees = divisors(dit.heads).filter((degree) => degree % tp === 0);
    throw new UserError(
      `--sp ${sp}${tp > 1 ? ` --tp ${tp}` : ''}: does not divide the ${dit.heads} heads of ${dit.name}; ` +
        `SP x TP must be one of ${(degrees.length > 0 ? degrees : divisors(dit.heads)).join(', ')}` +
        `${dit.heads % tp === 0 && ring === 1 ? ', or use --exchange kv-gather' : ''}`,
    );
  }
  if (ring > 1) checkRing(dit, layout);
}

function checkExperts({ experts, name }: Dit, onGpu: number): void {
  if (Number.isInteger(onGpu) && onGpu >= 1 && onGpu <= experts) return;
  throw new UserError(
    `--experts-on-gpu ${onGpu}: ${name} has ${experts === 1 ? 'one expert' : `${experts} experts`}; ${experts === 1 ? 'leave it out' : `expected 1 to ${experts}`}`,
  );
}

/** Text that meets the image in one attention is sharded with it; text that only feeds a cross-attention is not. */
function joinsText(kind: DitBlockKind): boolean {
  return kind.segments.some((segment) => segment.kind === 'exchange' && segment.rows === 'j');
}

function divisors(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1).filter((degree) => n % degree === 0);
}

function bindBlock(
  dit: Dit,
  kind: DitBlockKind,
  rows: RankRows,
  layout: ParallelLayout,
  compute: ComputeMode,
): BlockKind {
  return {
    name: kind.name,
    weightBytes: Math.round(sum(kind.segments, (segment) => segmentBytes(segment, layout.tp))),
    segments: kind.segments
      .flatMap((segment) => bindSegment(dit, kind, segment, rows, layout))
      .map((segment) => segmentComputedIn(compute, segment)),
  };
}

/** A segment with all of its compute, whether a collective runs beside it or not, computed in a mode. */
function segmentComputedIn(mode: ComputeMode, segment: Segment): Segment {
  switch (segment.kind) {
    case 'compute':
      return computedIn(mode, segment);
    case 'overlapped':
      return { ...segment, compute: segment.compute.map((part) => computedIn(mode, part)) };
    case 'collective':
      return segment;
  }
}

function bindSegment(
  dit: Dit,
  kind: DitBlockKind,
  segment: DitSegment,
  rows: RankRows,
  layout: ParallelLayout,
): Segment[] {
  const { tp } = layout;
  const weightBytes = segmentBytes(segment, tp);
  switch (segment.kind) {
    case 'gemm': {
      // Rows are taken to divide evenly over the experts.
      const { experts, active } = segment.routed ?? { experts: 1, active: 1 };
      const rowsOf = (of: Rows) => (rows.gemm[of] * active) / experts;
      const compute: ComputeSegment = {
        kind: 'compute',
        name: segment.name,
        class: 'gemm',
        flops: sum(segment.products, (p) => (2 * p.in * p.out * rowsOf(p.rows)) / tp),
        bytes:
          weightBytes + sum(segment.products, (p) => rowsOf(p.rows) * (p.in + p.out / tp) * ACTIVATION_BYTES),
        // Products of the same rows, such as Q, K and V, are one.
        kernels: new Set(segment.products.map(({ rows: of }) => of)).size * experts,
      };
      return [compute, ...(tp > 1 ? reductions(segment.name, segment.reduces, rows, tp) : [])];
    }
    case 'attention': {
      if (rows.ring > 1 && isExchanged(kind, segment)) return ringAttention(segment, dit.heads, rows, tp);
      const heads = { q: rows.attention[segment.q], kv: rows.attention[segment.kv] };
      const shards = rows.sp * rows.ring;
      return [
        {
          kind: 'compute',
          name: segment.name,
          class: 'attention',
          // Ulysses and tensor parallelism split the heads: every rank sees all rows of a part of the width.
          // Cross-attention that is not exchanged splits its queries instead, which is the same work.
          flops: (4 * heads.q * heads.kv * segment.width * rows.sequences) / (shards * tp),
          bytes:
            ((2 * heads.q + 2 * heads.kv) * segment.width * ACTIVATION_BYTES * rows.sequences) /
            (shards * tp),
          kernels: 1,
          attention: attentionShape(dit, segment, rows, tp),
        },
      ];
    }
    case 'elementwise':
      return [
        {
          kind: 'compute',
          name: segment.name,
          class: 'elementwise',
          ...kernelOf(segment.op),
          flops: 0,
          bytes:
            weightBytes +
            sum(segment.touches, (touch) => rows.gemm[touch.rows] * touch.elements * ACTIVATION_BYTES),
          kernels: segment.touches.length,
        },
      ];
    case 'exchange':
      return rows.sp > 1 ? exchangeCollectives(segment, rows, layout) : [];
  }
}

/** Kernels that do an op, where how much device memory they move has been fitted. */
const ELEMENTWISE_KERNEL: Readonly<Record<ElementwiseOp, ElementwiseKernel | null>> = {
  norm: 'norm',
  'qk-norm': 'qkNorm',
  'cross-qk-norm': 'qkNorm',
  residual: 'residual',
  'norm-residual': null,
  activation: 'activation',
  'add-positions': 'residual',
  sum: 'residual',
  other: null,
};

function kernelOf(op: ElementwiseOp): { kernel?: ElementwiseKernel } {
  const kernel = ELEMENTWISE_KERNEL[op];
  return kernel === null ? {} : { kernel };
}

/** Exchanged heads are divided over the ranks; a cross-attention that is not exchanged divides its queries. */
function attentionShape(
  dit: Dit,
  { q, kv }: Extract<DitSegment, { kind: 'attention' }>,
  rows: RankRows,
  tp: number,
): AttentionShape {
  const splitsQueries = q !== kv;
  const shards = rows.sp * rows.ring;
  return {
    queryRows: splitsQueries ? rows.attention[q] / shards : rows.attention[q],
    keyRows: rows.attention[kv],
    heads: (dit.heads * rows.sequences) / (tp * (splitsQueries ? 1 : shards)),
  };
}

/** Bytes of a segment's weights that one of `tp` ranks holds. */
function segmentBytes(segment: DitSegment, tp: number): number {
  return 'tensors' in segment ? sum(segment.tensors, (tensor) => shardBytes(segment, tensor, tp)) : 0;
}

/** All-reduce of each row-parallel output, as a ring sends it. */
function reductions(
  name: string,
  reduces: readonly { rows: keyof RankRows['gemm']; width: number }[],
  rows: RankRows,
  tp: number,
): CollectiveSegment[] {
  return reduces.map((reduce) => {
    const bytes = rows.gemm[reduce.rows] * reduce.width * ACTIVATION_BYTES;
    return {
      kind: 'collective',
      name: `${name} all-reduce`,
      collective: 'all-reduce',
      sentBytes: (2 * bytes * (tp - 1)) / tp,
      bufferBytes: bytes,
      ...(rows.sp * rows.ring > 1 && { members: { ranks: tp, stride: 1 } }),
    };
  });
}

/**
 * Peak activation bytes of one rank: the residual stream and its normalised copy, and the widest working set
 * of a block (Q, K, V and the attention's output, or the MLP's input and inner activation). An estimate good
 * to the allocator's slack; differences between plans do not depend on it.
 */
function activationBytes(dit: Dit, kind: DitBlockKind, rows: RankRows, tp: number): number {
  const widest = Math.max(
    ...kind.segments.map((segment) =>
      segment.kind === 'gemm' ? sum(segment.products, (p) => rows.gemm[p.rows] * (p.in + p.out / tp)) : 0,
    ),
  );
  const stream = (rows.gemm.x + rows.gemm.t + rows.gemm.a) * dit.hidden;
  const accumulators = kind.segments.map((segment) =>
    segment.kind === 'attention' && rows.ring > 1 && isExchanged(kind, segment)
      ? ringAccumulatorBytes(segment, rows, tp)
      : 0,
  );
  return (2 * stream + widest) * ACTIVATION_BYTES + Math.max(0, ...accumulators);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
