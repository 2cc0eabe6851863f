/**
 * Values of tensors by name and place, made alike here and in scripts/diffusers-reference.py, so that neither weights nor
 * inputs of the references are stored. All but rotary tables are numbers of bfloat16.
 */

const MASK = 0xffffffffffffffffn;

/** FNV-1a of the name, 64 bits. */
function hashOf(name: string): bigint {
  let value = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(name, 'utf8')) value = ((value ^ BigInt(byte)) * 0x100000001b3n) & MASK;
  return value;
}

/** SplitMix64's finaliser, as runtime/base/random.hpp has it. */
function mixed(value: bigint): bigint {
  let x = (value + 0x9e3779b97f4a7c15n) & MASK;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return x ^ (x >> 31n);
}

/** Uniform values of mean 0 and variance 1, as valueAt in runtime/base/random.hpp makes them from the seed hashOf(name). */
function uniform(name: string, count: number): Float32Array {
  const seed = hashOf(name);
  const step = Math.fround(Math.fround(1.7320508) / 32768);
  const values = new Float32Array(count);
  for (let first = 0; first < count; first += 4) {
    let word = mixed(seed ^ mixed(BigInt(first >> 2)));
    for (let i = first; i < Math.min(first + 4, count); i += 1, word >>= 16n) {
      values[i] = (Number(word & 0xffffn) - 32768) * step;
    }
  }
  return values;
}

const product = (shape: readonly number[]) => shape.reduce((all, side) => all * side, 1);

/** A parameter tensor by its name in the checkpoint. */
export function parameter(name: string, shape: readonly number[]): Float32Array {
  const values = uniform(name, product(shape));
  const isWeight = name.endsWith('.weight');
  const scale = Math.fround(isWeight && shape.length === 2 ? 1 / Math.sqrt(shape[1]!) : 0.3);
  const mean = isWeight && shape.length !== 2 ? 1 : 0;
  return bf16(values.map((value) => Math.fround(value * scale) + mean));
}

/** An input of the blocks: rows of a residual stream or of text, the condition, the timestep's vectors. */
export function constant(name: string, shape: readonly number[]): Float32Array {
  return bf16(uniform(`input ${name}`, product(shape)));
}

/** A rotary table [rows, width]: cosine and sine of width / 2 angles in each row, pair by pair. */
export function rotaryTable(name: string, rows: number, width: number): Float32Array {
  const pi = Math.fround(Math.PI);
  const table = new Float32Array(rows * width);
  for (const [i, value] of uniform(`input ${name}`, (rows * width) / 2).entries()) {
    const angle = Math.fround(value * pi);
    table[2 * i] = Math.cos(angle);
    table[2 * i + 1] = Math.sin(angle);
  }
  return table;
}

/** The nearest numbers of bfloat16, ties to even. */
function bf16(values: Float32Array): Float32Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return new Float32Array(bits.map((word) => ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) << 16).buffer);
}
