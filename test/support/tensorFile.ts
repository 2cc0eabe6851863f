import { readFileSync, writeFileSync } from 'node:fs';

/** A tensor's values and shape, as float32 whatever its type in the file. */
export interface Tensor {
  shape: readonly number[];
  values: Float32Array;
}

type StoredType = 'BF16' | 'F16' | 'F32';

/** A tensor to be written; BF16 unless it says otherwise. */
export type StoredTensor = Tensor & { dtype?: StoredType };

/** A safetensors file's tensors by name, and its metadata. Reads BF16 and F32. */
export function readTensors(file: string): {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
} {
  const bytes = readFileSync(file);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes));
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype, shape, data_offsets } = entry as {
      dtype: StoredType;
      shape: number[];
      data_offsets: [number, number];
    };
    const [from, to] = data_offsets.map((offset) => offset + 8 + headerBytes) as [number, number];
    const data = bytes.subarray(from, to);
    const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
    const bits = new Uint32Array(values.buffer);
    for (let i = 0; i < values.length; i += 1) {
      bits[i] = dtype === 'F32' ? data.readUInt32LE(4 * i) : data.readUInt16LE(2 * i) << 16;
    }
    tensors.set(name, { shape, values });
  }
  return { tensors, metadata };
}

/** Writes tensors as BF16 (values must be exact in it), F32 or F16 zeros. */
export function writeTensors(file: string, tensors: ReadonlyMap<string, StoredTensor>): void {
  const header: Record<string, unknown> = {};
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, values, dtype = 'BF16' }] of tensors) {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    const part = Buffer.alloc(values.length * (dtype === 'F32' ? 4 : 2));
    for (let i = 0; i < values.length; i += 1) {
      if (dtype === 'F32') part.writeUInt32LE(bits[i]!, 4 * i);
      else if (dtype === 'BF16') part.writeUInt16LE(bits[i]! >>> 16, 2 * i);
    }
    header[name] = { dtype, shape, data_offsets: [offset, offset + part.length] };
    parts.push(part);
    offset += part.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(file, Buffer.concat([length, text, ...parts]));
}
