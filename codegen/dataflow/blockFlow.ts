import type { Dit, DitBlockKind, DitSegment, ElementwiseSegment, GemmSegment } from '../../model/dit/dit.ts';
import type { ElementwiseOp, GemmOp } from '../../model/dit/operations.ts';
import { emitAttention } from './attention.ts';
import { BlockContext } from './blockContext.ts';
import { emitActivation, emitAddPositions, emitNorm, emitQkNorm, emitResidual } from './elementwise.ts';
import { emitExchange } from './exchange.ts';
import { FlowRecorder, type FlowShape } from './flow.ts';
import { emitCrossQkv, emitMlpInput, emitQkv, emitReductions, emitUpdate } from './linear.ts';
import { emitModulation } from './modulation.ts';

type Emit<Segment> = (block: BlockContext, segment: Segment) => void;

const GEMMS: Readonly<Record<GemmOp, Emit<GemmSegment> | null>> = {
  modulation: emitModulation,
  qkv: emitQkv,
  'qkv-mlp-in': emitQkv,
  'cross-qkv': emitCrossQkv,
  'attention-out': emitUpdate('attended'),
  'attention-mlp-out': emitUpdate('attended'),
  'cross-out': emitUpdate('cross attended'),
  'mlp-in': emitMlpInput,
  'mlp-out': emitUpdate('inner'),
  other: null,
};

const ELEMENTWISE: Readonly<Record<ElementwiseOp, Emit<ElementwiseSegment> | null>> = {
  norm: emitNorm,
  'qk-norm': emitQkNorm,
  'cross-qk-norm': emitQkNorm,
  residual: emitResidual,
  'norm-residual': null,
  activation: emitActivation,
  'add-positions': emitAddPositions,
  sum: null,
  other: null,
};

/**
 * What a block of a kind computes, as calls on buffers: each segment's op emits its calls in turn, by what the segment states.
 *
 * @throws UserError naming the segment that no kernel does, or that leaves out what its kernel must know.
 */
export function blockFlow(dit: Dit, kind: DitBlockKind, shape: FlowShape): FlowRecorder {
  const recorder = new FlowRecorder(kind.segments, shape);
  const block = new BlockContext(dit, kind, shape, recorder);
  for (const segment of kind.segments) emit(block, segment);
  return recorder;
}

function emit(block: BlockContext, segment: DitSegment): void {
  switch (segment.kind) {
    case 'exchange':
      emitExchange(block, segment);
      return;
    case 'attention':
      emitAttention(block, segment);
      break;
    case 'gemm':
      emitBy(GEMMS[segment.op], block, segment);
      break;
    case 'elementwise':
      emitBy(ELEMENTWISE[segment.op], block, segment);
      break;
  }
  block.out.endCompute(segment.name);
  if (segment.kind === 'gemm' && block.shape.tp > 1) emitReductions(block, segment);
}

function emitBy<Segment extends GemmSegment | ElementwiseSegment>(
  emitter: Emit<Segment> | null,
  block: BlockContext,
  segment: Segment,
): void {
  if (emitter === null) block.refuse(segment, `there is no kernel for op ${segment.op}`);
  emitter(block, segment);
}
