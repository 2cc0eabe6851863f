import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Normal noise from two uniform draws (Box and Muller), by another road than a fit's own draws. */
export function normalNumbers(seed: number): () => number {
  const generator = xoroshiro128plus(Math.imul(seed + 1, 0x85ebca6b));
  for (let draw = 0; draw < 16; draw += 1) uniformFloat64(generator);
  return () =>
    Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator))) *
    Math.cos(2 * Math.PI * uniformFloat64(generator));
}
