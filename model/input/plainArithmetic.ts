/** Named numbers that an expression may use, such as `{d: 5120, f: 13824}`. */
export type Names = Readonly<Record<string, number>>;

export const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round: Math.round,
  min: Math.min,
  max: Math.max,
};

export const OPERATORS: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '^': (a, b) => a ** b,
};

/** How many arguments a function takes that is called with `given`. */
export function argumentsWanted(name: string, given: number): number {
  return name === 'min' || name === 'max' ? Math.max(1, given) : 1;
}

const TOKEN =
  /[ \t]*(?:(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z_]\w*)|(?<sign>[-+*/^(),[\]]))/y;

/** Names that mathjs reads as operators or constants, whoever gives them a value. */
const RESERVED: ReadonlySet<string> = new Set(
  'mod to in and xor or not end true false null undefined NaN Infinity'.split(' '),
);

interface Token {
  kind: 'number' | 'name' | 'sign';
  text: string;
}

/** What is not plain; the caller asks mathjs. */
class NotPlain extends Error {}

/**
 * The values of a plain expression, or undefined for one that mathjs has to read: one value of `3*d`, two of `[3*d, d]`.
 *
 * Plain are numbers, given names, `+ - * / ^`, brackets and the functions above; every catalogue file is written so. Precedence
 * is mathjs's: powers associate to the right and bind more tightly than a minus before them. Products without a sign (`2 d`)
 * and whatever is wrong are left to mathjs, which also says what is wrong.
 *
 * @example plainValues('[3*d, d]', { d: 4 }) // { isArray: true, values: [12, 4] }
 */
export function plainValues(
  expression: string,
  names: Names,
): { isArray: boolean; values: number[] } | undefined {
  const tokens = tokensOf(expression);
  if (tokens === undefined) return undefined;
  try {
    return new PlainParser(tokens, names).whole();
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

function tokensOf(expression: string): Token[] | undefined {
  // A line break is no blank: mathjs reads two statements.
  const text = expression.replace(/[ \t]+$/, '');
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const groups = TOKEN.exec(text)?.groups;
    if (groups === undefined) return undefined;
    const { number, name, sign } = groups;
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else tokens.push({ kind: 'sign', text: sign! });
  }
  return tokens;
}

class PlainParser {
  readonly #tokens: readonly Token[];
  readonly #names: Names;
  #next = 0;

  constructor(tokens: readonly Token[], names: Names) {
    this.#tokens = tokens;
    this.#names = names;
  }

  whole(): { isArray: boolean; values: number[] } {
    const isArray = this.#takes('[');
    const values = isArray ? this.#list(']') : [this.#sum()];
    if (this.#next < this.#tokens.length) throw new NotPlain();
    return { isArray, values };
  }

  /** One expression or more up to a closing bracket. */
  #list(closing: string): number[] {
    const values = [this.#sum()];
    while (this.#takes(',')) values.push(this.#sum());
    this.#must(closing);
    return values;
  }

  #sum(): number {
    let value = this.#product();
    for (let sign = this.#either('+', '-'); sign !== undefined; sign = this.#either('+', '-'))
      value = OPERATORS[sign]!(value, this.#product());
    return value;
  }

  #product(): number {
    let value = this.#signed();
    for (let sign = this.#either('*', '/'); sign !== undefined; sign = this.#either('*', '/'))
      value = OPERATORS[sign]!(value, this.#signed());
    return value;
  }

  #signed(): number {
    return this.#takes('-') ? -this.#signed() : this.#power();
  }

  #power(): number {
    const base = this.#operand();
    return this.#takes('^') ? OPERATORS['^']!(base, this.#signed()) : base;
  }

  #operand(): number {
    if (this.#takes('(')) {
      const value = this.#sum();
      this.#must(')');
      return value;
    }
    const token = this.#tokens[this.#next];
    if (token === undefined || token.kind === 'sign') throw new NotPlain();
    this.#next += 1;
    if (token.kind === 'name') return this.#takes('(') ? this.#call(token.text) : this.#named(token.text);
    const value = Number(token.text);
    if (!Number.isFinite(value)) throw new NotPlain();
    return value;
  }

  #call(name: string): number {
    const values = this.#list(')');
    if (!Object.hasOwn(FUNCTIONS, name) || values.length !== argumentsWanted(name, values.length))
      throw new NotPlain();
    return FUNCTIONS[name]!(...values);
  }

  #named(name: string): number {
    if (RESERVED.has(name) || !Object.hasOwn(this.#names, name)) throw new NotPlain();
    return this.#names[name]!;
  }

  #either(...signs: readonly string[]): string | undefined {
    return signs.find((sign) => this.#takes(sign));
  }

  #takes(sign: string): boolean {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#next += 1;
    return true;
  }

  #must(sign: string): void {
    if (!this.#takes(sign)) throw new NotPlain();
  }
}
