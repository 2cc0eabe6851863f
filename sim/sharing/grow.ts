/** A copy of `values` with room for at least `length`, at least doubled so that repeated growth stays linear. */
export function growFloat64(values: Float64Array, length: number): Float64Array {
  const grown = new Float64Array(Math.max(length, 2 * values.length));
  grown.set(values);
  return grown;
}

/** As growFloat64, for 32-bit integers. */
export function growInt32(values: Int32Array, length: number): Int32Array {
  const grown = new Int32Array(Math.max(length, 2 * values.length));
  grown.set(values);
  return grown;
}
