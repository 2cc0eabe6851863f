/** A product of powers of named quantities with a factor before it. */
export interface Term {
  coefficient: number;
  powers: Readonly<Record<string, number>>;
}

/** Below this share of what was added up, a coefficient is rounding. */
const ROUNDING = 1e-12;

/**
 * A sum of products of whole powers of named quantities (a Laurent polynomial) together with its value: all that adding up
 * times and multiplying them by ratios ever makes. Equal products are one term, so that what cancels is gone, and the step of
 * sixty blocks is as short as that of two.
 *
 * @example symbol('h2d', 55e9).inverse().times(constant(16e6)) // 16000000 h2d^-1, worth 2.9e-4
 */
export class Laurent {
  readonly value: number;
  readonly #terms: ReadonlyMap<string, Term>;

  constructor(terms: ReadonlyMap<string, Term>, value: number) {
    this.#terms = terms;
    this.value = terms.size === 0 ? 0 : value;
  }

  get terms(): readonly Term[] {
    return [...this.#terms.values()];
  }

  plus(other: Laurent): Laurent {
    if (other.#terms.size === 0) return this;
    if (this.#terms.size === 0) return other;
    const sum = new Map(this.#terms);
    for (const [key, { coefficient, powers }] of other.#terms) {
      const before = sum.get(key)?.coefficient ?? 0;
      const after = before + coefficient;
      if (Math.abs(after) < ROUNDING * Math.max(Math.abs(before), Math.abs(coefficient))) sum.delete(key);
      else sum.set(key, { coefficient: after, powers });
    }
    return new Laurent(sum, this.value + other.value);
  }

  minus(other: Laurent): Laurent {
    return this.plus(other.times(constant(-1)));
  }

  times(other: Laurent): Laurent {
    let product = constant(0);
    for (const one of this.#terms.values()) {
      const row = other.terms.map((term) => multiplied(one, term));
      product = product.plus(new Laurent(new Map(row.map((term) => [keyOf(term.powers), term])), 0));
    }
    return new Laurent(product.#terms, this.value * other.value);
  }

  /** @throws RangeError for a sum, which has no inverse of this kind. */
  inverse(): Laurent {
    const [term, ...more] = this.terms;
    if (term === undefined || more.length > 0)
      throw new RangeError(`expected one term to divide by, got ${this.terms.length}`);
    const powers = Object.fromEntries(Object.entries(term.powers).map(([name, power]) => [name, -power]));
    return new Laurent(
      new Map([[keyOf(powers), { coefficient: 1 / term.coefficient, powers }]]),
      1 / this.value,
    );
  }
}

export function constant(value: number): Laurent {
  return new Laurent(value === 0 ? new Map() : new Map([['', { coefficient: value, powers: {} }]]), value);
}

export function symbol(name: string, value: number): Laurent {
  const powers = { [name]: 1 };
  return new Laurent(new Map([[keyOf(powers), { coefficient: 1, powers }]]), value);
}

export function smaller(one: Laurent, other: Laurent): Laurent {
  return one.value <= other.value ? one : other;
}

export function larger(one: Laurent, other: Laurent): Laurent {
  return one.value >= other.value ? one : other;
}

function multiplied(one: Term, other: Term): Term {
  const powers: Record<string, number> = { ...one.powers };
  for (const [name, power] of Object.entries(other.powers)) {
    const sum = (powers[name] ?? 0) + power;
    if (sum === 0) delete powers[name];
    else powers[name] = sum;
  }
  return { coefficient: one.coefficient * other.coefficient, powers };
}

function keyOf(powers: Readonly<Record<string, number>>): string {
  return Object.entries(powers)
    .map(([name, power]) => `${name}^${power}`)
    .sort()
    .join(' ');
}
