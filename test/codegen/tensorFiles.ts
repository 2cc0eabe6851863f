import { readFileSync, writeFileSync } from 'node:fs';

export interface TensorData {
  shape: readonly number[];
  /** Bits of bfloat16, or float32. */
  values: Uint16Array | Float32Array;
}

/** Writes a safetensors file with these values. */
export function writeTensorFile(file: string, tensors: ReadonlyMap<string, TensorData>): void {
  const header: Record<string, unknown> = {};
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    const dtype = values instanceof Float32Array ? 'F32' : 'BF16';
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    parts.push(bytes);
    offset += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  writeFileSync(file, Buffer.concat([length, padded, ...parts]));
}

/** The tensors of a safetensors file of bfloat16 and float32, as floats. */
export function readTensorFile(file: string): Map<string, { shape: number[]; values: Float32Array }> {
  const bytes = readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, { shape: number[]; values: Float32Array }>();
  for (const [name, tensor] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [from, to] = tensor.data_offsets.map((place) => 8 + length + place) as [number, number];
    tensors.set(name, { shape: tensor.shape, values: floatsOf(bytes.subarray(from, to), tensor.dtype) });
  }
  return tensors;
}

function floatsOf(bytes: Buffer, dtype: string): Float32Array {
  const isWide = dtype === 'F32';
  const values = new Float32Array(bytes.length / (isWide ? 4 : 2));
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i += 1) {
    bits[i] = isWide ? bytes.readUInt32LE(4 * i) : bytes.readUInt16LE(2 * i) << 16;
  }
  return values;
}
