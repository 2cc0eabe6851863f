import { truncateSync, writeFileSync } from 'node:fs';
import { GGML_TYPES } from '../../../../model/dit/checkpoint/ggmlTypes.ts';
import type { Sketch } from '../checkpointFiles.ts';

export interface GgufSketch {
  name: string;
  shape: readonly number[];
  type: string;
}

const typeOf = (name: string) => GGML_TYPES.find((type) => type.name === name)!;

export function bytesOfGguf({ shape, type }: GgufSketch): number {
  const { elementsPerBlock, bytesPerBlock } = typeOf(type);
  return (shape.reduce((product, side) => product * side, 1) / elementsPerBlock) * bytesPerBlock;
}

const u32 = (value: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
};
const u64 = (value: number) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
};
const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

/**
 * The header of a GGUF file as converters of diffusion transformers write it: an architecture, a list of texts, and the shape of each
 * tensor of more than four sides, which is stored flat.
 */
export function ggufHeader(tensors: readonly GgufSketch[], version = 3): Buffer {
  const metadata = [
    [text('general.architecture'), u32(8), text('wan')],
    [text('general.file_type'), u32(4), u32(12)],
    [text('tokenizer.ggml.tokens'), u32(9), u32(8), u64(2), text('a'), text('b')],
  ];
  let offset = 0;
  const infos = tensors.map((tensor) => {
    const flat = tensor.shape.length > 4;
    if (flat)
      metadata.push([
        ...[text(`comfy.gguf.orig_shape.${tensor.name}`), u32(9), u32(5), u64(tensor.shape.length)],
        ...tensor.shape.map(u32),
      ]);
    const sides = flat ? [tensor.shape.reduce((a, b) => a * b, 1)] : [...tensor.shape].reverse();
    const info = [
      text(tensor.name),
      u32(sides.length),
      ...sides.map(u64),
      u32(typeOf(tensor.type).number),
      u64(offset),
    ];
    offset += Math.ceil(bytesOfGguf(tensor) / 32) * 32;
    return info;
  });
  return Buffer.concat([
    ...[Buffer.from('GGUF'), u32(version), u64(tensors.length), u64(metadata.length)],
    ...metadata.flat(),
    ...infos.flat(),
  ]);
}

/** Writes a header with room for the data behind it, which take no space on disk. */
export function writeGguf(file: string, tensors: readonly GgufSketch[]): void {
  const header = ggufHeader(tensors);
  writeFileSync(file, header);
  const dataBytes = tensors.reduce((sum, tensor) => sum + Math.ceil(bytesOfGguf(tensor) / 32) * 32, 0);
  truncateSync(file, Math.ceil(header.length / 32) * 32 + dataBytes);
}

/** A checkpoint in a ggml type: matrices inside of layers in `type`, other matrices in F16, vectors in F32, as converters choose. */
export function inGgml(tensors: readonly Sketch[], type: string): GgufSketch[] {
  return tensors.map(({ name, shape }) => {
    const isInside = /\.\d+\..*weight$/.test(name) && shape.length === 2;
    const fits = shape.at(-1)! % typeOf(type).elementsPerBlock === 0;
    return { name, shape, type: isInside && fits ? type : shape.length > 1 ? 'F16' : 'F32' };
  });
}
