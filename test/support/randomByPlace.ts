/** runtime/base/random.hpp in TypeScript: the value that every program gives a place of a tensor, from a seed. */

const WORD = (1n << 64n) - 1n;

function mix(value: bigint): bigint {
  let x = (value + 0x9e3779b97f4a7c15n) & WORD;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & WORD;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & WORD;
  return x ^ (x >> 31n);
}

/** Values of places `first`, `first` + 1, ..., times `scale`, rounded to bf16. */
export function randomByPlace(seed: bigint, first: bigint, count: number, scale: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    const place = first + BigInt(i);
    const word = mix(seed ^ mix(place >> 2n));
    const bits = Number((word >> (16n * (place & 3n))) & 0xffffn) - 32768;
    const value = Math.fround(bits * Math.fround(Math.fround(1.7320508) / 32768));
    values[i] = toBf16(Math.fround(scale * value));
  }
  return values;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** To the nearest bf16, ties to even. */
function toBf16(value: number): number {
  float[0] = value;
  bits[0] = ((bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000) >>> 0;
  return float[0]!;
}
