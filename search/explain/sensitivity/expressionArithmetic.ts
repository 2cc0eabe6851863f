import type { Arithmetic } from '../../../model/physics/arithmetic.ts';
import { constant, type Laurent, larger, smaller } from './laurent.ts';
import type { Symbols } from './symbols.ts';

/**
 * Arithmetic on expressions in a machine's quantities. Factors that are numbers stay numbers: a share that is taken of values is the
 * one that it has here.
 */
export class ExpressionArithmetic implements Arithmetic<Laurent> {
  readonly #symbols: Symbols;

  constructor(symbols: Symbols) {
    this.#symbols = symbols;
  }

  constant(value: number): Laurent {
    return constant(value);
  }

  magnitude({ value }: Laurent): number {
    return value;
  }

  plus(one: Laurent, other: Laurent): Laurent {
    return one.plus(other);
  }

  minus(one: Laurent, other: Laurent): Laurent {
    return one.minus(other);
  }

  times(quantity: Laurent, factor: number): Laurent {
    return quantity.times(constant(factor));
  }

  product(one: Laurent, other: Laurent): Laurent {
    return one.times(other);
  }

  /** @throws RangeError for a divisor of several terms: `divisor` makes it one. */
  ratio(one: Laurent, divisor: Laurent): Laurent {
    return one.times(divisor.inverse());
  }

  over(bytes: number, rate: Laurent): Laurent {
    return constant(bytes).times(rate.inverse());
  }

  smaller(one: Laurent, other: Laurent): Laurent {
    return smaller(one, other);
  }

  larger(one: Laurent, other: Laurent): Laurent {
    return larger(one, other);
  }

  divisor(name: string, sum: Laurent): Laurent {
    return this.#symbols.named(name, sum);
  }
}
