import { latin1Of, uint32At, uint64At, utf8Of } from '../../input/bytes.ts';
import { type FileStatus, files } from '../../input/files.ts';
import { shown, UserError } from '../../input/userError.ts';
import { GGML_TYPES } from './ggmlTypes.ts';
import type { StoredTensor } from './safetensors.ts';

const MAX_HEADER_BYTES = 256 * 2 ** 20;
const MAX_ENTRIES = 1_000_000;
const MAX_STRING_BYTES = 2 ** 20;
const MAX_DIMENSIONS = 8;
const READ_BYTES = 2 ** 20;
const VERSIONS = [2, 3];
/** Metadata key under which converters keep the shape of a tensor that has more dimensions than ggml's four. */
const ORIGINAL_SHAPE = 'comfy.gguf.orig_shape.';

/** Bytes of each kind of metadata value of a fixed size, by its number. */
const VALUE_BYTES: Readonly<Record<number, number>> = {
  ...{ 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1 },
  ...{ 10: 8, 11: 8, 12: 8 },
};
const STRING = 8;
const ARRAY = 9;
const INTEGER_32 = [4, 5];

/**
 * The tensors of a GGUF file, from its header alone: magic, version and counts, metadata by key, then name, sides, type and offset
 * of each tensor. Sides are stored innermost first; here they stand as PyTorch has them, [out, in].
 *
 * Format: https://github.com/ggml-org/ggml docs/gguf.md. Byte order: little endian.
 *
 * @throws UserError that names the file and what was expected if it is cut short, of another version, or has a tensor of a type
 * that is not known.
 */
export function readGguf(file: string): StoredTensor[] {
  const wrong = (message: string) => new UserError(message, { file });
  const status = statusOf(file);
  const header = new Header(file, status.bytes, wrong);
  const magic = latin1Of(header.bytes(4));
  if (magic !== 'GGUF') throw wrong(`begins with ${shown(magic)}, expected "GGUF"; is it a GGUF file?`);
  const version = header.uint32();
  if (!VERSIONS.includes(version))
    throw wrong(`GGUF version ${version}, expected ${VERSIONS.join(' or ')}; convert it with a current tool`);
  const tensors = header.count('tensors');
  const shapes = readShapes(header, header.count('metadata'));
  const stored = Array.from({ length: tensors }, () => readTensor(header, shapes, wrong));
  // Data begin behind the header at a multiple of the alignment, which is at least one byte.
  const dataBytes = status.bytes - header.offset;
  const last = stored.reduce((end, { offset, bytes }) => Math.max(end, offset + bytes), 0);
  if (last > dataBytes)
    throw wrong(
      `its tensors end at byte ${last} of ${Math.max(0, dataBytes)} behind the header; the file is cut short, download it again`,
    );
  return stored.map(({ offset: _, ...tensor }) => tensor);
}

function statusOf(file: string): FileStatus {
  const wrong = (message: string) => new UserError(`${message}; give the path of a GGUF file`, { file });
  try {
    const status = files.status(file);
    // Whether it may be read, too.
    if (status.isFile) files.part(file, 0, 0);
    if (status.isFile) return status;
  } catch (error) {
    throw wrong(`cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  throw wrong('is no file');
}

type Wrong = (message: string) => UserError;

/** Original shapes of tensors by name, the only metadata that are wanted. */
function readShapes(header: Header, entries: number): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (let entry = 0; entry < entries; entry += 1) {
    const key = header.string();
    const kind = header.uint32();
    const isShape = key.startsWith(ORIGINAL_SHAPE) && kind === ARRAY;
    if (!isShape) {
      header.skipValue(kind, key);
      continue;
    }
    const elementKind = header.uint32();
    const length = header.count(key);
    if (INTEGER_32.includes(elementKind) && length <= MAX_DIMENSIONS)
      shapes.set(
        key.slice(ORIGINAL_SHAPE.length),
        Array.from({ length }, () => header.uint32()),
      );
    else for (let element = 0; element < length; element += 1) header.skipValue(elementKind, key);
  }
  return shapes;
}

function readTensor(
  header: Header,
  shapes: ReadonlyMap<string, number[]>,
  wrong: Wrong,
): StoredTensor & { offset: number } {
  const name = header.string();
  const dimensions = header.uint32();
  if (dimensions > MAX_DIMENSIONS)
    throw wrong(
      `tensor ${shown(name)}: ${dimensions} dimensions, expected at most ${MAX_DIMENSIONS}; is it a GGUF file?`,
    );
  const sides = Array.from({ length: dimensions }, () => header.uint64()).reverse();
  const type = header.uint32();
  const offset = header.uint64();
  const elements = sides.reduce((product, side) => product * side, 1);
  const known = GGML_TYPES.find(({ number }) => number === type);
  if (known === undefined)
    throw wrong(
      `tensor ${shown(name)}: type ${type} is none that is known of ggml; convert the file to one such as Q8_0`,
    );
  const { elementsPerBlock, bytesPerBlock } = known;
  if (!Number.isSafeInteger(elements) || elements % elementsPerBlock !== 0)
    throw wrong(
      `tensor ${shown(name)}: ${elements} elements, expected whole blocks of ${elementsPerBlock} of ${known.name}`,
    );
  const original = shapes.get(name);
  const isSame = original?.reduce((product, side) => product * side, 1) === elements;
  return {
    ...{ name, shape: isSame ? original! : sides, dtype: known.name, offset },
    bytes: (elements / elementsPerBlock) * bytesPerBlock,
  };
}

/** Reads forward through the header, a piece of the file at a time. */
class Header {
  readonly #file: string;
  readonly #fileBytes: number;
  readonly #wrong: Wrong;
  #piece = new Uint8Array(0);
  #pieceStart = 0;
  offset = 0;

  constructor(file: string, fileBytes: number, wrong: Wrong) {
    this.#file = file;
    this.#fileBytes = fileBytes;
    this.#wrong = wrong;
  }

  bytes(length: number): Uint8Array {
    const end = this.offset + length;
    if (end > this.#fileBytes)
      throw this.#wrong(
        `its header goes on behind the end of the file (${this.#fileBytes} bytes); it is cut short, download it again`,
      );
    if (end > MAX_HEADER_BYTES)
      throw this.#wrong(`its header is longer than ${MAX_HEADER_BYTES} bytes; is it a GGUF file?`);
    if (this.offset < this.#pieceStart || end > this.#pieceStart + this.#piece.length) {
      const bytes = Math.min(Math.max(length, READ_BYTES), this.#fileBytes - this.offset);
      this.#piece = files.part(this.#file, this.offset, bytes);
      this.#pieceStart = this.offset;
    }
    const at = this.offset - this.#pieceStart;
    this.offset = end;
    return this.#piece.subarray(at, at + length);
  }

  uint32(): number {
    return uint32At(this.bytes(4));
  }

  uint64(): number {
    return Number(uint64At(this.bytes(8)));
  }

  count(of: string): number {
    const count = this.uint64();
    if (count <= MAX_ENTRIES) return count;
    throw this.#wrong(`${count} entries of ${of}, expected at most ${MAX_ENTRIES}; is it a GGUF file?`);
  }

  string(): string {
    const length = this.uint64();
    if (length > MAX_STRING_BYTES)
      throw this.#wrong(
        `a text of ${length} bytes, expected at most ${MAX_STRING_BYTES}; is it a GGUF file?`,
      );
    return utf8Of(this.bytes(length));
  }

  skipValue(kind: number, key: string): void {
    if (kind === STRING) {
      this.string();
    } else if (kind === ARRAY) {
      const elementKind = this.uint32();
      const length = this.count(key);
      if (elementKind === ARRAY)
        throw this.#wrong(`metadata ${shown(key)}: arrays of arrays; is it a GGUF file?`);
      for (let element = 0; element < length; element += 1) this.skipValue(elementKind, key);
    } else if (VALUE_BYTES[kind] !== undefined) {
      this.bytes(VALUE_BYTES[kind]);
    } else {
      throw this.#wrong(`metadata ${shown(key)}: a value of kind ${kind}; is it a GGUF file?`);
    }
  }
}
