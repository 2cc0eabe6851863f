/** Arithmetic that a law is written in once: on numbers, or on expressions that remember what they depend on. */
export interface Arithmetic<T> {
  magnitude(quantity: T): number;
  plus(one: T, other: T): T;
  times(quantity: T, factor: number): T;
  /** Seconds of bytes at a rate. */
  over(bytes: number, rate: T): T;
  larger(one: T, other: T): T;
}

export const NUMBERS: Arithmetic<number> = {
  magnitude: (quantity) => quantity,
  plus: (one, other) => one + other,
  times: (quantity, factor) => quantity * factor,
  over: (bytes, rate) => bytes / rate,
  larger: Math.max,
};
