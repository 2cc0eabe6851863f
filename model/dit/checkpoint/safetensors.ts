import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { shown, UserError } from '../../input/userError.ts';

const MAX_HEADER_BYTES = 100 * 1024 * 1024;
const LENGTH_BYTES = 8;
/** A description of another tensor is JSON of a few hundred bytes. */
const MAX_CONTENT_BYTES = 4096;
const DESCRIBES_ANOTHER = /\.quant_state\.[^.]+$/;

const BITS: Readonly<Record<string, number>> = {
  ...{ F64: 64, I64: 64, U64: 64, C64: 64, F32: 32, I32: 32, U32: 32 },
  ...{ F16: 16, BF16: 16, I16: 16, U16: 16, F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8, I8: 8, U8: 8, BOOL: 8 },
  ...{ F6_E2M3: 6, F6_E3M2: 6, F4: 4 },
};

/** One tensor as a checkpoint stores it. */
export interface StoredTensor {
  name: string;
  shape: readonly number[];
  dtype: string;
  bytes: number;
  /** Text of a small tensor that says how another one is packed, such as bitsandbytes' `quant_state`. */
  content?: string;
}

const entry = z.object({
  dtype: z.string(),
  shape: z.array(z.number().int().nonnegative()),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});

/**
 * The tensors of a safetensors file, from its header alone: 8 bytes of length (little endian), then JSON with
 * dtype, shape and offsets of each tensor. The weights themselves are never read, only small texts among them that say
 * how a packed weight is to be understood.
 *
 * @throws UserError that names the file and what was expected if it is cut short, its header is longer than
 * the file or 100 MiB, a dtype is unknown, or offsets do not fit shape x dtype or the file.
 */
export function readSafetensors(file: string): StoredTensor[] {
  const { json, dataBytes, dataStart } = readHeader(file);
  const wrong = (message: string) => new UserError(message, { file });
  let header: unknown;
  try {
    header = JSON.parse(json);
  } catch {
    throw wrong(`the header is no JSON, got ${shown(json.slice(0, 60))}; is it a safetensors file?`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw wrong(`the header is ${shown(header)}, expected an object of tensors`);
  }
  return Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => {
      const parsed = entry.safeParse(value);
      if (!parsed.success) {
        throw wrong(`tensor ${shown(name)}: expected {dtype, shape, data_offsets}, got ${shown(value)}`);
      }
      const { dtype, shape, data_offsets } = parsed.data;
      const [begin, end] = data_offsets;
      if (!Object.hasOwn(BITS, dtype)) {
        throw wrong(
          `tensor ${shown(name)}: dtype ${shown(dtype)}, expected one of ${Object.keys(BITS).join(', ')}`,
        );
      }
      const bytes = (shape.reduce((product, side) => product * side, 1) * BITS[dtype]!) / 8;
      if (end - begin !== bytes) {
        throw wrong(
          `tensor ${shown(name)}: offsets hold ${end - begin} bytes, expected ${bytes} for [${shape.join(', ')}] ${dtype}`,
        );
      }
      if (end > dataBytes) {
        throw wrong(
          `tensor ${shown(name)}: ends at byte ${end} of ${dataBytes}; the file is cut short, download it again`,
        );
      }
      const isText = dtype === 'U8' && bytes <= MAX_CONTENT_BYTES && DESCRIBES_ANOTHER.test(name);
      return {
        ...{ name, shape, dtype, bytes },
        ...(isText && { content: readBytes(file, dataStart + begin, bytes).toString('utf8') }),
      };
    });
}

function readBytes(file: string, offset: number, bytes: number): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    readSync(descriptor, buffer, 0, bytes, offset);
    return buffer;
  } finally {
    closeSync(descriptor);
  }
}

function readHeader(file: string): { json: string; dataBytes: number; dataStart: number } {
  const wrong = (message: string) => new UserError(message, { file });
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    throw wrong(
      `cannot be read (${(error as NodeJS.ErrnoException).code}); give the path of a safetensors file`,
    );
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw wrong('is no file; give the path of a safetensors file');
    const prefix = Buffer.alloc(LENGTH_BYTES);
    if (readSync(descriptor, prefix, 0, LENGTH_BYTES, 0) < LENGTH_BYTES) {
      throw wrong(`has ${status.size} bytes, expected at least the ${LENGTH_BYTES} of the header's length`);
    }
    const length = prefix.readBigUInt64LE();
    if (length > BigInt(MAX_HEADER_BYTES)) {
      throw wrong(
        `header length ${length}, expected at most ${MAX_HEADER_BYTES} bytes; is it a safetensors file?`,
      );
    }
    const dataBytes = status.size - LENGTH_BYTES - Number(length);
    if (dataBytes < 0) {
      throw wrong(
        `header length ${length}, but the file has ${status.size} bytes; it is cut short, download it again`,
      );
    }
    const header = Buffer.alloc(Number(length));
    readSync(descriptor, header, 0, header.length, LENGTH_BYTES);
    return {
      ...{ json: header.toString('utf8'), dataBytes },
      dataStart: LENGTH_BYTES + header.length,
    };
  } finally {
    closeSync(descriptor);
  }
}
