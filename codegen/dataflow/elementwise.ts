import type { ElementwiseSegment, Rows } from '../../model/dit/dit.ts';
import type { ActivationKind, AffineTensors, NormFacts } from '../../model/dit/operations.ts';
import { real, whole } from '../escape.ts';
import { type BlockContext, NO_VECTORS } from './blockContext.ts';
import { setTables } from './modulation.ts';

const NORM_KIND = { layer: 'NormKind::Layer', rms: 'NormKind::Rms' } as const;
const PAIRING = { interleaved: 'RotaryPairs::Neighbours', halves: 'RotaryPairs::Halves' } as const;
const ACTIVATION: Readonly<Record<Exclude<ActivationKind, 'swiglu'>, string>> = {
  'gelu-tanh': 'Activation::GeluTanh',
  gelu: 'Activation::Gelu',
  silu: 'Activation::Silu',
};

/** A norm over the residual stream's rows, shifted and scaled where the segment says so. */
export function emitNorm(block: BlockContext, segment: ElementwiseSegment): void {
  const { hidden } = block.shape;
  const { modulated } = segment.facts;
  const norm = block.need(segment, segment.facts.norm, 'norm');
  block.out.declare('normed', block.residualRows, hidden);
  block.setBand('normed', { buffer: 'normed', stride: hidden });
  setTables(block, segment);
  for (const touch of segment.touches) {
    for (const rows of block.modulatedParts(touch.rows, modulated, 'shift')) {
      const [shiftA, shiftB] =
        modulated === undefined ? NO_VECTORS : block.chunk(segment, rows, modulated, 'shift');
      const [scaleA, scaleB] =
        modulated === undefined ? NO_VECTORS : block.chunk(segment, rows, modulated, 'scale');
      block.out.call(
        'normRows',
        [
          whole(block.rows(rows)),
          whole(hidden),
          block.out.residual(rows),
          whole(hidden),
          normOf(block, segment, norm, norm, hidden),
          `{.shiftA = ${shiftA}, .shiftB = ${shiftB}, .scaleA = ${scaleA}, .scaleB = ${scaleB}}`,
          block.at(block.band('normed'), rows),
          whole(hidden),
        ],
        `${block.rows(rows)} rows of the residual stream`,
      );
    }
  }
}

/** The norm's kind and tensors, which are as long as what is normed. */
function normOf(
  block: BlockContext,
  segment: ElementwiseSegment,
  { kind, eps }: NormFacts,
  { weight, bias }: AffineTensors,
  width: number,
): string {
  const tensor = (name: string | null) => {
    if (name === null) return 'nullptr';
    const { shape } = block.out.tensor(name);
    if (shape.length !== 1 || shape[0] !== width) {
      block.refuse(segment, `${name} is [${shape.join(', ')}] beside a norm of ${width} elements`);
    }
    return block.out.weight(name);
  };
  return `{.kind = ${NORM_KIND[kind]}, .epsilon = ${real(eps)}f, .weight = ${tensor(weight)}, .bias = ${tensor(bias)}}`;
}

/** Norms of Q and K, over heads or whole rows, and the rotary embedding behind them. */
export function emitQkNorm(block: BlockContext, segment: ElementwiseSegment): void {
  const cross = segment.op === 'cross-qk-norm';
  const { tp } = block.shape;
  const { rope } = segment.facts;
  const norm = block.need(segment, segment.facts.norm, 'norm');
  const normWidth = norm.over === 'head' ? block.headDim : block.localWidth;
  if (tp > 1 && norm.over === 'row') {
    block.refuse(segment, `there is no norm over all heads under --tp ${tp}, which needs a sum over ranks`);
  }
  for (const { rows } of segment.touches) {
    if (block.rows(rows) === 0) continue;
    const sides = cross ? (rows === 't' ? (['k'] as const) : (['q'] as const)) : (['q', 'k'] as const);
    const rotates = rope !== undefined && turns(rope.rows, rows);
    if (rope !== undefined && rows === 'j' && !rotates && rope.rows.length > 0) {
      block.refuse(segment, 'it turns a part of the joint rows; give touches for x and for t');
    }
    for (const side of sides) {
      const band = block.band(cross ? `cross ${side}` : side);
      block.out.call(
        'qkNorm',
        [
          whole(block.rows(rows)),
          whole(block.localWidth),
          whole(normWidth),
          block.at(band, rows),
          whole(band.stride),
          normOf(block, segment, norm, tensorsOf(block, segment, side, rows), normWidth),
          rotates
            ? `{.table = ${block.out.rotary(rows, rope.over)}, .width = ${whole(rope.over === 'row' ? block.shape.hidden : block.headDim)}, ` +
              `.headDim = ${whole(block.headDim)}, .pairs = ${PAIRING[rope.pairing]}}`
            : '{}',
        ],
        `${side.toUpperCase()}: ${block.rows(rows)} rows${rotates ? ', rotated' : ''}`,
      );
    }
  }
}

/** Joint rows turn where image and text rows both do. */
function turns(turned: readonly Rows[], rows: Rows): boolean {
  return turned.includes(rows) || (rows === 'j' && turned.includes('x') && turned.includes('t'));
}

function tensorsOf(
  block: BlockContext,
  segment: ElementwiseSegment,
  side: 'q' | 'k',
  rows: Rows,
): AffineTensors {
  if (segment.tensors.length === 0) return { weight: null, bias: null };
  const modules = segment.facts[side];
  return block.need(
    segment,
    modules?.[rows] ?? modules?.j,
    `${side}.${rows}, the module that norms these rows`,
  );
}

/** Adds the last update to the residual stream, gated where the segment says so. */
export function emitResidual(block: BlockContext, segment: ElementwiseSegment): void {
  const { hidden } = block.shape;
  const { gated } = segment.facts;
  for (const touch of segment.touches) {
    for (const rows of block.modulatedParts(touch.rows, gated, 'gate')) {
      const [gateA, gateB] = gated === undefined ? NO_VECTORS : block.chunk(segment, rows, gated, 'gate');
      block.out.call(
        'gatedResidual',
        [
          whole(block.rows(rows)),
          whole(hidden),
          block.out.residual(rows),
          whole(hidden),
          block.at(block.band('update'), rows),
          whole(hidden),
          gateA,
          gateB,
        ],
        `${block.rows(rows)} rows`,
      );
    }
  }
}

/** Adds the learned embedding of positions, a constant of the step, to the residual stream. */
export function emitAddPositions(block: BlockContext, segment: ElementwiseSegment): void {
  const { hidden } = block.shape;
  for (const { rows } of segment.touches) {
    if (rows !== 'x') block.refuse(segment, `there are no positions of ${rows} rows`);
    block.out.call(
      'gatedResidual',
      [
        whole(block.rows(rows)),
        whole(hidden),
        block.out.residual(rows),
        whole(hidden),
        block.out.rowsInput('positions', hidden),
        whole(hidden),
        'nullptr',
        'nullptr',
      ],
      `${block.rows(rows)} rows`,
    );
  }
}

export function emitActivation(block: BlockContext, segment: ElementwiseSegment): void {
  const activation = block.need(segment, segment.facts.activation, 'activation');
  if (activation === 'swiglu') {
    emitSwiglu(block, segment);
    return;
  }
  const band = block.band('inner');
  for (const { rows } of segment.touches) {
    const data = block.at(band, rows);
    block.out.call(
      'activate',
      [
        ACTIVATION[activation],
        whole(block.rows(rows)),
        whole(block.innerWidth),
        data,
        whole(band.stride),
        data,
        whole(band.stride),
      ],
      `${block.rows(rows)} rows, in place`,
    );
  }
}

function emitSwiglu(block: BlockContext, segment: ElementwiseSegment): void {
  const band = block.band('inner');
  if (band.buffer !== 'inner') {
    block.refuse(segment, 'there is no kernel for SwiGLU in a block with one fused output');
  }
  const width = block.innerWidth / 2;
  block.out.declare('gated', block.residualRows, width);
  for (const { rows } of segment.touches) {
    block.out.call(
      'swiglu',
      [
        whole(block.rows(rows)),
        whole(width),
        block.at(band, rows),
        whole(band.stride),
        block.at({ buffer: 'gated', column: 0, stride: width, perRank: 0 }, rows),
        whole(width),
      ],
      `${block.rows(rows)} rows`,
    );
  }
  block.setBand('inner', { buffer: 'gated', stride: width });
  block.innerWidth = width;
}
