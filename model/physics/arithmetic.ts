/**
 * Arithmetic that laws and the walk of the closed form are written in once: on numbers, or on expressions that remember what they
 * depend on. Which of two quantities is larger is decided by their magnitudes, and with it which way a step goes.
 */
export interface Arithmetic<T> {
  constant(value: number): T;
  magnitude(quantity: T): number;
  plus(one: T, other: T): T;
  minus(one: T, other: T): T;
  times(quantity: T, factor: number): T;
  product(one: T, other: T): T;
  ratio(one: T, divisor: T): T;
  /** Seconds of bytes at a rate. */
  over(bytes: number, rate: T): T;
  smaller(one: T, other: T): T;
  larger(one: T, other: T): T;
  /** A sum that is divided by, with what it is called where sums have names. */
  divisor(name: string, sum: T): T;
}

/** Methods instead of functions in fields: a compiler that knows the class knows them, and puts the operation itself in their place. */
class NumberArithmetic implements Arithmetic<number> {
  constant(value: number): number {
    return value;
  }

  magnitude(quantity: number): number {
    return quantity;
  }

  plus(one: number, other: number): number {
    return one + other;
  }

  minus(one: number, other: number): number {
    return one - other;
  }

  times(quantity: number, factor: number): number {
    return quantity * factor;
  }

  product(one: number, other: number): number {
    return one * other;
  }

  ratio(one: number, divisor: number): number {
    return one / divisor;
  }

  over(bytes: number, rate: number): number {
    return bytes / rate;
  }

  smaller(one: number, other: number): number {
    return Math.min(one, other);
  }

  larger(one: number, other: number): number {
    return Math.max(one, other);
  }

  divisor(_: string, sum: number): number {
    return sum;
  }
}

export const NUMBERS: Arithmetic<number> = new NumberArithmetic();
