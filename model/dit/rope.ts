import { UserError } from '../input/userError.ts';
import type { Dit, Size } from './dit.ts';
import { gridOf } from './tokens.ts';

/** Axes along which video and image rows have positions, in the order in which pairs of elements are dealt out to them. */
export const ROPE_AXES = ['frame', 'height', 'width'] as const;
export type RopeAxisName = (typeof ROPE_AXES)[number];

/**
 * Where rows lie on the axes:
 * - `corner`: 0, 1, 2, ... from the first frame and the upper left corner (Wan, FLUX.1, HunyuanVideo, Cosmos)
 * - `centred`: height and width have 0 in the middle (Qwen-Image)
 * - `fitted`: height and width are scaled and centred into a grid of the size that the model was trained at (CogVideoX)
 * - `fractional`: seconds and pixels as parts of a largest extent, from -1 to 1; frequencies rise from pi / 2, and neighbouring
 *   pairs belong to different axes (LTX-Video)
 */
export type RopePositions =
  | { kind: 'corner' | 'centred' }
  | { kind: 'fitted'; height: number; width: number }
  | { kind: 'fractional'; seconds: number; height: number; width: number };

/** Rotary position embedding of a model, as its own code computes it. */
export interface Rope {
  theta: number;
  /** Elements of a head that turn by each axis; `fractional` positions deal out a whole row's equally. */
  axes: Readonly<Record<RopeAxisName, number>>;
  positions: RopePositions;
  /** NTK scaling: each axis may be so much longer than it was in training (Cosmos); 1 for most. */
  stretch: Readonly<Record<RopeAxisName, number>>;
  /** Frames per second that the pipeline makes, and those that one step on the frame axis stands for. */
  framesPerSecond?: { made: number; perStep: number };
  /** Positions of text rows where these turn too: 0 on all axes (FLUX.1), or on from behind the image's (Qwen-Image). */
  text?: 'zero' | 'after';
}

/** RotaryAxis of runtime/compute/rotary_table.hpp, which says what its fields mean. */
export interface RotaryAxis {
  rowsPerIndex: number;
  indices: number;
  firstPosition: number;
  positionStep: number;
  leastPosition: number;
  firstPair: number;
  pairStep: number;
  pairs: number;
  scale: number;
  base: number;
  exponentStep: number;
}

/** Positions so far from every real one that they bound nothing. */
const NO_LEAST = -1e9;
/** What indices without an end are taken modulo. */
const ENDLESS = 2 ** 40;

/**
 * The axes of a table of video or image rows (`x`) or text rows (`t`) at a size.
 *
 * @param width elements of a row of the table: a head's, or all heads' where these turn by angles of their own.
 * @throws UserError for text rows of a model whose file gives them no positions; Error for a table that its axes do not fill.
 */
export function rotaryAxes(dit: Dit, rope: Rope, size: Size, rows: 'x' | 't', width: number): RotaryAxis[] {
  const { frames, down, across } = gridOf(dit, size);
  const places = {
    frame: { rowsPerIndex: down * across, indices: frames },
    height: { rowsPerIndex: across, indices: down },
    width: { rowsPerIndex: 1, indices: across },
  };
  if (rope.positions.kind === 'fractional') {
    if (rows === 'x') return fractionalAxes(dit, rope, rope.positions, places, width);
    throw new UserError(
      `${dit.name}: its text rows are rotated, which fractional positions of its rope have none for`,
    );
  }
  const turned = ROPE_AXES.reduce((sum, axis) => sum + rope.axes[axis], 0);
  if (turned !== width) throw new Error(`${dit.name}: rope axes turn ${turned} of ${width} elements`);
  const text = rows === 't' ? textPositions(dit, rope, down, across) : null;
  let firstPair = 0;
  return ROPE_AXES.map((axis) => {
    const dims = rope.axes[axis];
    const first = firstPair;
    firstPair += dims / 2;
    return {
      ...(text === null ? places[axis] : { rowsPerIndex: 1, indices: ENDLESS }),
      ...(text ?? positionsOn(axis, rope, down, across)),
      leastPosition: NO_LEAST,
      firstPair: first,
      pairStep: 1,
      pairs: dims / 2,
      scale: 1,
      base: rope.stretch[axis] === 1 ? rope.theta : rope.theta * rope.stretch[axis] ** (dims / (dims - 2)),
      exponentStep: -2 / dims,
    };
  });
}

/** A table over the number of the row alone, for a model whose file does not say more. */
export function plainAxes(width: number, firstRow: number): RotaryAxis[] {
  return [
    {
      ...{
        rowsPerIndex: 1,
        indices: ENDLESS,
        firstPosition: firstRow,
        positionStep: 1,
        leastPosition: NO_LEAST,
      },
      ...{ firstPair: 0, pairStep: 1, pairs: width / 2, scale: 1, base: 10_000, exponentStep: -2 / width },
    },
  ];
}

type Positions = Pick<RotaryAxis, 'firstPosition' | 'positionStep'>;

function positionsOn(axis: RopeAxisName, rope: Rope, down: number, across: number): Positions {
  if (axis === 'frame') {
    const { made, perStep } = rope.framesPerSecond ?? { made: 1, perStep: 1 };
    return { firstPosition: 0, positionStep: perStep / made };
  }
  const count = axis === 'height' ? down : across;
  switch (rope.positions.kind) {
    case 'centred':
      return { firstPosition: Math.floor(count / 2) - count, positionStep: 1 };
    case 'fitted':
      return fittedPositions(axis, rope.positions, down, across);
    default:
      return { firstPosition: 0, positionStep: 1 };
  }
}

/** The grid of patches becomes as large as fits into the trained one, and lies in its middle (diffusers' CogVideoX pipeline). */
function fittedPositions(
  axis: 'height' | 'width',
  trained: { height: number; width: number },
  down: number,
  across: number,
): Positions {
  const byHeight = down / across > trained.height / trained.width;
  const length =
    axis === 'height'
      ? byHeight
        ? trained.height
        : roundHalfEven((trained.width / across) * down)
      : byHeight
        ? roundHalfEven((trained.height / down) * across)
        : trained.width;
  const firstPosition = roundHalfEven((trained[axis] - length) / 2);
  const count = axis === 'height' ? down : across;
  const last = ((firstPosition + length) * (count - 1)) / count;
  return { firstPosition, positionStep: count === 1 ? 0 : (last - firstPosition) / (count - 1) };
}

/** As Python rounds. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function textPositions(dit: Dit, rope: Rope, down: number, across: number): Positions {
  if (rope.text === undefined) {
    throw new UserError(
      `${dit.name}: its text rows are rotated, but its rope says no positions of text; add \`text: zero\` or \`text: after\``,
    );
  }
  if (rope.text === 'zero') return { firstPosition: 0, positionStep: 0 };
  const behind = (count: number) => (rope.positions.kind === 'centred' ? Math.floor(count / 2) : count);
  return { firstPosition: Math.max(behind(down), behind(across)), positionStep: 1 };
}

/** Angles pi / 2 x theta^(i / (n - 1)) x (2 part - 1); pair i of an axis stands among i-th pairs of the others. */
function fractionalAxes(
  { vae, patch }: Dit,
  rope: Rope,
  extent: { seconds: number; height: number; width: number },
  places: Readonly<Record<RopeAxisName, Pick<RotaryAxis, 'rowsPerIndex' | 'indices'>>>,
  width: number,
): RotaryAxis[] {
  const axes = ROPE_AXES.length;
  const pairs = Math.floor(width / (2 * axes));
  const still = width / 2 - axes * pairs;
  const { made } = rope.framesPerSecond ?? { made: 1 };
  // A latent frame stands for its last frame of video; the first is alone.
  const frame = (2 * vae.temporal * patch.t) / made / extent.seconds;
  const early = (2 * (vae.temporal - 1)) / made / extent.seconds;
  const positions = {
    frame: { firstPosition: -1 - early, positionStep: frame },
    height: { firstPosition: -1, positionStep: (2 * vae.spatial * patch.h) / extent.height },
    width: { firstPosition: -1, positionStep: (2 * vae.spatial * patch.w) / extent.width },
  };
  return ROPE_AXES.map((axis, index) => ({
    ...places[axis],
    ...positions[axis],
    leastPosition: -1,
    firstPair: still + index,
    pairStep: axes,
    pairs,
    scale: Math.PI / 2,
    base: rope.theta,
    exponentStep: 1 / (pairs - 1),
  }));
}
