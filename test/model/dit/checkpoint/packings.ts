import type { Sketch } from '../checkpointFiles.ts';

/** How a quantiser stores a matrix of [out, in]: tensors in place of `name`, which ends in `.weight`. */
export type Packing = (name: string, out: number, from: number) => Sketch[];

const module = (name: string) => name.replace(/\.weight$/, '');

/** Packings of published checkpoints, by how their files name their tensors. */
export const PACKINGS: Readonly<Record<string, Packing>> = {
  'fp8 without scales': (name, out, from) => [{ name, shape: [out, from], dtype: 'F8_E4M3' }],
  'fp8 with a scale of each matrix': (name, out, from) => [
    { name, shape: [out, from], dtype: 'F8_E4M3' },
    { name: `${module(name)}.scale_weight`, shape: [], dtype: 'F32' },
  ],
  'fp8 with scales of weight and input, and a description': (name, out, from) => [
    { name, shape: [out, from], dtype: 'F8_E4M3' },
    { name: `${module(name)}.weight_scale`, shape: [], dtype: 'F32' },
    { name: `${module(name)}.input_scale`, shape: [], dtype: 'F32' },
    { name: `${module(name)}.comfy_quant`, shape: [26], dtype: 'U8' },
  ],
  'fp8 with a scale of each row': (name, out, from) => [
    { name, shape: [out, from], dtype: 'F8_E5M2' },
    { name: `${module(name)}.weight_scale`, shape: [out, 1], dtype: 'F32' },
  ],
  'bitsandbytes int8': (name, out, from) => [
    { name, shape: [out, from], dtype: 'I8' },
    { name: `${module(name)}.SCB`, shape: [out], dtype: 'F32' },
    { name: `${module(name)}.weight_format`, shape: [], dtype: 'U8' },
  ],
  'quanto int8': (name, out, from) => [
    { name: `${name}._data`, shape: [out, from], dtype: 'I8' },
    { name: `${name}._scale`, shape: [out, 1], dtype: 'BF16' },
    { name: `${module(name)}.input_scale`, shape: [], dtype: 'BF16' },
  ],
  'bitsandbytes nf4': (name, out, from) => [
    { name, shape: [(out * from) / 2, 1], dtype: 'U8' },
    { name: `${name}.absmax`, shape: [Math.ceil((out * from) / 64)], dtype: 'F32' },
    { name: `${name}.quant_map`, shape: [16], dtype: 'F32' },
    {
      ...{ name: `${name}.quant_state.bitsandbytes__nf4`, shape: [90], dtype: 'U8' },
      content: JSON.stringify({
        quant_type: 'nf4',
        blocksize: 64,
        dtype: 'bfloat16',
        shape: [out, from],
      }).padEnd(90),
    },
  ],
  'bitsandbytes fp4 with quantised scales': (name, out, from) => [
    { name, shape: [(out * from) / 2, 1], dtype: 'U8' },
    { name: `${name}.absmax`, shape: [Math.ceil((out * from) / 64)], dtype: 'U8' },
    { name: `${name}.nested_absmax`, shape: [Math.ceil((out * from) / 64 / 256)], dtype: 'F32' },
    { name: `${name}.nested_quant_map`, shape: [256], dtype: 'F32' },
    { name: `${name}.quant_map`, shape: [16], dtype: 'F32' },
    {
      ...{ name: `${name}.quant_state.bitsandbytes__fp4`, shape: [90], dtype: 'U8' },
      content: JSON.stringify({
        quant_type: 'fp4',
        blocksize: 64,
        dtype: 'bfloat16',
        shape: [out, from],
      }).padEnd(90),
    },
  ],
  NVFP4: (name, out, from) => [
    { name, shape: [out, from / 2], dtype: 'U8' },
    { name: `${module(name)}.weight_scale`, shape: [out, from / 16], dtype: 'F8_E4M3' },
    { name: `${module(name)}.weight_scale_2`, shape: [], dtype: 'F32' },
  ],
  'SVDQuant int4': (name, out, from) => [
    { name: `${module(name)}.qweight`, shape: [out, from / 2], dtype: 'I8' },
    { name: `${module(name)}.wscales`, shape: [from / 64, out], dtype: 'BF16' },
    { name: `${module(name)}.lora_down`, shape: [from, 32], dtype: 'BF16' },
    { name: `${module(name)}.lora_up`, shape: [out, 32], dtype: 'BF16' },
    { name: `${module(name)}.smooth`, shape: [from], dtype: 'BF16' },
  ],
  'AWQ int4 as Nunchaku packs it': (name, out, from) => [
    { name: `${module(name)}.qweight`, shape: [out / 4, from / 2], dtype: 'I32' },
    { name: `${module(name)}.wscales`, shape: [from / 64, out], dtype: 'BF16' },
    { name: `${module(name)}.wzeros`, shape: [from / 64, out], dtype: 'BF16' },
  ],
};

/** A checkpoint whose matrices inside of lists of layers are packed; all else stays as it is. */
export function packed(tensors: readonly Sketch[], packing: Packing): Sketch[] {
  return tensors.flatMap((tensor) => {
    const [out, from, ...more] = tensor.shape;
    const isInside = /\.\d+\./.test(tensor.name) && tensor.name.endsWith('.weight');
    if (!isInside || from === undefined || more.length > 0) return [tensor];
    return packing(tensor.name, out!, from);
  });
}
