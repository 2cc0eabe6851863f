import { z } from 'zod';
import { uint64At, utf8Of } from '../../input/bytes.ts';
import { type FileStatus, files } from '../../input/files.ts';
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
        ...(isText && { content: utf8Of(files.part(file, dataStart + begin, bytes)) }),
      };
    });
}

function readHeader(file: string): { json: string; dataBytes: number; dataStart: number } {
  const wrong = (message: string) => new UserError(message, { file });
  const { status, prefix } = opened(file);
  if (prefix.length < LENGTH_BYTES) {
    throw wrong(`has ${status.bytes} bytes, expected at least the ${LENGTH_BYTES} of the header's length`);
  }
  const length = uint64At(prefix);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw wrong(
      `header length ${length}, expected at most ${MAX_HEADER_BYTES} bytes; is it a safetensors file?`,
    );
  }
  const dataBytes = status.bytes - LENGTH_BYTES - Number(length);
  if (dataBytes < 0) {
    throw wrong(
      `header length ${length}, but the file has ${status.bytes} bytes; it is cut short, download it again`,
    );
  }
  const header = files.part(file, LENGTH_BYTES, Number(length));
  return { ...{ json: utf8Of(header), dataBytes }, dataStart: LENGTH_BYTES + Number(length) };
}

/** A file that can be read, with its first bytes. */
function opened(file: string): { status: FileStatus; prefix: Uint8Array } {
  try {
    const status = files.status(file);
    if (status.isFile) return { status, prefix: files.part(file, 0, LENGTH_BYTES) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot be read (${code}); give the path of a safetensors file`, { file });
  }
  throw new UserError('is no file; give the path of a safetensors file', { file });
}
