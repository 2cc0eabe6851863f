import { shown, UserError } from '../input/userError.ts';
import type { Dit, Rows, Size } from './dit.ts';

const MAX_SIDE = 65_536;
const MAX_FRAMES = 1_000_000;
/** Step-Video's VAE turns each segment of 17 frames into 3 latent frames (its own code: 3*floor(F/17)). */
const SEGMENT = { frames: 17, latent: 3 } as const;

/** How many rows of each kind one sample has. */
export type RowCounts = Record<Rows, number>;

/**
 * A size as people write it, width x height x frames in pixels and frames; without frames it is an image.
 *
 * @throws UserError that names the text and the expected form, for zero and absurdly large sides too.
 * @example parseSize('1280x720x81') // { width: 1280, height: 720, frames: 81 }
 */
export function parseSize(text: string): Size {
  const match = /^\s*(\d{1,9})\s*[x×]\s*(\d{1,9})(?:\s*[x×]\s*(\d{1,9}))?\s*$/i.exec(text);
  if (match === null) {
    throw new UserError(
      `size ${shown(text)}: expected width x height x frames such as 1280x720x81, or 1024x1024`,
    );
  }
  const size = { width: Number(match[1]), height: Number(match[2]), frames: Number(match[3] ?? 1) };
  refuseAbsurd(size);
  return size;
}

/** As parseSize, of a single image. */
export function parseImageSize(text: string): Size {
  const size = parseSize(text);
  if (size.frames === 1) return size;
  throw new UserError(`size ${shown(text)}: expected one image such as 1024x1024, got ${size.frames} frames`);
}

/**
 * Rows per sample at a size: x tokens, t text rows, i rows of a conditioning image, a audio rows, j = x + t, c = 1.
 *
 * Width and height are rounded down to whole patches, as the published pipelines do.
 *
 * @throws UserError if the model's VAE cannot take this many frames (the nearest counts that it can are
 * named), if a side is smaller than one patch, or for reference images of a model that takes none.
 */
export function rowsOf(dit: Dit, size: Size, referenceImages = dit.referenceImages ?? []): RowCounts {
  refuseAbsurd(size);
  refuseFrames(dit, size.frames);
  if (referenceImages.length > 0 && dit.referenceImages === undefined)
    throw new UserError(
      `--reference-image ${formatSize(referenceImages[0]!)}: ${dit.name} takes none; leave it out, or take a model that does, such as flux.1-kontext-dev`,
    );
  const tokens = [size, ...referenceImages].reduce((sum, each) => sum + tokensOf(dit, each), 0);
  return rowsAt(dit, roundUp(tokens, dit.rowMultiple), size.frames);
}

function tokensOf(dit: Dit, size: Size): number {
  const { frames: latent, across, down } = gridOf(dit, size);
  if (latent < 1 || across < 1 || down < 1) {
    const side = { width: dit.vae.spatial * dit.patch.w, height: dit.vae.spatial * dit.patch.h };
    throw new UserError(
      `size ${shown(formatSize(size))}: gives ${dit.name} no tokens; one token is ${side.width}x${side.height} pixels` +
        (dit.patch.t > 1 ? ` and ${dit.patch.t} latent frames` : ''),
    );
  }
  return latent * across * down;
}

/** Tokens along each axis, frames padded to whole patches; tokens run across, then down, then through the frames. */
export function gridOf(dit: Dit, size: Size): { frames: number; down: number; across: number } {
  return { frames: Math.ceil(latentFrames(dit, size.frames) / dit.patch.t), ...patchesOf(dit, size) };
}

/**
 * As rowsOf, for a count of tokens that need not belong to any size (break-even analysis moves it freely);
 * audio rows follow from `frames`, the model's reference if it is left out.
 */
export function rowsAt(dit: Dit, tokens: number, frames = dit.referenceSize.frames): RowCounts {
  const t = roundUp(dit.textRows, dit.rowMultiple);
  const a =
    dit.audio === undefined ? 0 : Math.round((frames * dit.audio.rowsPerSecond) / dit.audio.framesPerSecond);
  return { x: tokens, t, i: dit.imageRows, a, j: tokens + t, c: 1 };
}

/**
 * Tokens at this width and height for any frame count, whole or not: a straight line through the counts that
 * the VAE takes. The frames of `size` are not read.
 */
export function tokensOfFrames(dit: Dit, size: Size, frames: number): number {
  const { across, down } = patchesOf(dit, size);
  return (latentFrames(dit, frames) / dit.patch.t) * across * down;
}

/** A size in the form that parseSize reads; images have no frame count. */
export function formatSize({ width, height, frames }: Size): string {
  return frames === 1 ? `${width}x${height}` : `${width}x${height}x${frames}`;
}

function latentFrames(dit: Dit, frames: number): number {
  switch (dit.vae.frames) {
    case 'none':
      return 1;
    case 'causal':
      return 1 + (frames - 1) / dit.vae.temporal;
    case 'segments':
      return (frames / SEGMENT.frames) * SEGMENT.latent;
  }
}

function patchesOf(dit: Dit, size: Size): { across: number; down: number } {
  return {
    across: Math.floor(Math.floor(size.width / dit.vae.spatial) / dit.patch.w),
    down: Math.floor(Math.floor(size.height / dit.vae.spatial) / dit.patch.h),
  };
}

function refuseFrames(dit: Dit, frames: number): void {
  if (dit.vae.frames === 'none') {
    if (frames === 1) return;
    throw new UserError(`frames ${frames}: ${dit.name} makes single images, so leave the frames away`);
  }
  const [first, step] =
    dit.vae.frames === 'causal' ? [1, dit.vae.temporal] : [SEGMENT.frames, SEGMENT.frames];
  if (frames >= first && (frames - first) % step === 0) return;
  const below = first + Math.floor((frames - first) / step) * step;
  const valid = [below, below + step].filter((count) => count >= first).join(' or ');
  const rule = dit.vae.frames === 'causal' ? `1 plus a multiple of ${step}` : `a multiple of ${step}`;
  throw new UserError(`frames ${frames}: ${dit.name} takes ${rule}; use ${valid}`);
}

function refuseAbsurd(size: Size): void {
  for (const [side, most] of [
    ['width', MAX_SIDE],
    ['height', MAX_SIDE],
    ['frames', MAX_FRAMES],
  ] as const) {
    const value = size[side];
    if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new UserError(
        `size ${shown(formatSize(size))}: ${side} is ${value}, expected a whole number from 1 to ${most}`,
      );
    }
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
